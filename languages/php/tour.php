<?php
// What programs go through, run once in a fork of the booted PHP (src/init/zygote_pages.c): where it writes in memory, each box has
// its copies before a program comes.
declare(strict_types=1);

namespace Tour;

interface Walks
{
    public function walk(int $n): int;
}

abstract class Animal implements Walks, \JsonSerializable
{
    protected static int $made = 0;

    public function __construct(public readonly string $name, protected int $legs = 4)
    {
        self::$made++;
    }

    public function walk(int $n): int
    {
        return $this->legs * $n;
    }

    public function jsonSerialize(): array
    {
        return ['name' => $this->name, 'made' => static::$made];
    }
}

final class Cat extends Animal {}

enum Size: string
{
    case Small = 's';
    case Large = 'l';
}

function numbers(int $n): \Generator
{
    for ($i = 0; $i < $n; $i++) {
        yield $i => $i * $i;
    }
}

$count = $groups = [];
foreach (explode(' ', 'the quick brown fox jumps over the lazy dog and the other animals of the wood') as $word) {
    $count[$word] = ($count[$word] ?? 0) + 1;
    $groups[strlen($word)][] = ucfirst($word);
}
arsort($count);
ksort($groups);
uksort($count, fn ($a, $b) => [$count[$b], $a] <=> [$count[$a], $b]);
$grid = array_map(fn ($row) => array_map(fn ($column) => $row * $column % 7, range(0, 11)), range(0, 11));
$sum = array_sum(array_merge(...$grid));
$queue = new \SplQueue();
$queue->enqueue(1);
$seen = [];
while (!$queue->isEmpty()) {
    $node = $queue->dequeue();
    if (!isset($seen[$node])) {
        $seen[$node] = true;
        foreach ([1 => [2, 3], 2 => [4], 3 => [4], 4 => [1]][$node] as $other) {
            $queue->enqueue($other);
        }
    }
}
try {
    throw new \InvalidArgumentException('text', 3);
} catch (\LogicException $error) {
    $why = get_class($error) . $error->getMessage();
} finally {
    $size = Size::from('s');
}
[$first, , $third] = array_values($count);
['a' => $a, 'b' => $b] = json_decode('{"a": 1, "b": [1, 2.5, null, "\u00e9"]}', true);
$text = implode(', ', array_map(fn ($w, $n) => sprintf('%-8s|%3d|%5.2f', $w, $n, $n / 3), array_keys($count), $count));
$other = preg_replace_callback('/(\w+)\s*\|/', fn ($m) => strtoupper($m[1]), $text);
preg_match_all('/(?<word>[a-z]+)=(\d+)/', 'a=1, bc=22', $found, PREG_SET_ORDER);
static fn () => yield from numbers(3);
echo json_encode([new Cat('cat'), $groups, $found, $size], JSON_PRETTY_PRINT), "\n", match (true) { $sum > 10 => 'large', default => 'small' }, "\n";
echo $other, $why, (new Cat('x'))->walk(3), strrev('abc'), substr($text, 2, 5), str_pad('x', 5, '-'), number_format(1234.5, 1), date('Y', 0), "\n";
echo implode(' ', array_filter(iterator_to_array(numbers(10)), fn ($n) => $n % 2 === 0)), md5('x'), var_export([1, 'a' => null], true), "\n";
printf("%s %d %x %e %05.1f\n", 'x', 42, 255, 1.5, 3.14159);
print_r(array_slice(array_unique([3, 1, 3, 2]), 1));
foreach (range(1, 100) as $n) {
    echo "line $n\n";
}
foreach (file('/proc/self/stat') ?: [] as $line) {
    echo strlen(trim($line)), "\n";
}
while (($line = fgets(STDIN)) !== false) {
    echo $line;
}
usort($grid, fn (array $a, array $b) => $a[1] <=> $b[1]);
echo mb_strtoupper('é'), intdiv(7, 2), 2 ** 10, max(1, 2), round(2.5), htmlspecialchars('<a>'), ucwords('a b'), $first, $third, $a, count($b), "\n";
