// The page in the frame of somebody else's page: a program, a Run button, what it prints. The program comes with the address
// (link.ts), so that a frame works without a script; with embed.js the frame's height follows what is in it.

import { ApiError, fetchLanguages } from './api';
import { Bench } from './bench';
import { byId, el } from './dom';
import { fragmentOfWork, workOfFragment } from './link';

class Embed {
    private readonly name = byId('language-name', HTMLElement);
    private readonly open = byId('open', HTMLAnchorElement);
    private readonly resultPane = byId('result', HTMLElement);
    private readonly bench = new Bench({
        onEdit: () => this.showLink(),
        onStart: () => this.resultPane.removeAttribute('hidden'),
        onEnd: () => {},
        onLost: () => {},
    });

    async start(): Promise<void> {
        const theme = new URLSearchParams(location.hash.slice(1)).get('theme');
        if (theme === 'light' || theme === 'dark') document.documentElement.dataset['theme'] = theme;
        this.followHeight();
        try {
            const languages = await fetchLanguages();
            const work = workOfFragment(location.hash, languages);
            const language = languages.find((one) => one.id === work?.language);
            if (work === null || language === undefined) {
                this.say('There is no program in this frame’s address, or its language is not there on this server.');
                return;
            }
            this.name.textContent = language.name;
            this.bench.code.open(work, language);
            this.bench.allowRuns();
            this.showLink();
        } catch (error) {
            this.say(error instanceof ApiError ? `${error.message}.` : String(error));
        }
    }

    private say(words: string): void {
        byId('editor', HTMLElement).replaceWith(el('p', { class: 'frame-message' }, words));
    }

    // To the playground, with what is here now.
    private showLink(): void {
        const fragment = fragmentOfWork(this.bench.code.work);
        this.open.hidden = fragment === null;
        this.open.href = `/${fragment ?? ''}`;
    }

    // Numbers only, and nothing secret: whoever frames us may know how high we are.
    private followHeight(): void {
        const tell = () => parent.postMessage({ type: 'glimpse-height', height: document.body.scrollHeight }, '*');
        new ResizeObserver(tell).observe(document.body);
    }
}

void new Embed().start();
