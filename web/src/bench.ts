// A program, its Run button, and what comes of it: what the playground and the embedded page share.

import { run, type Result } from './api';
import { CodePane } from './code_pane';
import { byId, label } from './dom';
import { runKey } from './help';
import { askForKey } from './key';
import { ResultPane } from './result_pane';
import { Runner } from './runner';
import type { Work } from './workspace';

export interface BenchEvents {
    onEdit(): void;
    onStart(): void;
    // A run is over: with a result, or null where it was stopped.
    onEnd(work: Work, result: Result | null, output: string): void;
    // It did not take place, or nobody knows how it ended.
    onLost(): void;
}

export class Bench {
    readonly code: CodePane;
    readonly result: ResultPane;
    private readonly events: BenchEvents;
    private readonly runButton = byId('run', HTMLButtonElement);
    private readonly runner: Runner;
    private started: Work | null = null; // what runs, or ran last
    private lastOutput: { language: string; output: string } | null = null;

    constructor(events: BenchEvents) {
        this.events = events;
        this.code = new CodePane({ onChange: () => events.onEdit(), onRun: () => this.run() });
        this.result = new ResultPane((place) => this.code.goTo(place));
        this.runner = new Runner({
            onProgress: (progress) => this.result.showProgress(progress),
            onOutput: (data, stream, stage) => this.result.add(data, stream, stage),
            onResult: (result) => {
                this.result.showResult(result);
                void this.end(result);
            },
            onStopped: () => {
                this.result.showStopped();
                void this.end(null);
            },
            onFailed: (error) => {
                this.result.showFailure(error);
                this.showRunButton();
                if (error.status === 401) askForKey(error.message, () => this.run());
                else events.onLost();
            },
        });
        this.runButton.addEventListener('click', () => (this.runner.isBusy ? this.runner.stop() : this.run()));
        document.addEventListener('keydown', (event) => this.onKey(event));
        this.showRunButton();
    }

    allowRuns(): void {
        this.runButton.disabled = false;
    }

    run(): void {
        if (this.runner.isBusy || this.runButton.disabled) return;
        this.events.onStart();
        this.code.forgetPoint();
        this.started = this.code.work;
        const before = this.lastOutput?.language === this.started.language ? this.lastOutput.output : null;
        this.result.clear(
            this.started.files.map(({ name }) => name),
            before,
        );
        const { terminal } = this.result;
        void this.runner.start(this.code.request, terminal === null ? run : (request, signal) => terminal.run(request, signal));
        this.showRunButton();
    }

    private async end(result: Result | null): Promise<void> {
        const { started } = this;
        this.showRunButton();
        if (started === null) return;
        const output = await this.result.content();
        this.lastOutput = { language: started.language, output };
        this.events.onEnd(started, result, output);
    }

    private showRunButton(): void {
        const busy = this.runner.isBusy;
        label(this.runButton, busy ? 'stop' : 'play', busy ? 'Stop' : 'Run', busy ? 'Stop (Esc)' : `Run (${runKey})`);
        this.runButton.classList.toggle('stops', busy);
    }

    private onKey(event: KeyboardEvent): void {
        if (event.defaultPrevented) return; // the editor's own: closing its search, say
        if (event.key === 'Escape' && this.runner.isBusy && document.querySelector('dialog[open]') === null) {
            this.runner.stop();
            event.preventDefault();
        } else if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            this.run();
            event.preventDefault();
        }
    }
}
