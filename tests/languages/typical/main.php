<?php

declare(strict_types=1);

final class Entry
{
    public int $total = 0;
    public int $count = 0;

    public function __construct(public readonly string $word) {}
}

interface Shape
{
    public function area(): int;
}

final class Circle implements Shape
{
    public function __construct(private int $radius) {}

    public function area(): int
    {
        return intdiv($this->radius * $this->radius * 314159, 100000);
    }
}

final class Rectangle implements Shape
{
    public function __construct(private int $width, private int $height) {}

    public function area(): int
    {
        return $this->width * $this->height;
    }
}

function top(iterable $lines, int $n): array
{
    $entries = [];
    foreach ($lines as $line) {
        [$word, $value] = explode(' ', trim($line));
        $entry = $entries[$word] ??= new Entry($word);
        $entry->total += (int) $value;
        $entry->count++;
    }
    usort($entries, fn (Entry $a, Entry $b) => [$b->total, $a->word] <=> [$a->total, $b->word]);
    return array_slice($entries, 0, $n);
}

function primes(int $limit): array
{
    $composite = array_fill(0, $limit, false);
    $found = [];
    for ($i = 2; $i < $limit; $i++) {
        if ($composite[$i]) {
            continue;
        }
        $found[] = $i;
        for ($j = $i * $i; $j < $limit; $j += $i) {
            $composite[$j] = true;
        }
    }
    return $found;
}

function fib(int $n): int
{
    static $memo = [];
    return $n < 2 ? $n : $memo[$n] ??= fib($n - 1) + fib($n - 2);
}

function trace(int $n): int
{
    $a = array_map(fn ($i) => array_map(fn ($j) => $i * $j % 7, range(0, $n - 1)), range(0, $n - 1));
    $sum = 0;
    for ($i = 0; $i < $n; $i++) {
        for ($k = 0; $k < $n; $k++) {
            $sum += $a[$i][$k] * $a[$k][$i];
        }
    }
    return $sum;
}

foreach (top(file('php://stdin'), 5) as $entry) {
    echo "{$entry->word} {$entry->total} {$entry->count}\n";
}
$found = primes(20000);
printf("primes %d %d\n", count($found), end($found));
echo 'fib ', fib(70), "\n";
echo 'trace ', trace(20), "\n";
$text = 'the quick brown fox jumps over the lazy dog';
echo strrev($text), ' ', preg_match_all('/[aeiou]/', $text), "\n";
$shapes = [new Circle(15), new Rectangle(20, 35), new Rectangle(40, 40)];
echo 'area ', array_sum(array_map(fn (Shape $shape) => $shape->area(), $shapes)), "\n";
