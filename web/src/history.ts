// The runs of this browser: programs and what came out, in IndexedDB, the latest historyMax of them. Where the browser
// keeps nothing, they last as long as the page.

import type { Result } from './api';
import type { Work } from './workspace';

export interface Entry {
    id: number; // when it was started, ms; sorts by time
    work: Work;
    result: Omit<Result, 'id'> | 'stopped' | 'draft'; // draft: it was not run, and another program took its place
    output: string; // the first outputMax characters
}

const historyMax = 50;
const outputMax = 256 * 1024;
const workMax = 512 * 1024;

function settled<T>(request: IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error ?? new Error('IndexedDB'));
    });
}

async function open(): Promise<IDBDatabase> {
    const request = indexedDB.open('glimpse', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('runs', { keyPath: 'id' });
    return settled(request);
}

export class History {
    private entries: Entry[] = []; // the newest first
    private database: Promise<IDBDatabase | null> | null = null;

    // The newest first.
    async all(): Promise<Entry[]> {
        await this.loaded();
        return this.entries;
    }

    async add(work: Work, result: Result | 'stopped' | 'draft', output: string): Promise<void> {
        if (work.files.reduce((sum, file) => sum + file.content.length, work.stdin.length) > workMax) return;
        const database = await this.loaded();
        if (result === 'draft' && this.entries.some((entry) => JSON.stringify(entry.work) === JSON.stringify(work))) return;
        const id = Math.max(Date.now(), (this.entries[0]?.id ?? 0) + 1);
        const entry: Entry = {
            id,
            work: structuredClone(work),
            result: typeof result === 'string' ? result : bare(result),
            output: output.slice(0, outputMax),
        };
        this.entries.unshift(entry);
        const old = this.entries.splice(historyMax);
        await this.write(database, (runs) => {
            runs.put(entry);
            for (const { id } of old) runs.delete(id);
        });
    }

    async clear(): Promise<void> {
        const database = await this.loaded();
        this.entries = [];
        await this.write(database, (runs) => runs.clear());
    }

    private async write(database: IDBDatabase | null, change: (runs: IDBObjectStore) => void): Promise<void> {
        if (database === null) return;
        try {
            const transaction = database.transaction('runs', 'readwrite');
            change(transaction.objectStore('runs'));
            await new Promise((resolve, reject) => {
                transaction.oncomplete = resolve;
                transaction.onabort = () => reject(transaction.error ?? new Error('IndexedDB'));
            });
        } catch {
            // Full: the page has it until it is left.
        }
    }

    private loaded(): Promise<IDBDatabase | null> {
        this.database ??= (async () => {
            try {
                const database = await open();
                const kept = (await settled(database.transaction('runs').objectStore('runs').getAll())) as Entry[];
                this.entries.push(...kept.sort((a, b) => b.id - a.id));
                return database;
            } catch {
                return null;
            }
        })();
        return this.database;
    }
}

// Without what the output holds already.
function bare({ id: _, files: __, stages, ...rest }: Result): Omit<Result, 'id'> {
    const strip = (stage: Result['stages']['run']) => stage && { ...stage, stdout: '', stderr: '' };
    return { ...rest, stages: { compile: strip(stages.compile), run: strip(stages.run) } };
}
