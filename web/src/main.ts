// The playground: what happens between its parts.

import { ApiError, fetchLanguages, isReady, type Language } from './api';
import { Bench } from './bench';
import { byId, el, label } from './dom';
import { openHelp } from './help';
import { History } from './history';
import { openHistory } from './history_dialog';
import { workOfFragment } from './link';
import { openShare } from './share';
import { idOfPath, openSnippet } from './snippet';
import { splitter } from './splitter';
import { themeButton } from './theme';
import { draftOf, keep, keepShared, lastLanguage, type Work } from './workspace';

const draftPauseMs = 300;
const serverPauseMs = 3000;

class Page {
    private readonly picker = byId('language', HTMLSelectElement);
    private readonly notice = byId('notice', HTMLElement);
    private readonly history = new History();
    private readonly bench = new Bench({
        onEdit: () => this.onEdit(),
        onStart: () => this.keepNow(),
        onEnd: (work, result, output) => void this.history.add(work, result ?? 'stopped', output),
        onLost: () => void this.waitForServer(),
    });
    private languages: Language[] = [];
    private language: Language | null = null;
    private saving = 0;
    private draftName: string | null = null; // of a shared program, which is no draft of this reader's until it is changed

    constructor() {
        const historyButton = byId('open-history', HTMLButtonElement);
        const helpButton = byId('open-help', HTMLButtonElement);
        const shareButton = byId('share', HTMLButtonElement);
        themeButton(byId('theme', HTMLButtonElement));
        label(shareButton, 'share', 'Share', 'Get a link to this program');
        label(historyButton, 'clock', 'History');
        label(helpButton, 'keyboard', 'Keys', 'What the keys do');
        splitter(byId('splitter', HTMLElement), byId('work', HTMLElement));
        historyButton.addEventListener('click', () => void openHistory(this.history, this.languages, (work) => this.take(work)));
        shareButton.addEventListener('click', () => openShare(this.bench.code.program));
        helpButton.addEventListener('click', openHelp);
        this.picker.addEventListener('change', () => this.choose(this.picker.value));
        window.addEventListener('pagehide', () => this.keepNow());
        window.addEventListener('offline', () => void this.waitForServer());
    }

    async start(): Promise<void> {
        this.languages = await this.languagesAtLast();
        this.showNotice('');
        this.fillPicker();
        const language = lastLanguage(this.languages);
        if (language === undefined) {
            this.showNotice('No language is installed on this server: script/toolchains installs them.');
            return;
        }
        if (!(await this.openShared())) this.open(draftOf(language), language);
        this.openFragment();
        this.picker.disabled = byId('share', HTMLButtonElement).disabled = false;
        this.bench.allowRuns();
        this.bench.code.focus();
    }

    // Asks until there is an answer: the page is of no use without the list.
    private async languagesAtLast(): Promise<Language[]> {
        for (;;) {
            try {
                return await fetchLanguages();
            } catch (error) {
                const isStarting = error instanceof ApiError && error.status === 503;
                this.showNotice(isStarting ? 'The server is starting…' : "The server can't be reached. Trying again…");
                await new Promise((resolve) => setTimeout(resolve, serverPauseMs));
            }
        }
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

    // A program that came with the address, from an embedded page. It is taken once: the address shall not bring it back over later edits.
    private openFragment(): void {
        const work = workOfFragment(location.hash, this.languages);
        if (work === null) return;
        history.replaceState(null, '', location.pathname);
        this.take(work);
    }

    // The program that the address names. It is read before it is run: nothing starts by itself.
    private async openShared(): Promise<boolean> {
        const id = idOfPath(location.pathname);
        if (id === null) return false;
        const shown = await openSnippet(id, this.languages);
        if (typeof shown === 'string') {
            history.replaceState(null, '', '/');
            this.showNotice(shown);
            return false;
        }
        this.draftName = shown.draftName;
        this.open(shown.work, shown.language);
        return true;
    }

    private open(work: Work, language: Language): void {
        this.language = language;
        this.picker.value = language.id;
        this.bench.code.open(work, language);
        document.title = `${language.name} – Glimpse`;
    }

    private choose(id: string): void {
        const language = this.languages.find((one) => one.id === id);
        if (language === undefined) return;
        this.keepNow();
        this.leaveShared();
        this.open(draftOf(language), language);
        this.keepNow();
        this.bench.code.focus();
    }

    // A program from elsewhere takes the place of the draft, which goes into the history.
    private take(work: Work): void {
        const language = this.languages.find((one) => one.id === work.language);
        if (language === undefined) return;
        this.keepNow();
        this.leaveShared();
        const draft = draftOf(language);
        if (JSON.stringify(draft.files) !== JSON.stringify([language.hello])) void this.history.add(draft, 'draft', '');
        this.open(work, language);
        this.keepNow();
        this.bench.code.focus();
    }

    private leaveShared(): void {
        if (this.draftName === null) return;
        this.draftName = null;
        byId('shared', HTMLElement).hidden = true;
        history.replaceState(null, '', '/');
    }

    private onEdit(): void {
        clearTimeout(this.saving);
        this.saving = window.setTimeout(() => this.keepNow(), draftPauseMs);
    }

    private keepNow(): void {
        clearTimeout(this.saving);
        if (this.language === null) return;
        if (this.draftName === null) keep(this.bench.code.work, this.language);
        else keepShared(this.bench.code.work, this.draftName);
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
