// Talking to glimpsed: docs/api.md is the contract.

import { load } from './store';

export type StageName = 'compile' | 'run';

export interface SourceFile {
    name: string;
    content: string;
}

export interface Language {
    id: string;
    name: string;
    aliases: string[];
    version: string | null;
    suffixes: string[];
    available: boolean;
    unavailable: string | null;
    stages: StageName[];
    hello: SourceFile;
}

export type Status =
    | 'ok'
    | 'compile_error'
    | 'runtime_error'
    | 'signaled'
    | 'wall_time_limit'
    | 'cpu_time_limit'
    | 'memory_limit'
    | 'output_limit'
    | 'process_limit'
    | 'disk_limit'
    | 'cancelled'
    | 'internal_error';

export interface StageResult {
    status: Status;
    exit_code: number | null;
    signal: string | null;
    stdout?: string; // not in the last event of a stream, where it has been said
    stderr?: string;
    truncated: { stdout: boolean; stderr: boolean };
    binary: boolean;
    wall_ms: number;
    cpu_ms: number;
    memory_bytes: number;
    cached?: boolean;
}

export interface ResultFile {
    name: string;
    media_type: string;
    size: number;
    encoding: 'utf8' | 'base64';
    content: string;
}

export interface Result {
    id: string;
    language: string;
    version: string;
    status: Status;
    message: string;
    stages: Record<StageName, StageResult | null>;
    files?: ResultFile[]; // where the request had collect
}

export interface RunRequest {
    language: string;
    files: SourceFile[];
    stdin: string;
    args: string[];
    collect: string[];
}

export type StreamName = 'stdout' | 'stderr';

export type RunEvent =
    | { type: 'stage'; stage: StageName }
    | { type: StreamName; stage: StageName; data: string }
    | ({ type: 'result' } & Result);

// The server said no, or can't be understood. status 0: it could not be reached.
export class ApiError extends Error {
    constructor(
        readonly status: number,
        message: string,
        readonly field: string | null = null,
        readonly retryAfterSeconds: number | null = null,
        readonly result: Result | null = null, // a run that failed for a reason of the server's own has one all the same
    ) {
        super(message);
    }

    // Trying again later is the answer.
    get isPassing(): boolean {
        return this.status === 429 || this.status === 503;
    }
}

async function errorOf(response: Response): Promise<ApiError> {
    const seconds = Number.parseInt(response.headers.get('Retry-After') ?? '', 10);
    let detail = response.statusText || `HTTP ${response.status}`;
    let field: string | null = null;
    let result: Result | null = null;
    try {
        const problem: unknown = await response.json();
        if (typeof problem === 'object' && problem !== null) {
            if ('detail' in problem && typeof problem.detail === 'string') detail = problem.detail;
            if ('field' in problem && typeof problem.field === 'string') field = problem.field;
            if ('stages' in problem) result = problem as Result;
        }
    } catch {
        // Something between us and glimpsed answered: the status must do.
    }
    return new ApiError(response.status, detail, field, Number.isFinite(seconds) ? seconds : null, result);
}

// The reader's API key, where this server wants one: it goes with what costs something, and nowhere else.
function keyHeader(): Record<string, string> {
    const key = load('key');
    return typeof key === 'string' ? { Authorization: `Bearer ${key}` } : {};
}

// fetch(), whose failures are ApiErrors. An abort stays an AbortError.
export async function ask(path: string, init: RequestInit = {}): Promise<Response> {
    let response: Response;
    try {
        response = await fetch(path, { credentials: 'same-origin', ...init });
    } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') throw error;
        throw new ApiError(0, "the server can't be reached");
    }
    if (response.ok) return response;
    throw await errorOf(response);
}

export async function fetchLanguages(): Promise<Language[]> {
    const response = await ask('/v1/languages', { headers: { Accept: 'application/json' } });
    return ((await response.json()) as { languages: Language[] }).languages;
}

export interface Content {
    encoding: 'utf8' | 'base64';
    content: string;
}

export interface Snippet {
    id: string;
    created_at: string;
    expires_at: string;
    language: string;
    files: ({ name: string } & Content)[];
    stdin: Content;
    args: string[];
}

export interface KeptSnippet {
    id: string;
    page: string;
    deletion_token: string;
    created_at: string;
    expires_at: string;
}

export async function addSnippet(program: Omit<RunRequest, 'collect'>, days: number): Promise<KeptSnippet> {
    const response = await ask('/v1/snippets', {
        method: 'POST',
        headers: { ...keyHeader(), 'Content-Type': 'application/json' },
        body: JSON.stringify({ ...program, expires_in_days: days }),
    });
    return (await response.json()) as KeptSnippet;
}

export async function fetchSnippet(id: string): Promise<Snippet> {
    return (await (await ask(`/v1/snippets/${encodeURIComponent(id)}`)).json()) as Snippet;
}

export async function deleteSnippet(id: string, token: string): Promise<void> {
    await ask(`/v1/snippets/${encodeURIComponent(id)}`, { method: 'DELETE', headers: { ...keyHeader(), 'X-Deletion-Token': token } });
}

export async function isReady(): Promise<boolean> {
    try {
        return (await ask('/readyz', { cache: 'no-store' })).ok;
    } catch {
        return false;
    }
}

// A result that came whole, as the events that a stream would have had. Which of two streams was written to first is not known.
function* eventsOf(result: Result): Generator<RunEvent> {
    for (const stage of ['compile', 'run'] as const) {
        const of = result.stages[stage];
        if (of === null) continue;
        yield { type: 'stage', stage };
        if (of.stdout) yield { type: 'stdout', stage, data: of.stdout };
        if (of.stderr) yield { type: 'stderr', stage, data: of.stderr };
    }
    yield { type: 'result', ...result };
}

// JSON lines, one after the other as they come in.
async function* linesOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<RunEvent> {
    let pieces: string[] = []; // of a line that is not whole: joined once, however long it is
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        let at = 0;
        for (let end = value.indexOf('\n'); end >= 0; end = value.indexOf('\n', at)) {
            pieces.push(value.slice(at, end));
            at = end + 1;
            const line = pieces.join('');
            pieces = [];
            if (line !== '') yield JSON.parse(line) as RunEvent;
        }
        if (at < value.length) pieces.push(value.slice(at));
    }
}

// Runs a program. The last event is the result; anything else is an exception. Aborting the signal ends the run.
export async function* run(request: RunRequest, signal: AbortSignal): AsyncGenerator<RunEvent> {
    let response: Response;
    try {
        response = await ask('/v1/run', {
            method: 'POST',
            headers: { ...keyHeader(), 'Content-Type': 'application/json', Accept: 'application/x-ndjson, application/json;q=0.9' },
            body: JSON.stringify(request),
            signal,
        });
    } catch (error) {
        if (!(error instanceof ApiError) || error.result === null) throw error;
        yield* eventsOf(error.result);
        return;
    }
    try {
        if (response.body !== null && response.headers.get('Content-Type')?.startsWith('application/x-ndjson')) {
            yield* linesOf(response.body);
        } else {
            yield* eventsOf((await response.json()) as Result);
        }
    } catch (error) {
        if (error instanceof DOMException && error.name === 'AbortError') throw error;
        throw new ApiError(0, 'the connection broke while the program was running');
    }
}
