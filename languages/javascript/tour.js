/*
 * What programs do, to be gone through before there is one: code of Node and V8 is then compiled, and its pages are
 * there. Run by warm.js as a module, with `output`, a stream like process.stdout, and `require`. It leaves nothing behind.
 * No Math.random(): a context's first call fixes its seed.
 */
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const util = require('node:util');
const { EventEmitter, once } = require('node:events');
const { createHash } = require('node:crypto');
const readline = require('node:readline');
const { Readable } = require('node:stream');
const { performance } = require('node:perf_hooks');

const screen = new console.Console({ stdout: output, stderr: output });

class Animal {
    static count = 0;
    #legs;
    constructor(name, legs = 4) {
        this.name = name;
        this.#legs = legs;
        Animal.count++;
    }
    get legs() { return this.#legs; }
    set legs(n) { this.#legs = n; }
    speak() { return `${this.name} has ${this.#legs}`; }
    static of(...names) { return names.map((name) => new this(name)); }
    toString() { return `[${this.name}]`; }
}
class Bird extends Animal {
    constructor(name) { super(name, 2); }
    speak() { return super.speak().toUpperCase(); }
    get [Symbol.toStringTag]() { return 'Bird'; }
}
class Failure extends Error {
    constructor(message, options) { super(message, options); this.name = 'Failure'; this.code = 'E_TOUR'; }
}

function* naturals(limit) {
    for (let i = 0; i < limit; i++) yield i;
}
function* walk(tree) {
    if (!tree) return;
    yield* walk(tree.left);
    yield tree.value;
    yield* walk(tree.right);
}
function insert(tree, value) {
    if (!tree) return { value };
    if (value < tree.value) tree.left = insert(tree.left, value);
    else tree.right = insert(tree.right, value);
    return tree;
}
async function* ticks(n) {
    for (let i = 0; i < n; i++) { await null; yield i; }
}
const compose = (...functions) => (x) => functions.reduce((value, f) => f(value), x);
const curry = (f) => (a) => (b) => f(a, b);
const factorial = (n) => (n <= 1n ? 1n : n * factorial(n - 1n));
const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b));

function text() {
    const words = 'pack my box with five dozen liquor jugs, then judge my vow'.split(/\W+/);
    const counts = {};
    for (const word of words) for (const letter of word) counts[letter] = (counts[letter] || 0) + 1;
    const sorted = Object.entries(counts).sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
    const groups = Object.groupBy(words, (word) => word.length);
    const lines = [
        words.map((word) => word[0].toUpperCase() + word.slice(1).toLowerCase()).join(' '),
        [...'straße 日本 🎉'].reverse().join('|'), 'abc'.padStart(6, '*').padEnd(9).trimEnd().repeat(2), 'x'.codePointAt(0), 'é'.normalize('NFD').length,
        'a-b_c'.replace(/[-_](\w)/g, (all, letter) => letter.toUpperCase()), 'aXbX'.replaceAll('X', '.'), 'key=value; k2=v2'.match(/(\w+)=(\w+)/),
        [...'a1b22c333'.matchAll(/(?<letter>[a-z])(?<number>\d+)/g)].map((m) => `${m.groups.letter}:${m.index}`), /^(?=.*\d)[a-z\d]+$/i.test('pass1'),
        'one,two,,three'.split(','), 'abcdef'.substring(1, 3) + 'abcdef'.at(-1) + 'abcdef'.indexOf('d'), ['b', 'a', 'C'].sort(new Intl.Collator('en').compare),
        parseInt('ff', 16), Number('12.5').toFixed(3), (255).toString(2), (1234567.891).toLocaleString(), (0.1 + 0.2).toPrecision(3), Number.MAX_SAFE_INTEGER, 1e21,
        String.raw`a\n${1}`, encodeURIComponent('ä b'), decodeURIComponent('%C3%A4'), escape('ü'), 'a'.localeCompare('B'), isNaN('x'), 'abc'.includes('b'),
    ];
    return [sorted, groups, lines];
}

function data() {
    const list = Array.from({ length: 40 }, (_, i) => (i * 29) % 41);
    const matrix = Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, (__, j) => i ^ j));
    const product = matrix.map((row) => matrix[0].map((_, j) => row.reduce((sum, value, k) => sum + value * matrix[k][j], 0)));
    const map = new Map(list.map((n) => [`k${n}`, n]));
    const set = new Set(list.filter((n) => n % 2));
    const weak = new WeakMap([[list, 1]]);
    const view = new DataView(new ArrayBuffer(16));
    view.setFloat64(0, Math.PI);
    view.setInt16(8, -2, true);
    const bytes = Uint8Array.from([3, 1, 2]).sort();
    const floats = new Float64Array(8).fill(1.5).map((x, i) => x * i);
    const { a, ...rest } = { a: 1, b: { c: [2, 3] }, d: undefined, e: null, [Symbol('s')]: 4 };
    const [first, , third = 9, ...others] = list;
    const proxy = new Proxy({}, { get: (target, key) => `got ${String(key)}`, has: () => true });
    const frozen = Object.freeze({ x: 1, nested: { y: 2 } });
    const json = JSON.stringify({ list, rest, date: new Date(0), map: [...map], big: String(2n ** 70n), u: undefined, f() {} }, null, 2);
    const back = JSON.parse(json, (key, value) => (typeof value === 'number' ? value + 1 : value));
    let tree;
    for (const n of list) tree = insert(tree, n);
    const stack = [1, 2, 3], queue = [...stack];
    stack.push(4); stack.pop(); queue.shift(); queue.unshift(0); queue.splice(1, 1, 7, 8);
    const found = [list.find((n) => n > 30), list.findIndex((n) => n === 5), list.some((n) => n < 0), list.every(Number.isInteger), list.includes(7), list.indexOf(8)];
    const flat = [[1, [2]], [3]].flat(2).concat(list.slice(0, 3)).flatMap((n) => [n, n]).toSorted((m, n) => n - m).with(0, 5);
    list.sort((m, n) => m - n).reverse().forEach((n, i, all) => { all[i] = n; });
    const numbers = [Math.max(...list), Math.min(...list), Math.hypot(3, 4), Math.trunc(-2.5), Math.round(2.5), Math.sqrt(2), Math.cbrt(27), Math.log2(8), Math.sign(-3), Math.imul(3, 4), 7 % 3, 2 ** 10, 5 >> 1, -5 >>> 28, 6 & 3, 6 | 3, ~6];
    return [product, map, set, weak.has(list), view.getFloat64(0), bytes, floats, a, rest, first, third, others.length, proxy.any, 'q' in proxy, frozen, back, [...walk(tree)], stack, queue,
        found, flat, numbers, factorial(25n), gcd(84, 36), compose((x) => x + 1, curry((m, n) => m * n)(3))(4), [...naturals(5)], structuredClone({ when: new Date(0), map }),
        Object.entries({ p: 1, q: 2 }).map(([key, value]) => key + value), Object.assign({}, frozen, { z: 3 }), { ...frozen, w: 4 }, Reflect.ownKeys(frozen), a?.b?.c ?? 'none', typeof null, void 0];
}

function dates() {
    const day = new Date(Date.UTC(2024, 1, 29, 13, 5, 9, 7));
    day.setDate(day.getDate() + 366);
    return [day.toISOString(), day.toString(), day.toDateString(), day.toLocaleDateString('en-GB'), day.toLocaleTimeString('en-US'), day.toLocaleString('de-DE', { timeZone: 'UTC', dateStyle: 'full' }), day.getDay(), day.getTimezoneOffset(),
        Date.parse('2020-02-02'), new Intl.NumberFormat('en-US', { style: 'currency', currency: 'EUR' }).format(12345.678), new Intl.DateTimeFormat('en', { month: 'long' }).format(day), new Intl.PluralRules('en').select(1), Date.now() > 0];
}

function errors() {
    const seen = [];
    for (const risk of [() => null.x, () => undefinedName, () => { throw new Failure('outer', { cause: new TypeError('inner') }); }, () => JSON.parse('{'), () => new Array(-1), () => BigInt(1.5), () => Symbol() + '', () => require('node:nothing'), () => fs.readFileSync('/nonexistent')]) {
        try {
            risk();
        } catch (error) {
            seen.push(`${error.name}: ${error.message} ${error.stack.split('\n').length}`);
            if (error.code === 'E_TOUR') screen.error(error);
        } finally {
            seen.length++;
        }
    }
    return seen;
}

async function waits() {
    const all = await Promise.all([1, Promise.resolve(2), new Promise((resolve) => process.nextTick(resolve, 3)), (async () => 4)()]);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await new Promise((resolve) => setImmediate(resolve));
    const rest = await Promise.allSettled([Promise.reject(new Failure('late')), Promise.race([1]), Promise.any([Promise.resolve(5)])]);
    for await (const n of ticks(3)) all.push(n);
    const emitter = new EventEmitter();
    emitter.on('data', (x) => all.push(x)).once('end', () => all.push('end'));
    const ended = once(emitter, 'end');
    emitter.emit('data', 1);
    emitter.emit('end');
    await ended;
    const lines = readline.createInterface({ input: Readable.from(['4 5\nsix ', 'seven\n', 'eight']) });
    for await (const line of lines) all.push(line.split(' ').map(Number));
    const interval = setInterval(() => {}, 1000);
    clearInterval(interval);
    queueMicrotask(() => all.push('micro'));
    const aborted = new AbortController();
    aborted.abort();
    await new Promise((resolve) => Readable.from(['a', 'b']).on('data', (chunk) => all.push(chunk)).on('end', resolve));
    screen.log(all, rest, aborted.signal.aborted);
}

function library() {
    const buffer = Buffer.from('héllo wörld');
    return [path.join('/a', '..', 'b', 'c.txt'), path.extname('x.tar.gz'), path.parse('/d/e.f'), buffer.toString('base64'), buffer.toString('hex'), Buffer.concat([buffer, Buffer.alloc(2)]).length, createHash('sha256').update('x').digest('hex'),
        new URL('https://u:p@host:81/p/a?q=1&r=a%20b#h').searchParams.get('r'), util.format('%s %d %i %f %j %o %O %%', 'a', 1, 2.5, 1.5, { x: 1 }, [1], { y: 2 }), util.inspect({ deep: { er: { and: { deeper: 1 } } }, f() {}, g: class A {}, s: Symbol('t') }, { depth: 4, colors: true }),
        util.isDeepStrictEqual({ a: [1] }, { a: [1] }), new TextEncoder().encode('é'), new TextDecoder().decode(buffer), btoa('x'), atob('eA=='), performance.now() > 0, process.memoryUsage().rss > 0, process.hrtime.bigint() > 0n, fs.existsSync('/dev/null'), fs.readFileSync('/dev/null', 'utf8'), fs.statSync('/dev/null').isFile()];
}

function show() {
    screen.log('text', 1, 2.5, -0, true, null, undefined, 10n, Symbol('s'), 'more "quotes"', NaN);
    screen.log(Animal.of('cat', 'dog').map((animal) => animal.speak()), new Bird('owl'), `${new Bird('tit')}`, Animal.count, new Bird('emu').speak());
    screen.log([1, 'two', [3, [4, [5, [6]]]], { a: { b: { c: { d: 1 } } } }], [, 1], new Array(3), Array.from({ length: 120 }, (_, i) => i));
    screen.log(new Map([['a', { b: 1 }]]), new Set(['x', [1]]), new Date(0), /re/gi, new Failure('shown'), () => 1, function named() {}, class Empty {}, new Uint8Array(3), Buffer.from('b'), Promise.resolve(1), new WeakSet(), Object.create(null), [undefined, null], globalThis === this);
    screen.log('%s is %d years and %i, %f, %j, %o, %O, %c', 'Ann', 42, 42.5, 1.5, { a: 1 }, [1], { b: 2 }, 'css');
    screen.error('to the other');
    screen.table([{ a: 1, b: 'x' }, { a: 2, c: true }]);
    screen.info(); screen.warn('w'); screen.debug('d'); screen.dir({ a: 1 }); screen.group('g'); screen.log('inside'); screen.groupEnd();
    screen.assert(true, 'never'); screen.count(); screen.countReset();
    output.write('raw\n');
}

for (const part of [text, data, dates, errors, library]) screen.log(part());
show();
module.exports = waits();
