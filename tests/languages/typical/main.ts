import { readFileSync } from 'node:fs';

interface Shape {
    area(): number;
}

class Circle implements Shape {
    constructor(private readonly radius: number) {}
    area(): number {
        return Math.floor((this.radius ** 2 * 314159) / 100000);
    }
}

class Rectangle implements Shape {
    constructor(private readonly width: number, private readonly height: number) {}
    area(): number {
        return this.width * this.height;
    }
}

type Entry = { word: string; total: number; count: number };

function top(lines: string[], n: number): Entry[] {
    const entries = new Map<string, Entry>();
    for (const line of lines) {
        const [word, value] = line.split(' ') as [string, string];
        const entry = entries.get(word) ?? { word, total: 0, count: 0 };
        entry.total += Number(value);
        entry.count++;
        entries.set(word, entry);
    }
    return [...entries.values()].sort((a, b) => b.total - a.total || (a.word < b.word ? -1 : 1)).slice(0, n);
}

function primes(limit: number): number[] {
    const composite = new Uint8Array(limit);
    const found: number[] = [];
    for (let i = 2; i < limit; i++) {
        if (composite[i]) continue;
        found.push(i);
        for (let j = i * i; j < limit; j += i) composite[j] = 1;
    }
    return found;
}

const memo = new Map<number, number>();
function fib(n: number): number {
    if (n < 2) return n;
    if (!memo.has(n)) memo.set(n, fib(n - 1) + fib(n - 2));
    return memo.get(n)!;
}

function trace(n: number): number {
    const a: number[][] = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i * j) % 7));
    let sum = 0;
    for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) sum += a[i]![k]! * a[k]![i]!;
    return sum;
}

const lines = readFileSync(0, 'utf8').trim().split('\n');
for (const { word, total, count } of top(lines, 5)) console.log(`${word} ${total} ${count}`);
const found = primes(20000);
console.log('primes', found.length, found[found.length - 1]);
console.log('fib', fib(70));
console.log('trace', trace(20));
const text: string = 'the quick brown fox jumps over the lazy dog';
const turned = text.split(' ').reverse().map((word) => [...word].reverse().join('')).join(' ');
console.log(turned, text.match(/[aeiou]/g)!.length);
const shapes: Shape[] = [new Circle(15), new Rectangle(20, 35), new Rectangle(40, 40)];
console.log('area', shapes.reduce((sum, shape) => sum + shape.area(), 0));
