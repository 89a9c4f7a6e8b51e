// Orders of a small workshop: read, checked, planned, routed and summed up. Nothing that a rehearsal does.
import { EventEmitter } from 'events';

const log = `2024-02-27 order=17 item="oak table" price=349.50 days=9 by=Ines
2024-02-28 order=18 item="pine shelf" price=89.00 days=3 by=Tom
2024-02-29 order=19 item="walnut desk" price=oops days=12 by=Ada
2024-03-01 order=20 item="ash chair" price=120.25 days=5 by=Ines
garbage in the middle
2024-03-04 order=21 item="oak bench" price=210.00 days=7 by=Tom`;
const pattern = /^(?<day>\d{4}-\d\d-\d\d) order=(?<id>\d+) item="(?<item>[^"]+)" price=(?<price>\S+) days=(?<days>\d+) by=(?<by>\w+)$/u;

enum Wood { Hard = 'oak walnut ash', Soft = 'pine' }

interface Order {
    readonly due: Date;
    readonly id: number;
    readonly item: string;
    readonly cents: bigint;
    readonly by: string;
}
type Plain<T> = { [K in keyof T]: T[K] extends bigint ? string : T[K] extends Date ? string : T[K] };
type Outcome = { kind: 'order'; order: Order } | { kind: 'fault'; error: BadLine };

class BadLine extends Error {
    constructor(public readonly number: number, why: string, options?: ErrorOptions) {
        super(`line ${number}: ${why}`, options);
        this.name = new.target.name;
    }
}

abstract class Collection<T> implements Iterable<T> {
    protected items: T[] = [];
    get size(): number { return this.items.length; }
    abstract push(item: T): this;
    abstract pop(): T | undefined;
    *[Symbol.iterator](): Generator<T> {
        for (let item = this.pop(); item !== undefined; item = this.pop()) yield item;
    }
}

class Heap<T> extends Collection<T> {
    constructor(private readonly compare: (a: T, b: T) => number) { super(); }
    #swap(i: number, j: number): void { [this.items[i], this.items[j]] = [this.items[j]!, this.items[i]!]; }
    #less(i: number, j: number): boolean { return this.compare(this.items[i]!, this.items[j]!) < 0; }
    push(item: T): this {
        this.items.push(item);
        for (let at = this.size - 1, up; at > 0 && this.#less(at, (up = (at - 1) >> 1)); at = up) this.#swap(at, up);
        return this;
    }
    pop(): T | undefined {
        if (this.size === 0) return undefined;
        this.#swap(0, this.size - 1);
        const least = this.items.pop();
        for (let at = 0, child; (child = 2 * at + 1) < this.size; at = child) {
            if (child + 1 < this.size && this.#less(child + 1, child)) child++;
            if (!this.#less(child, at)) break;
            this.#swap(at, child);
        }
        return least;
    }
}

function parse(number: number, line: string): Outcome {
    const groups = pattern.exec(line)?.groups;
    try {
        if (!groups) throw new BadLine(number, `not an order: '${line.slice(0, 12)}'`);
        const [units, cents] = groups.price!.split('.');
        const due = new Date(`${groups.day}T12:00:00Z`);
        due.setUTCDate(due.getUTCDate() + Number(groups.days));
        return { kind: 'order', order: { due, id: Number(groups.id), item: groups.item!, cents: BigInt(units!) * 100n + BigInt(cents ?? 0), by: groups.by! } };
    } catch (error) {
        if (error instanceof SyntaxError) return { kind: 'fault', error: new BadLine(number, 'no price', { cause: error }) };
        if (error instanceof BadLine) return { kind: 'fault', error };
        throw error;
    }
}

function common(a: string, b: string): string {
    const best = Array.from({ length: a.length + 1 }, () => new Array<string>(b.length + 1).fill(''));
    for (const [i, x] of [...a].entries())
        for (const [j, y] of [...b].entries())
            best[i + 1]![j + 1] = x === y ? best[i]![j]! + x : [best[i]![j + 1]!, best[i + 1]![j]!].reduce((p, q) => (q.length > p.length ? q : p));
    return best.at(-1)!.at(-1)!;
}

const roads = { yard: ['mill', 'gate'], gate: ['town', 'ford'], mill: ['ford'], ford: ['hill'], town: ['hill', 'port'], hill: ['port'], port: [] } satisfies Record<string, string[]>;
type Place = keyof typeof roads;

function route(from: Place, to: Place): Place[] {
    const came = new Map<Place, Place | null>([[from, null]]);
    const queue: Place[] = [from];
    for (const place of queue)
        for (const next of roads[place] as Place[])
            if (!came.has(next)) {
                came.set(next, place);
                queue.push(next);
            }
    const path: Place[] = [];
    for (let at: Place | null = to; at; at = came.get(at) ?? null) path.unshift(at);
    return path;
}

const plain = (order: Order): Plain<Order> => ({ ...order, cents: String(order.cents), due: order.due.toISOString().slice(0, 10) });

async function main(): Promise<void> {
    const orders = new Heap<Order>((a, b) => a.due.getTime() - b.due.getTime() || a.id - b.id);
    const bus = new EventEmitter();
    bus.on('fault', (error: BadLine) => console.log(`${error.name}: ${error.message} (${(error.cause as Error | undefined)?.name ?? 'none'})`));
    for (const [i, line] of log.split('\n').entries()) {
        const outcome = parse(i + 1, line);
        switch (outcome.kind) {
        case 'order': orders.push(outcome.order); break;
        case 'fault': bus.emit('fault', outcome.error); break;
        }
    }
    const plan = [...orders];
    for (const order of plan) {
        const wood = Object.entries(Wood).find(([, kinds]) => kinds.split(' ').includes(order.item.split(' ')[0]!))?.[0] ?? 'unknown';
        const price = `${order.cents / 100n}.${String(order.cents % 100n).padStart(2, '0')}`;
        console.log(`${order.due.toUTCString().slice(0, 11)} ${order.item.replace(/\b\w/g, c => c.toUpperCase()).padEnd(12)} ${price.padStart(8)} ${wood.toLowerCase()} ${order.by}`);
    }
    const text = JSON.stringify(plan.map(plain), null, 1);
    const back = JSON.parse(text) as Plain<Order>[];
    const earned = plan.reduce((sums, { by, cents }) => sums.set(by, (sums.get(by) ?? 0n) + cents), new Map<string, bigint>());
    console.log(text.length, back[0]!.due, Object.fromEntries([...earned].sort()));
    const waited = await Promise.allSettled([...plan.map(async order => order.item.length), Promise.reject(new RangeError('late'))]);
    console.log(waited.map(result => (result.status === 'fulfilled' ? result.value : String(result.reason))).join(', '));
    console.log(common('sandbox of the walnut', 'box and the wallet'), route('yard', 'port').join('->'), [...new Set(plan.map(({ by }) => by))].sort((a, b) => b.localeCompare(a)));
}

main().finally(() => console.log('done'));
