// Shows what a program writes, as it comes: text nodes only, in blocks that the browser may skip while they are out of sight, and
// at most scrollMax lines; what is older is counted, and there in full for copying and downloading. However
// much comes in, work is done once a frame.

import type { StreamName } from '../api';
import { el } from '../dom';
import { emptyLine, OutputText, textOf, type Line, type Run } from './ansi';
import { LinkFinder, type Link, type Place } from './links';

const scrollMax = 5000; // lines
const blockLines = 100;
// Of the raw text, both streams together; the server's own limits are below it.
const rawMax = 64 << 20;

export class OutputView {
    private text = new OutputText(scrollMax);
    private links = new LinkFinder([]);
    private raw: string[] = [];
    private rawLength = 0;
    private waiting: [string, StreamName][] = [];
    private frame = 0;
    private firstShown = 0; // number of the line that the first block begins with
    private blocks: HTMLElement[] = [];
    private readonly log = el('div', { class: 'log' });
    private readonly older = el('p', { class: 'older', hidden: true });

    constructor(
        private readonly element: HTMLElement,
        private readonly onPlace: (place: Place) => void,
    ) {
        element.append(this.older, this.log);
        element.addEventListener('click', (event) => this.follow(event));
    }

    // An empty view, for a program with these files.
    clear(names: string[]): void {
        cancelAnimationFrame(this.frame);
        this.frame = 0;
        this.text = new OutputText(scrollMax);
        this.links = new LinkFinder(names);
        this.raw = [];
        this.rawLength = 0;
        this.waiting = [];
        this.firstShown = 0;
        this.blocks = [];
        this.log.replaceChildren();
        this.older.hidden = true;
    }

    add(data: string, stream: StreamName): void {
        if (this.rawLength < rawMax) this.raw.push(data);
        this.rawLength += data.length;
        this.waiting.push([data, stream]);
        if (this.frame === 0) this.frame = requestAnimationFrame(() => this.show());
    }

    // All that was written is shown at once, whether or not the page is in sight.
    flush(): void {
        if (this.frame === 0) return;
        cancelAnimationFrame(this.frame);
        this.show();
    }

    get isEmpty(): boolean {
        return this.rawLength === 0;
    }

    // As the program wrote it.
    get content(): string {
        return this.raw.join('');
    }

    get drawsOnTerminal(): boolean {
        return this.text.drawsOnTerminal;
    }

    private show(): void {
        const { element } = this;
        const follow = element.scrollHeight - element.scrollTop - element.clientHeight < 40;
        let first = Infinity;
        this.frame = 0;
        for (const [data, stream] of this.waiting) first = Math.min(first, this.text.feed(data, stream));
        this.waiting = [];
        this.showFrom(Math.max(first, this.text.dropped));
        this.older.hidden = this.text.dropped === 0;
        this.older.textContent = `${this.text.dropped.toLocaleString('en')} earlier lines are not shown; Copy and Download have them.`;
        if (follow) element.scrollTop = element.scrollHeight;
    }

    // Makes the lines from number `from` on anew; all before are as they were, but for those that are dropped.
    private showFrom(from: number): void {
        const { lines, dropped } = this.text;
        const end = dropped + lines.length;
        while (this.blocks.length > 0 && this.firstShown + blockLines <= dropped) {
            this.blocks.shift()?.remove();
            this.firstShown += blockLines;
        }
        if (this.blocks.length === 0) this.firstShown = dropped - (dropped % blockLines);
        for (const line of Array.from(this.blocks[0]?.children ?? []).slice(0, dropped - this.firstShown)) {
            line.replaceWith(el('div', { hidden: true })); // the others keep their places
        }
        for (let number = from; number < end; number++) {
            const at = Math.floor((number - this.firstShown) / blockLines);
            const line = lines[number - dropped] ?? emptyLine();
            const element = this.lineElement(line, number === end - 1);
            const old = this.block(at).children[(number - this.firstShown) % blockLines];
            if (old === undefined) this.block(at).append(element);
            else old.replaceWith(element);
        }
    }

    private block(at: number): HTMLElement {
        while (this.blocks.length <= at) {
            const block = el('div', { class: 'block' });
            // Where lines were dropped before they were shown.
            const start = this.firstShown + this.blocks.length * blockLines;
            for (let number = start; number < Math.min(this.text.dropped, start + blockLines); number++) {
                block.append(el('div', { hidden: true }));
            }
            this.blocks.push(block);
            this.log.append(block);
        }
        return this.blocks[at] as HTMLElement;
    }

    private lineElement(line: Line, isLast: boolean): HTMLElement {
        const element = el('div', { class: 'line' });
        const links = this.links.find(textOf(line));
        let at = 0;
        for (const run of line.runs) {
            element.append(...piecesOf(run, at, links));
            at += run.text.length;
        }
        if (line.hidden > 0) {
            element.append(el('span', { class: 'cut' }, ` … ${line.hidden.toLocaleString('en')} more characters in this line`));
        }
        if (line.length === 0 && !isLast) element.append(el('br')); // as high as others, and there when it is copied
        return element;
    }

    private follow(event: MouseEvent): void {
        const link = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-line]') : null;
        if (link === null) return;
        event.preventDefault();
        this.onPlace({
            file: link.dataset['file'] ?? '',
            line: Number(link.dataset['line']),
            column: Number(link.dataset['column']) || null,
        });
    }
}

// A run, cut where a link begins or ends. at: where it is in its line.
function piecesOf(run: Run, at: number, links: Link[]): Node[] {
    const pieces: Node[] = [];
    let from = at;
    const end = at + run.text.length;
    const piece = (to: number, link: Link | null) => {
        if (to > from) pieces.push(styled(run, run.text.slice(from - at, to - at), link));
        from = Math.max(from, to);
    };
    for (const link of links) {
        piece(Math.min(link.from, end), null);
        piece(Math.min(link.to, end), link);
    }
    piece(end, null);
    return pieces;
}

function styled(run: Run, text: string, link: Link | null): Node {
    const { style } = run;
    const classes = run.stream === 'stderr' ? ['err'] : [];
    for (const name of ['bold', 'dim', 'italic', 'underline', 'strike', 'inverse'] as const) if (style[name]) classes.push(name);
    if (typeof style.color === 'number') classes.push(`fg-${style.color}`);
    if (typeof style.background === 'number') classes.push(`bg-${style.background}`);
    const hasColor = typeof style.color === 'string' || typeof style.background === 'string';
    if (classes.length === 0 && !hasColor && link === null) return document.createTextNode(text);
    const element =
        link === null
            ? el('span', {}, text)
            : el('a', { href: `#L${link.line}`, 'data-file': link.file, 'data-line': link.line, 'data-column': link.column ?? undefined }, text);
    if (link !== null) classes.push('place');
    element.className = classes.join(' ');
    if (typeof style.color === 'string') element.style.color = style.color;
    if (typeof style.background === 'string') element.style.backgroundColor = style.background;
    return element;
}
