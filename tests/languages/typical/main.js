'use strict';
const fs = require('node:fs');

class Circle {
    constructor(radius) {
        this.radius = radius;
    }
    area() {
        return Math.floor((this.radius * this.radius * 314159) / 100000);
    }
}

class Rectangle {
    constructor(width, height) {
        Object.assign(this, { width, height });
    }
    area() {
        return this.width * this.height;
    }
}

function top(lines, n) {
    const entries = new Map();
    for (const line of lines) {
        const [word, value] = line.split(' ');
        const entry = entries.get(word) ?? { word, total: 0, count: 0 };
        entry.total += Number(value);
        entry.count++;
        entries.set(word, entry);
    }
    return [...entries.values()].sort((a, b) => b.total - a.total || (a.word < b.word ? -1 : 1)).slice(0, n);
}

function primes(limit) {
    const composite = new Uint8Array(limit);
    const found = [];
    for (let i = 2; i < limit; i++) {
        if (composite[i]) continue;
        found.push(i);
        for (let j = i * i; j < limit; j += i) composite[j] = 1;
    }
    return found;
}

const memo = new Map();
function fib(n) {
    if (n < 2) return n;
    if (!memo.has(n)) memo.set(n, fib(n - 1) + fib(n - 2));
    return memo.get(n);
}

function trace(n) {
    const a = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i * j) % 7));
    let sum = 0;
    for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) sum += a[i][k] * a[k][i];
    return sum;
}

const lines = fs.readFileSync(0, 'utf8').trim().split('\n');
for (const { word, total, count } of top(lines, 5)) console.log(`${word} ${total} ${count}`);
const found = primes(20000);
console.log('primes', found.length, found.at(-1));
console.log('fib', fib(70));
console.log('trace', trace(20));
const text = 'the quick brown fox jumps over the lazy dog';
const turned = text.split(' ').reverse().map((word) => [...word].reverse().join('')).join(' ');
console.log(turned, text.match(/[aeiou]/g).length);
console.log('area', [new Circle(15), new Rectangle(20, 35), new Rectangle(40, 40)].reduce((sum, s) => sum + s.area(), 0));
