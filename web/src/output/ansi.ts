// What a program writes, as lines of styled text: colours and line editing of terminals (SGR, \r, \b, erase in line).
// Everything else that a terminal would obey (moving about, titles, clipboard, queries) is dropped and noted: the output
// is a stranger's, and this is a log, not a terminal. Pure: view.ts shows it.

import type { StreamName } from '../api';

export interface Style {
    readonly color: number | string | null; // 0 to 15, or a CSS colour
    readonly background: number | string | null;
    readonly bold: boolean;
    readonly dim: boolean;
    readonly italic: boolean;
    readonly underline: boolean;
    readonly strike: boolean;
    readonly inverse: boolean;
}

export interface Run {
    readonly text: string;
    readonly style: Style;
    readonly stream: StreamName;
}

export interface Line {
    runs: Run[];
    length: number; // characters in runs
    hidden: number; // characters that are not kept: the line is too long to be read
}

// An endless line is cut here; the whole text is there for downloading.
export const lineMax = 16384;
// A sequence that is longer is none.
const sequenceMax = 256;

const plain: Style = {
    color: null,
    background: null,
    bold: false,
    dim: false,
    italic: false,
    underline: false,
    strike: false,
    inverse: false,
};

export function emptyLine(): Line {
    return { runs: [], length: 0, hidden: 0 };
}

export function textOf(line: Line): string {
    return line.runs.map((run) => run.text).join('');
}

// ---- colours ----

function cubeColor(n: number): number | string {
    if (n < 16) return n;
    if (n >= 232) {
        const grey = 8 + (n - 232) * 10;
        return `rgb(${grey} ${grey} ${grey})`;
    }
    const level = (i: number) => (i === 0 ? 0 : 55 + i * 40);
    const at = n - 16;
    return `rgb(${level(Math.floor(at / 36))} ${level(Math.floor(at / 6) % 6)} ${level(at % 6)})`;
}

// 38;5;N and 38;2;R;G;B (48 alike): the colour, and how many numbers it took.
function extendedColor(codes: number[], at: number): [number | string | null, number] {
    const byte = (i: number) => Math.min(codes[at + i] ?? 0, 255);
    if (codes[at + 1] === 5) return [cubeColor(byte(2)), 2];
    if (codes[at + 1] === 2) return [`rgb(${byte(2)} ${byte(3)} ${byte(4)})`, 4];
    return [null, 1];
}

function restyle(style: Style, codes: number[]): Style {
    let next = { ...style };
    for (let i = 0; i < codes.length; i++) {
        const code = codes[i] ?? 0;
        if (code === 0) next = { ...plain };
        else if (code === 1) next.bold = true;
        else if (code === 2) next.dim = true;
        else if (code === 3) next.italic = true;
        else if (code === 4) next.underline = true;
        else if (code === 7) next.inverse = true;
        else if (code === 9) next.strike = true;
        else if (code === 22) next.bold = next.dim = false;
        else if (code === 23) next.italic = false;
        else if (code === 24) next.underline = false;
        else if (code === 27) next.inverse = false;
        else if (code === 29) next.strike = false;
        else if (code >= 30 && code <= 37) next.color = code - 30;
        else if (code === 39) next.color = null;
        else if (code >= 40 && code <= 47) next.background = code - 40;
        else if (code === 49) next.background = null;
        else if (code >= 90 && code <= 97) next.color = code - 90 + 8;
        else if (code >= 100 && code <= 107) next.background = code - 100 + 8;
        else if (code === 38 || code === 48) {
            const [color, taken] = extendedColor(codes, i);
            if (code === 38) next.color = color;
            else next.background = color;
            i += taken;
        }
    }
    return next;
}

// ---- editing a line ----

function cut(runs: Run[], from: number, to: number): Run[] {
    const kept: Run[] = [];
    let at = 0;
    for (const run of runs) {
        const text = run.text.slice(Math.max(from - at, 0), Math.max(to - at, 0));
        if (text !== '') kept.push({ ...run, text });
        at += run.text.length;
    }
    return kept;
}

function push(line: Line, text: string, style: Style, stream: StreamName): void {
    const last = line.runs.at(-1);
    if (last !== undefined && last.style === style && last.stream === stream) {
        line.runs[line.runs.length - 1] = { text: last.text + text, style, stream };
    } else {
        line.runs.push({ text, style, stream });
    }
    line.length += text.length;
}

// Writes at column, over what is there; the column behind it.
function write(line: Line, column: number, text: string, style: Style, stream: StreamName): number {
    if (column >= lineMax) {
        line.hidden += text.length;
        return column + text.length;
    }
    const shown = text.slice(0, lineMax - column);
    line.hidden += text.length - shown.length;
    if (column >= line.length) {
        if (column > line.length) push(line, ' '.repeat(column - line.length), plain, stream);
        push(line, shown, style, stream);
    } else {
        const end = column + shown.length;
        line.runs = [...cut(line.runs, 0, column), { text: shown, style, stream }, ...cut(line.runs, end, line.length)];
        line.length = Math.max(line.length, end);
    }
    return column + text.length;
}

function erase(line: Line, column: number, mode: number): void {
    if (mode === 0 && column < line.length) {
        line.runs = cut(line.runs, 0, column);
        line.length = column;
    } else if (mode === 2) {
        line.runs = [];
        line.length = 0;
    } else if (mode === 1 && column > 0) {
        write(line, 0, ' '.repeat(Math.min(column, line.length)), plain, 'stdout');
    }
}

// ---- the stream ----

const special = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
// One sequence at the start of the text.
const csi = /^(?:\u001b\[|\u009b)([0-9;:<=>?]*)[ -/]*([@-~])/;
const stringStart = /^(?:\u001b[PX\]^_]|[\u0090\u0098\u009d\u009e\u009f])/;
const other = /^\u001b[ -/]*[0-~]/;
const unfinished = /^(?:\u001b(?:\[[0-9;:<=>? -/]*|[ -/]*)|\u009b[0-9;:<=>? -/]*)$/;
// A text that a sequence takes ends here. With a line as well: who forgets the end shall not have the rest swallowed.
const stringEnd = /[\u0007\u009c\u001b\n]/;

interface StreamState {
    style: Style;
    rest: string; // a sequence whose end has not come
    inString: boolean; // in one that takes a text up to its end: that text is dropped as it comes
}

export class OutputText {
    readonly lines: Line[] = [emptyLine()];
    dropped = 0; // lines that were there and are not kept any more
    drawsOnTerminal = false; // it moves the cursor about: a terminal is what it wants
    private column = 0;
    private readonly streams: Record<StreamName, StreamState> = {
        stdout: { style: plain, rest: '', inString: false },
        stderr: { style: plain, rest: '', inString: false },
    };

    private readonly linesMax: number;

    constructor(linesMax: number) {
        this.linesMax = linesMax;
    }

    // The first line, counted from the start of all output, that is other than before.
    feed(data: string, stream: StreamName): number {
        const first = this.dropped + this.lines.length - 1;
        const state = this.streams[stream];
        let text = state.rest + data;
        state.rest = '';
        while (text !== '') {
            if (state.inString) {
                text = this.skipString(text, state);
                continue;
            }
            special.lastIndex = 0;
            const at = special.exec(text)?.index ?? text.length;
            this.addText(at === text.length ? text : text.slice(0, at), state.style, stream);
            text = this.obey(text.slice(at), state, stream);
        }
        this.drop();
        return Math.max(first, this.dropped);
    }

    private get line(): Line {
        return this.lines[this.lines.length - 1] as Line;
    }

    private drop(): void {
        const extra = this.lines.length - this.linesMax;
        if (extra <= 0) return;
        this.lines.splice(0, extra);
        this.dropped += extra;
    }

    private addText(text: string, style: Style, stream: StreamName): void {
        let at = 0;
        for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', at)) {
            if (end > at) write(this.line, this.column, text.slice(at, end), style, stream);
            this.lines.push(emptyLine());
            this.column = 0;
            at = end + 1;
            if (this.lines.length > 2 * this.linesMax) this.drop();
        }
        if (at < text.length) this.column = write(this.line, this.column, text.slice(at), style, stream);
    }

    // One control character or sequence at the start of text; what is behind it.
    private obey(text: string, state: StreamState, stream: StreamName): string {
        const first = text.charAt(0);
        if (first === '') return '';
        if (first === '\u001b' || first >= '\u0080') return this.sequence(text, state);
        if (first === '\r') this.column = 0;
        else if (first === '\b') this.column = Math.max(this.column - 1, 0);
        else if (first !== '\u0007') {
            const picture = String.fromCharCode(first === '\u007f' ? 0x2421 : 0x2400 + first.charCodeAt(0));
            this.column = write(this.line, this.column, picture, state.style, stream);
        }
        return text.slice(1);
    }

    private sequence(text: string, state: StreamState): string {
        const found = csi.exec(text);
        if (found !== null) {
            this.control(found[1] ?? '', found[2] ?? '', state);
            return text.slice(found[0].length);
        }
        const start = stringStart.exec(text);
        if (start !== null) {
            state.inString = true;
            return text.slice(start[0].length);
        }
        if (text.length < sequenceMax && unfinished.test(text)) {
            state.rest = text;
            return '';
        }
        return text.slice(text.startsWith('\u001b[') ? 1 : (other.exec(text)?.[0].length ?? 1));
    }

    private skipString(text: string, state: StreamState): string {
        const end = stringEnd.exec(text);
        if (end === null) return '';
        state.inString = false;
        const isMark = end[0] === '\u0007' || end[0] === '\u009c'; // ESC \ is a sequence of its own, which does nothing
        return text.slice(end.index + (isMark ? 1 : 0));
    }

    private control(parameters: string, final: string, state: StreamState): void {
        if (final === 'm' && !/[<=>?]/.test(parameters)) {
            state.style = restyle(
                state.style,
                parameters.split(/[;:]/, 64).map((number) => Math.min(Number(number) || 0, 65535)),
            );
        } else if (final === 'K') {
            erase(this.line, this.column, Number(parameters) || 0);
        } else if (final === 'G') {
            this.column = Math.min(Math.max((Number(parameters) || 1) - 1, 0), lineMax);
        } else if (/[ABCDEFHJSTdf]/.test(final) || (final === 'h' && parameters === '?1049')) {
            this.drawsOnTerminal = true;
        }
    }
}
