// A small bank: parses statements, keeps accounts, and reports. Nothing of it is in a rehearsal.
const { EventEmitter } = require('events');
const assert = require('assert');

class InsufficientFunds extends Error {
    constructor(account, missing) {
        super(`${account} lacks ${missing}`);
        this.name = 'InsufficientFunds';
        this.missing = missing;
    }
}

class Ledger extends EventEmitter {
    #accounts = new Map();
    #log = [];

    balance(name) {
        return this.#accounts.get(name) ?? 0n;
    }
    move(from, to, amount, when) {
        if (from !== 'bank' && this.balance(from) < amount)
            throw new InsufficientFunds(from, amount - this.balance(from));
        this.#accounts.set(from, this.balance(from) - amount);
        this.#accounts.set(to, this.balance(to) + amount);
        this.#log.push({ from, to, amount, when });
        this.emit('moved', from, to, amount);
        return this;
    }
    *[Symbol.iterator]() {
        yield* this.#log;
    }
    get names() {
        return [...this.#accounts.keys()].sort((a, b) => a.localeCompare(b));
    }
}

const statements = `
2024-01-31 bank -> Zoë: 120.50
2024-02-29 bank -> ada: 99.99
2024-03-01 Zoë -> ada: 20.05
2024-03-31 ada -> Émile: 500.00
2024-12-25 ada -> Émile: 42.42
2025-01-01 Émile -> Zoë: 2.42`;

const ledger = new Ledger();
let moves = 0;
ledger.on('moved', () => moves++);
for (const { groups: g } of statements.matchAll(/^(?<day>[\d-]+) (?<from>\S+) -> (?<to>[^:]+): (?<units>\d+)\.(?<cents>\d\d)$/gmu)) {
    try {
        ledger.move(g.from, g.to, BigInt(g.units) * 100n + BigInt(g.cents), new Date(`${g.day}T12:00:00Z`));
    } catch (error) {
        if (!(error instanceof InsufficientFunds)) throw error;
        console.log('%s: %s (%d)', error.name, error.message, Number(error.missing));
    }
}

const euros = (cents) => `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`;
for (const name of ledger.names.filter((name) => name !== 'bank')) console.log(name.padEnd(8, '.') + euros(ledger.balance(name)).padStart(9));
const perQuarter = Object.groupBy(ledger, ({ when }) => `${when.getUTCFullYear()}Q${Math.ceil((when.getUTCMonth() + 1) / 3)}`);
console.log(Object.fromEntries(Object.entries(perQuarter).map(([quarter, list]) => [quarter, list.length])));

function editDistance(a, b) {
    let row = Uint16Array.from({ length: b.length + 1 }, (_, i) => i);
    for (let i = 1; i <= a.length; i++) {
        const next = Uint16Array.of(i, ...new Array(b.length).fill(0));
        for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] !== b[j - 1]));
        row = next;
    }
    return row.at(-1);
}

const sleep = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
async function main() {
    assert.deepStrictEqual([editDistance('kitten', 'sitting'), moves], [3, 5]);
    const settled = await Promise.allSettled([sleep(1, 'one'), Promise.reject(new RangeError('no')), sleep(0, { two: [2, [2, [2, [2]]]] })]);
    console.log(settled.map(({ status, reason }) => status + (reason ? ` ${reason.message}` : '')), settled[2].value);
    const copy = structuredClone(new Map([['k', new Set([1, 2])]]));
    console.log(copy, JSON.stringify([...ledger].at(-1), (key, value) => (typeof value === 'bigint' ? `${value}n` : value)));
}
main().finally(() => console.log('done'));
