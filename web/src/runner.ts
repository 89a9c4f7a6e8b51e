// One run at a time, from the click to the result.
//
//   idle ── start ─▶ waiting ── the first event ─▶ running ── result ─▶ idle
//                       │  ▲                          └── stop, or a failure ─▶ idle
//                       └──┘ 429, 503: once more, when the server said
//
// Stopping hangs up, and glimpsed ends the run then.

import { ApiError, type Result, type RunEvent, type RunRequest, type StageName, type StreamName } from './api';

export type Progress =
    | { state: 'waiting'; retry: { reason: ApiError; atMs: number } | null }
    | { state: 'running'; stage: StageName };

export interface RunnerEvents {
    onProgress(progress: Progress): void;
    onOutput(data: string, stream: StreamName, stage: StageName): void;
    onResult(result: Result): void;
    onStopped(): void;
    onFailed(error: ApiError): void;
}

// Where runs take place: api.run(), or a terminal.
export type RunSource = (request: RunRequest, signal: AbortSignal) => AsyncGenerator<RunEvent>;

const triesMax = 20;
const pauseMaxSeconds = 60;

function pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(new DOMException('stopped', 'AbortError'));
        });
    });
}

export class Runner {
    private stopping: AbortController | null = null;

    constructor(private readonly events: RunnerEvents) {}

    get isBusy(): boolean {
        return this.stopping !== null;
    }

    async start(request: RunRequest, source: RunSource): Promise<void> {
        if (this.stopping !== null) return;
        this.stopping = new AbortController();
        const { signal } = this.stopping;
        const end = await this.untilEnd(() => this.once(source(request, signal)), signal);
        this.stopping = null;
        end();
    }

    stop(): void {
        this.stopping?.abort();
    }

    // What is to be said when all is over, and another run may start.
    private async untilEnd(attempt: () => Promise<Result>, signal: AbortSignal): Promise<() => void> {
        try {
            for (let tries = 1; ; tries++) {
                this.events.onProgress({ state: 'waiting', retry: null });
                try {
                    const result = await attempt();
                    return () => this.events.onResult(result);
                } catch (error) {
                    if (!(error instanceof ApiError) || !error.isPassing || tries === triesMax) throw error;
                    const ms = Math.min(Math.max(error.retryAfterSeconds ?? 1, 1), pauseMaxSeconds) * 1000;
                    this.events.onProgress({ state: 'waiting', retry: { reason: error, atMs: Date.now() + ms } });
                    await pause(ms, signal);
                }
            }
        } catch (error) {
            if (signal.aborted) return () => this.events.onStopped();
            const failure = error instanceof ApiError ? error : new ApiError(0, String(error));
            return () => this.events.onFailed(failure);
        }
    }

    private async once(events: AsyncGenerator<RunEvent>): Promise<Result> {
        for await (const event of events) {
            if (event.type === 'stage') this.events.onProgress({ state: 'running', stage: event.stage });
            else if (event.type === 'result') return event;
            else this.events.onOutput(event.data, event.type, event.stage);
        }
        throw new ApiError(0, 'the connection ended before the program did');
    }
}
