// The pane at the right: what the program writes, how it ended, what it cost, and how that differs from the run before.

import type { ApiError, Result, StageName, StreamName } from './api';
import { diff } from './diff';
import { byId, el, label } from './dom';
import { images } from './images';
import type { Place } from './output/links';
import { OutputView } from './output/view';
import type { Progress } from './runner';
import { load, save } from './store';
import type { TerminalView } from './terminal';
import { duration, verdictOf, type Tone, type Verdict } from './verdict';

const stageWords = { compile: 'Compiling', run: 'Running' } as const;

// Says it to who can't see it.
export function announce(text: string): void {
    byId('announce', HTMLElement).textContent = text;
}

export class ResultPane {
    readonly output: OutputView;
    terminal: TerminalView | null = null; // where runs take place, if not null
    private terminalView: TerminalView | null = null; // once it was wanted
    private readonly verdict = byId('verdict', HTMLElement);
    private readonly outputElement = byId('output', HTMLElement);
    private readonly compare = byId('compare', HTMLButtonElement);
    private readonly copy = byId('copy', HTMLButtonElement);
    private readonly download = byId('download', HTMLButtonElement);
    private readonly comparison = el('div', { class: 'log comparison', hidden: true });
    private readonly images = el('div', { class: 'images' });
    private readonly empty = el('p', { class: 'empty' });
    private readonly terminalButton = document.getElementById('terminal-mode'); // not in frames
    private before: string | null = null;
    private ticking = 0;

    constructor(onPlace: (place: Place) => void) {
        this.output = new OutputView(this.outputElement, onPlace);
        this.outputElement.prepend(this.empty);
        this.outputElement.append(this.comparison, this.images);
        label(this.compare, 'compare', 'Compare', 'What changed since the run before');
        label(this.copy, 'copy', 'Copy', 'Copy the whole output');
        label(this.download, 'download', 'Download', 'Download the whole output');
        this.compare.addEventListener('click', () => this.showComparison(!this.isComparing));
        this.copy.addEventListener('click', () => void this.copyAll());
        this.download.addEventListener('click', () => this.downloadAll());
        this.setEmpty('Press Run, or Ctrl+Enter.');
        if (this.terminalButton !== null) {
            label(this.terminalButton, 'terminal', 'Terminal', 'Run programs in a terminal, and type into it');
            this.terminalButton.addEventListener('click', () => void this.useTerminal(this.terminal === null));
            if (load('terminal') === true) void this.useTerminal(true);
        }
    }

    // From the next run on.
    private async useTerminal(on: boolean): Promise<void> {
        const element = byId('terminal', HTMLElement);
        this.terminalButton?.setAttribute('aria-pressed', String(on));
        save('terminal', on);
        element.hidden = !on;
        this.outputElement.hidden = on;
        for (const button of [this.compare, this.copy, this.download]) button.hidden = true;
        if (on && this.terminalView === null) {
            const { TerminalView } = await import('./terminal');
            this.terminalView ??= new TerminalView(element, () => byId('run', HTMLButtonElement).focus());
        }
        this.terminal = this.terminalButton?.getAttribute('aria-pressed') === 'true' ? this.terminalView : null;
    }

    add(data: string, stream: StreamName, stage: StageName): void {
        if (this.terminal === null) this.output.add(data, stream);
        else this.terminal.write(data, stage);
    }

    // What the program wrote.
    async content(): Promise<string> {
        return this.terminal === null ? this.output.content : this.terminal.content();
    }

    // Before a run. before: what the last one wrote, to be compared with; null where there is none.
    clear(names: string[], before: string | null): void {
        this.before = before;
        this.terminal?.clear();
        this.output.clear(names);
        this.images.replaceChildren();
        this.showComparison(false);
        this.setEmpty('');
        for (const button of [this.compare, this.copy, this.download]) button.hidden = true;
    }

    showProgress(progress: Progress): void {
        const started = performance.now();
        const tick = () => {
            const line = el('span', { class: 'title' }, ...progressWords(progress, performance.now() - started));
            this.setVerdict('neutral', el('span', { class: 'spinner', 'aria-hidden': 'true' }), line);
        };
        this.stopTicking();
        this.ticking = window.setInterval(tick, 100);
        tick();
        announce(progress.state === 'running' ? stageWords[progress.stage] : progress.retry === null ? 'Started' : progress.retry.reason.message);
    }

    showResult(result: Result): void {
        const verdict = verdictOf(result);
        this.finish();
        this.setVerdict(verdict.tone, ...verdictParts(verdict));
        this.images.replaceChildren(...images(result.files ?? []));
        if (this.output.isEmpty && this.images.childElementCount === 0) this.setEmpty('It printed nothing.');
        announce([verdict.title, verdict.detail, ...verdict.figures.map((figure) => figure.join(' ')), ...verdict.notes].join(', '));
    }

    showStopped(): void {
        this.finish();
        this.setVerdict('neutral', el('span', { class: 'title' }, 'Stopped'), el('span', { class: 'detail' }, 'by you; what it had printed is below'));
        announce('Stopped');
    }

    showFailure(error: ApiError): void {
        const [title, detail] = failureWords(error);
        this.finish();
        this.setVerdict('bad', el('span', { class: 'title' }, title), el('span', { class: 'detail' }, detail));
        announce(`${title}: ${detail}`);
    }

    private get isComparing(): boolean {
        return this.compare.getAttribute('aria-pressed') === 'true';
    }

    private finish(): void {
        this.stopTicking();
        this.output.flush();
        const isEmpty = this.output.isEmpty;
        if (this.terminal !== null) return;
        this.copy.hidden = this.download.hidden = isEmpty;
        this.compare.hidden = this.before === null || this.before === this.output.content;
        if (this.output.drawsOnTerminal) this.setEmpty('This program moves a cursor about, which is for a terminal: press Terminal, and run it again.');
    }

    private stopTicking(): void {
        clearInterval(this.ticking);
    }

    private setVerdict(tone: Tone, ...parts: Node[]): void {
        this.verdict.hidden = false;
        this.verdict.dataset['tone'] = tone;
        this.verdict.replaceChildren(...parts);
    }

    private setEmpty(text: string): void {
        this.empty.textContent = text;
        this.empty.hidden = text === '';
    }

    private showComparison(on: boolean): void {
        this.compare.setAttribute('aria-pressed', String(on));
        this.comparison.hidden = !on;
        this.outputElement.classList.toggle('comparing', on);
        const signs = { same: ' ', added: '+', removed: '-' };
        const changes = on ? diff(this.before ?? '', this.output.content) : [];
        this.comparison.replaceChildren(
            ...changes.map(({ kind, text }) => el('div', { class: `line ${kind}` }, `${signs[kind]} ${text.slice(0, 2000)}`)),
        );
    }

    private async copyAll(): Promise<void> {
        let isDone = true;
        try {
            await navigator.clipboard.writeText(this.output.content);
        } catch {
            isDone = false; // not allowed, or not over HTTPS
        }
        label(this.copy, 'copy', isDone ? 'Copied' : 'Not allowed', 'Copy the whole output');
        setTimeout(() => label(this.copy, 'copy', 'Copy', 'Copy the whole output'), 1500);
        announce(isDone ? 'Copied' : 'This browser does not let pages copy here');
    }

    private downloadAll(): void {
        const url = URL.createObjectURL(new Blob([this.output.content], { type: 'text/plain' }));
        el('a', { href: url, download: 'output.txt' }).click();
        setTimeout(() => URL.revokeObjectURL(url), 10000);
    }
}

function progressWords(progress: Progress, passedMs: number): string[] {
    if (progress.state === 'running') return [`${stageWords[progress.stage]}… ${passedMs < 500 ? '' : duration(passedMs)}`];
    if (progress.retry === null) return [passedMs < 1000 ? 'Starting…' : `Waiting for a free place… ${duration(passedMs)}`];
    const seconds = Math.max(Math.ceil((progress.retry.atMs - Date.now()) / 1000), 0);
    const why = progress.retry.reason.status === 429 ? 'That was a lot at a time' : 'The server is busy';
    return [`${why}: trying again in ${seconds} s`];
}

function failureWords(error: ApiError): [string, string] {
    if (error.status === 0) return ['No answer', `${error.message}; your program is safe here. Run it again when the server is back.`];
    if (error.status === 429) return ['Too many runs', error.message];
    if (error.status === 503) return ['The server is busy', error.message];
    if (error.status === 401) return ['A key is needed', error.message];
    if (error.status >= 500) return ["The server's fault", error.message];
    return ['Not accepted', error.message];
}

function verdictParts(verdict: Verdict): Node[] {
    const sign = el('span', { class: 'sign', 'aria-hidden': 'true' });
    const parts: Node[] = [sign, el('span', { class: 'title' }, verdict.title)];
    if (verdict.detail !== '') parts.push(el('span', { class: 'detail' }, verdict.detail));
    const figures = verdict.figures.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value)));
    if (figures.length > 0) parts.push(el('dl', { class: 'figures' }, ...figures));
    for (const note of verdict.notes) parts.push(el('p', { class: 'note' }, note));
    return parts;
}
