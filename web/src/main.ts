// The page: what happens between its parts.

import { ApiError, fetchLanguages, isReady, type Language, type Result } from './api';
import { CodePane } from './code_pane';
import { byId, el, label } from './dom';
import { openHelp, runKey } from './help';
import { History } from './history';
import { openHistory } from './history_dialog';
import { ResultPane } from './result_pane';
import { Runner } from './runner';
import { splitter } from './splitter';
import { themeButton } from './theme';
import { draftOf, keep, lastLanguage, type Work } from './workspace';

const draftPauseMs = 300;
const serverPauseMs = 3000;

class Page {
    private readonly picker = byId('language', HTMLSelectElement);
    private readonly runButton = byId('run', HTMLButtonElement);
    private readonly notice = byId('notice', HTMLElement);
    private readonly history = new History();
    private readonly code = new CodePane({ onChange: () => this.onEdit(), onRun: () => this.run() });
    private readonly result = new ResultPane((place) => this.code.goTo(place));
    private readonly runner = new Runner({
        onProgress: (progress) => this.result.showProgress(progress),
        onOutput: (data, stream) => this.result.output.add(data, stream),
        onResult: (result) => this.end(() => this.result.showResult(result), { result }),
        onStopped: () => this.end(() => this.result.showStopped(), { result: null }),
        onFailed: (error) => this.end(() => this.result.showFailure(error), null),
    });
    private languages: Language[] = [];
    private language: Language | null = null;
    private started: Work | null = null; // what runs, or ran last
    private lastOutput: { language: string; output: string } | null = null;
    private saving = 0;

    constructor() {
        const historyButton = byId('open-history', HTMLButtonElement);
        const helpButton = byId('open-help', HTMLButtonElement);
        themeButton(byId('theme', HTMLButtonElement));
        label(historyButton, 'clock', 'History');
        label(helpButton, 'keyboard', 'Keys', 'What the keys do');
        splitter(byId('splitter', HTMLElement), byId('work', HTMLElement));
        historyButton.addEventListener('click', () => void openHistory(this.history, this.languages, (work) => this.take(work)));
        helpButton.addEventListener('click', openHelp);
        this.runButton.addEventListener('click', () => (this.runner.isBusy ? this.runner.stop() : this.run()));
        this.picker.addEventListener('change', () => this.choose(this.picker.value));
        document.addEventListener('keydown', (event) => this.onKey(event));
        window.addEventListener('pagehide', () => this.keepNow());
        window.addEventListener('offline', () => void this.waitForServer());
        this.showRunButton();
    }

    // Asks until there is an answer: the page is of no use without the list.
    async start(): Promise<void> {
        for (;;) {
            try {
                this.languages = await fetchLanguages();
                break;
            } catch (error) {
                this.showNotice(error instanceof ApiError && error.status === 503 ? 'The server is starting…' : "The server can't be reached. Trying again…");
                await new Promise((resolve) => setTimeout(resolve, serverPauseMs));
            }
        }
        this.showNotice('');
        this.fillPicker();
        const language = lastLanguage(this.languages);
        if (language === undefined) {
            this.showNotice('No language is installed on this server: script/toolchains installs them.');
            return;
        }
        this.open(draftOf(language), language);
        this.picker.disabled = this.runButton.disabled = false;
        this.code.focus();
    }

    private fillPicker(): void {
        const byName = [...this.languages].sort((a, b) => a.name.localeCompare(b.name, 'en'));
        this.picker.replaceChildren(
            ...byName.map((language) => {
                const words = language.available ? `${language.name} ${language.version ?? ''}` : `${language.name} (not installed)`;
                return el('option', { value: language.id, disabled: !language.available, title: language.unavailable ?? undefined }, words.trim());
            }),
        );
    }

    private open(work: Work, language: Language): void {
        this.language = language;
        this.picker.value = language.id;
        this.code.open(work, language);
        document.title = `${language.name} – Glimpse`;
    }

    private choose(id: string): void {
        const language = this.languages.find((one) => one.id === id);
        if (language === undefined) return;
        this.keepNow();
        this.open(draftOf(language), language);
        this.keepNow();
        this.code.focus();
    }

    // A program from elsewhere takes the place of the draft.
    private take(work: Work): void {
        const language = this.languages.find((one) => one.id === work.language);
        if (language === undefined) return;
        this.keepNow();
        this.open(work, language);
        this.keepNow();
        this.code.focus();
    }

    private onEdit(): void {
        clearTimeout(this.saving);
        this.saving = window.setTimeout(() => this.keepNow(), draftPauseMs);
    }

    private keepNow(): void {
        clearTimeout(this.saving);
        if (this.language !== null) keep(this.code.work, this.language);
    }

    private run(): void {
        if (this.runner.isBusy || this.runButton.disabled) return;
        this.keepNow();
        this.code.forgetPoint();
        this.started = this.code.work;
        const before = this.lastOutput?.language === this.started.language ? this.lastOutput.output : null;
        this.result.clear(
            this.started.files.map(({ name }) => name),
            before,
        );
        void this.runner.start(this.code.request);
        this.showRunButton();
    }

    // A run is over. kept: what the history shall say of it; null: nothing, it did not take place.
    private end(show: () => void, kept: { result: Result | null } | null): void {
        show();
        this.showRunButton();
        if (this.started === null) return;
        if (kept === null) {
            void this.waitForServer();
            return;
        }
        const output = this.result.output.content;
        this.lastOutput = { language: this.started.language, output };
        void this.history.add(this.started, kept.result, output);
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

    private showNotice(text: string): void {
        this.notice.textContent = text;
        this.notice.hidden = text === '';
    }

    // Shows that the server is gone until it is back; nothing where it is there.
    private async waitForServer(): Promise<void> {
        if (!this.notice.hidden) return;
        while (!(await isReady())) {
            this.showNotice("The server can't be reached. Your program is safe in this browser.");
            await new Promise((resolve) => setTimeout(resolve, serverPauseMs));
        }
        this.showNotice('');
    }
}

void new Page().start();
