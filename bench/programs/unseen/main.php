<?php
// Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
declare(strict_types=1);

const LOG = <<<TEXT
2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
garbage in the middle
2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom
TEXT;
const LINE = '/^(?<day>\d{4}-\d\d-\d\d) order=(?<id>\d+) item="(?<item>[^"]+)" price=(?<price>\S+) days=(?<days>\d+) by=(?<by>\w+)$/';
const ROADS = ['yard' => ['mill', 'gate'], 'gate' => ['town', 'ford'], 'mill' => ['ford'], 'ford' => ['hill'], 'town' => ['hill', 'port'], 'hill' => ['port']];

enum Wood: string
{
    case Hard = 'oak walnut ash';
    case Soft = 'pine';

    public static function of(string $item): self
    {
        foreach (self::cases() as $kind) {
            if (in_array(strtok($item, ' '), explode(' ', $kind->value), true)) {
                return $kind;
            }
        }
        throw new DomainException($item);
    }
}

final class BadLine extends RuntimeException
{
    public function __construct(int $number, string $why, ?Throwable $previous = null)
    {
        parent::__construct("line $number: $why", $number, $previous);
    }
}

final class Order implements JsonSerializable
{
    public function __construct(
        public readonly DateTimeImmutable $due,
        public readonly int $id,
        public readonly string $item,
        public readonly int $cents,
        public readonly string $by = 'nobody',
    ) {
    }

    public function jsonSerialize(): array
    {
        return ['due' => $this->due->format('Y-m-d')] + get_object_vars($this);
    }
}

final class Soonest extends SplHeap
{
    protected function compare(mixed $a, mixed $b): int
    {
        return [$b->due, $b->id] <=> [$a->due, $a->id];
    }
}

function parse(int $number, string $line): Order
{
    if (!preg_match(LINE, $line, $part)) {
        throw new BadLine($number, sprintf("not an order: '%.12s'", $line));
    }
    try {
        $cents = (int) round(((fn (float $price): float => $price)($part['price'] + 0)) * 100);
    } catch (TypeError $error) {
        throw new BadLine($number, 'no price', $error);
    }
    return new Order((new DateTimeImmutable($part['day'], new DateTimeZone('UTC')))->add(new DateInterval("P{$part['days']}D")), (int) $part['id'], $part['item'], $cents, $part['by']);
}

function common(string $a, string $b): string
{
    $best = array_fill(0, strlen($a) + 1, array_fill(0, strlen($b) + 1, ''));
    foreach (str_split($a) as $i => $x) {
        foreach (str_split($b) as $j => $y) {
            $best[$i + 1][$j + 1] = match (true) {
                $x === $y => $best[$i][$j] . $x,
                strlen($best[$i][$j + 1]) >= strlen($best[$i + 1][$j]) => $best[$i][$j + 1],
                default => $best[$i + 1][$j],
            };
        }
    }
    return $best[strlen($a)][strlen($b)];
}

function breadthFirst(string $from): Generator
{
    $queue = new SplQueue();
    $queue->enqueue($from);
    for ($seen = [$from => true]; !$queue->isEmpty();) {
        $place = $queue->dequeue();
        foreach (ROADS[$place] ?? [] as $next) {
            if (!isset($seen[$next])) {
                $seen[$next] = true;
                $queue->enqueue($next);
                yield $next => $place;
            }
        }
    }
}

$orders = new Soonest();
foreach (explode("\n", LOG) as $i => $line) {
    try {
        $orders->insert(parse($i + 1, $line));
    } catch (BadLine $error) {
        printf("%s (%s)\n", $error->getMessage(), get_debug_type($error->getPrevious()));
    }
}
$plan = iterator_to_array($orders, false);
foreach ($plan as $order) {
    printf("%s %-12s %8s %s %s\n", $order->due->format('D d M'), ucwords($order->item), number_format($order->cents / 100, 2), strtolower(Wood::of($order->item)->name), $order->by);
}
$text = json_encode($plan, JSON_THROW_ON_ERROR | JSON_PRETTY_PRINT);
echo strlen($text), ' ', json_decode($text, true)[0]['due'], ' ', array_sum(array_column($plan, 'cents')), "\n";
$earned = array_reduce($plan, fn (array $sum, Order $order): array => [$order->by => ($sum[$order->by] ?? 0) + $order->cents] + $sum, []);
ksort($earned);
echo http_build_query($earned), ' ', preg_replace_callback('/[aeiou]+/', fn ($m) => strtoupper($m[0]), implode(',', array_map(fn ($o) => $o->item, $plan))), "\n";
$came = iterator_to_array(breadthFirst('yard'));
for ($path = ['port']; isset($came[$path[0]]);) {
    array_unshift($path, $came[$path[0]]);
}
echo common('sandbox of the walnut', 'box and the wallet'), ' ', implode('->', $path), "\n";
