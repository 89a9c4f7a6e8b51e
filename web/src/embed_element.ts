// /embed.js: <glimpse-run language="python">print("hello")</glimpse-run> becomes a frame of this server in which the program
// can be changed and run. One file without imports, for any page: what is in it shows as it is where this script does not run.

(() => {
    const script = document.currentScript;
    if (!(script instanceof HTMLScriptElement) || customElements.get('glimpse-run') !== undefined) return;
    const server = new URL(script.src).origin;
    const leastHeight = 90;
    const mostHeight = 1600;

    // What all lines are indented by belongs to the page's source, not to the program.
    function dedent(text: string): string {
        const lines = text.replace(/^[ \t]*\r?\n/, '').trimEnd().split(/\r?\n/);
        const indents = lines.filter((line) => line.trim() !== '').map((line) => /^[ \t]*/.exec(line)?.[0].length ?? 0);
        const least = indents.length === 0 ? 0 : Math.min(...indents);
        return `${lines.map((line) => line.slice(least)).join('\n')}\n`;
    }

    class GlimpseRun extends HTMLElement {
        private frame: HTMLIFrameElement | null = null;

        connectedCallback(): void {
            // The parser may not have read what is in it yet.
            if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', () => this.show(), { once: true });
            else this.show();
        }

        disconnectedCallback(): void {
            window.removeEventListener('message', this.onMessage);
        }

        private show(): void {
            if (!this.isConnected) return;
            window.addEventListener('message', this.onMessage);
            if (this.frame !== null) return;
            const fields = new URLSearchParams({ code: dedent((this.querySelector('pre') ?? this).textContent ?? '') });
            for (const name of ['language', 'name', 'stdin', 'args', 'theme']) {
                const value = this.getAttribute(name);
                if (value !== null) fields.set(name, value);
            }
            this.frame = document.createElement('iframe');
            // Of another origin than the page, it gets at nothing of it. Of the same, both are this server's own.
            this.frame.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-downloads');
            this.frame.allow = 'clipboard-write';
            this.frame.loading = 'lazy';
            this.frame.referrerPolicy = 'no-referrer';
            this.frame.title = `Program in ${fields.get('language') ?? 'an unknown language'}, which can be run`;
            // Through the object model: a policy of the page against inline styles does not mind.
            Object.assign(this.style, { display: 'block' });
            Object.assign(this.frame.style, { display: 'block', width: '100%', height: `${this.firstHeight(fields)}px`, border: '0' });
            this.frame.src = `${server}/embed#${fields.toString()}`;
            this.attachShadow({ mode: 'open' }).append(this.frame);
        }

        // About what it will be, so that the page does not jump.
        private firstHeight(fields: URLSearchParams): number {
            const lines = (fields.get('code') ?? '').split('\n').length;
            return Math.min(Math.max(lines * 21 + 80, leastHeight), mostHeight);
        }

        private readonly onMessage = (event: MessageEvent): void => {
            if (this.frame === null || event.source !== this.frame.contentWindow || event.origin !== server) return;
            const message: unknown = event.data;
            if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'glimpse-height') return;
            const height = 'height' in message ? Number(message.height) : NaN;
            if (height > 0) this.frame.style.height = `${Math.min(Math.max(Math.ceil(height), leastHeight), mostHeight)}px`;
        };
    }

    customElements.define('glimpse-run', GlimpseRun);
})();
