// A terminal, for programs that ask, draw and wait for keys. Fetched when it is first wanted.

import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import type { RunEvent, RunRequest, StageName } from './api';
import { Conversation } from './interactive';
import { styleByObjectModel } from './terminal_styles';
import { onThemeChange } from './theme';

const names = [
    'black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white',
    'brightBlack', 'brightRed', 'brightGreen', 'brightYellow', 'brightBlue', 'brightMagenta', 'brightCyan', 'brightWhite',
] as const;

// The page's colours, by their names in style.css.
function colors(): Record<string, string> {
    const style = getComputedStyle(document.documentElement);
    const color = (name: string) => style.getPropertyValue(name).trim();
    return {
        background: color('--pane'),
        foreground: color('--text'),
        cursor: color('--text'),
        cursorAccent: color('--pane'),
        selectionBackground: color('--selection'),
        ...Object.fromEntries(names.map((name, i) => [name, color(`--c${i}`)])),
    };
}

export class TerminalView {
    private readonly conversation = new Conversation();
    private readonly terminal: Terminal;
    private readonly fit = new FitAddon();

    // onLeave: the reader wants the keyboard back.
    constructor(element: HTMLElement, onLeave: () => void) {
        const style = getComputedStyle(document.documentElement);
        styleByObjectModel();
        this.terminal = new Terminal({
            fontFamily: style.getPropertyValue('--mono').trim(),
            fontSize: 13.5,
            lineHeight: 1.15,
            scrollback: 5000,
            screenReaderMode: true,
            theme: colors(),
        });
        this.terminal.loadAddon(this.fit);
        this.terminal.open(element);
        this.terminal.textarea?.setAttribute('aria-label', 'Terminal; Shift and Escape leave it');
        this.terminal.onData((data) => this.conversation.send({ type: 'stdin', data }));
        this.terminal.onResize(({ rows, cols }) => this.conversation.send({ type: 'resize', rows, columns: cols }));
        this.terminal.attachCustomKeyEventHandler((event) => {
            const isOurs = (event.key === 'Escape' && event.shiftKey) || (event.key === 'Enter' && (event.ctrlKey || event.metaKey));
            if (isOurs && event.type === 'keydown' && event.key === 'Escape') {
                event.preventDefault();
                onLeave();
            }
            return !isOurs;
        });
        new ResizeObserver(() => this.fit.fit()).observe(element);
        onThemeChange(() => (this.terminal.options.theme = colors()));
        this.fit.fit();
    }

    run(request: RunRequest, signal: AbortSignal): AsyncGenerator<RunEvent> {
        const { rows, cols } = this.terminal;
        return this.conversation.run(request, { rows, columns: cols }, signal);
    }

    clear(): void {
        this.terminal.reset();
        this.terminal.focus();
    }

    // Compilers have no terminal: their lines end as files' do.
    write(data: string, stage: StageName): void {
        this.terminal.write(stage === 'compile' ? data.replaceAll('\n', '\r\n') : data);
    }

    // What is there to be read, for the history.
    async content(): Promise<string> {
        await new Promise<void>((resolve) => this.terminal.write('', resolve)); // what was written before is there then
        const buffer = this.terminal.buffer.normal;
        const lines = Array.from({ length: buffer.length }, (_, i) => buffer.getLine(i)?.translateToString(true) ?? '');
        return `${lines.join('\n').trimEnd()}\n`;
    }
}
