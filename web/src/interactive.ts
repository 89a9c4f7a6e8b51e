// A run that the reader talks to while it goes on: /v1/interactive. The same events as those of a stream (api.ts), and a way back.

import { ApiError, type RunEvent, type RunRequest } from './api';

export interface TerminalSize {
    rows: number;
    columns: number;
}

type ClientMessage = { type: 'stdin'; data: string } | ({ type: 'resize' } & TerminalSize);
type ServerMessage = RunEvent | { type: 'error'; status: number; detail: string; field?: string };

export class Conversation {
    private socket: WebSocket | null = null;

    // Nowhere, while nothing runs.
    send(message: ClientMessage): void {
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
    }

    // As api.run(): the last event is the result, anything else is an exception, aborting ends the run.
    async *run(request: RunRequest, size: TerminalSize, signal: AbortSignal): AsyncGenerator<RunEvent> {
        const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/v1/interactive`);
        const waiting: (ServerMessage | 'closed')[] = [];
        let wake = () => {};
        const take = (message: ServerMessage | 'closed') => {
            waiting.push(message);
            wake();
        };
        const hangUp = () => socket.close();
        this.socket = socket;
        signal.addEventListener('abort', hangUp);
        socket.onopen = () => socket.send(JSON.stringify({ type: 'start', request, terminal: size }));
        socket.onmessage = ({ data }) => take(JSON.parse(String(data)) as ServerMessage);
        socket.onclose = () => take('closed');
        try {
            for (;;) {
                const message = waiting.shift();
                if (message === undefined) await new Promise<void>((resolve) => (wake = resolve));
                else if (signal.aborted) throw new DOMException('stopped', 'AbortError');
                else if (message === 'closed') throw new ApiError(0, 'there is no connection for a terminal');
                else if (message.type === 'error') throw new ApiError(message.status, message.detail, message.field ?? null);
                else yield message;
            }
        } finally {
            signal.removeEventListener('abort', hangUp);
            socket.close();
            this.socket = null;
        }
    }
}
