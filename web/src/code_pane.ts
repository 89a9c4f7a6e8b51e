// The pane at the left: the program's files in an editor, and its input.

import type { EditorState } from '@codemirror/state';
import type { Language, RunRequest } from './api';
import { splitArgs } from './args';
import { byId, icon } from './dom';
import { Editor } from './editor';
import { imagePatterns } from './images';
import type { Place } from './output/links';
import { nameProblem, Tabs } from './tabs';
import type { Work } from './workspace';

interface OpenFile {
    name: string;
    content: string;
    state: EditorState | null; // while it is not shown: with its undo history and selection
}

export interface CodePaneEvents {
    onChange(): void;
    onRun(): void;
}

export class CodePane {
    private readonly editor: Editor;
    private readonly tabs: Tabs;
    private readonly stdin = byId('stdin', HTMLTextAreaElement);
    private readonly args = byId('args', HTMLInputElement);
    private readonly input = byId('input', HTMLDetailsElement);
    private readonly inputSummary = byId('input-summary', HTMLElement);
    private readonly removeButton = byId('remove-file', HTMLButtonElement);
    private language: Language | null = null;
    private files: OpenFile[] = [];
    private current = 0;

    constructor(private readonly events: CodePaneEvents) {
        const addFile = byId('add-file', HTMLButtonElement);
        this.removeButton.append(icon('close'));
        this.removeButton.addEventListener('click', () => this.removeFile(this.current));
        this.editor = new Editor(byId('editor', HTMLElement), {
            onChange: (content) => this.onEdit(content),
            onRun: events.onRun,
        });
        this.tabs = new Tabs(byId('tabs', HTMLElement), {
            onChoose: (index) => this.choose(index),
            onRename: (index, name) => this.renameFile(index, name),
            onRemove: (index) => this.removeFile(index),
        });
        addFile.append(icon('plus'));
        addFile.title = 'Add a file';
        addFile.setAttribute('aria-label', 'Add a file');
        addFile.addEventListener('click', () => this.addFile());
        for (const field of [this.stdin, this.args]) {
            field.addEventListener('input', () => {
                this.summarize();
                this.events.onChange();
            });
        }
    }

    // Shows another program. work is copied.
    open(work: Work, language: Language): void {
        this.language = language;
        this.files = work.files.map((file) => ({ ...file, state: null }));
        this.current = 0;
        this.stdin.value = work.stdin;
        this.args.value = work.args;
        this.input.open = work.stdin !== '' || work.args !== '';
        this.summarize();
        this.showFile();
        void this.editor.setLanguage(language.id);
    }

    get work(): Work {
        return {
            language: this.language?.id ?? '',
            files: this.files.map(({ name, content }) => ({ name, content })),
            stdin: this.stdin.value,
            args: this.args.value,
        };
    }

    // What there is to run, or to share.
    get program(): Omit<RunRequest, 'collect'> {
        const { args, ...rest } = this.work;
        return { ...rest, args: splitArgs(args) };
    }

    get request(): RunRequest {
        return { ...this.program, collect: imagePatterns };
    }

    goTo(place: Place): void {
        const index = this.files.findIndex((file) => file.name === place.file);
        if (index >= 0 && index !== this.current) this.choose(index);
        if (index >= 0) this.editor.goTo(place.line, place.column);
    }

    forgetPoint(): void {
        this.editor.forgetPoint();
    }

    focus(): void {
        this.editor.focus();
    }

    private onEdit(content: string): void {
        const file = this.files[this.current];
        if (file === undefined) return;
        file.content = content;
        this.events.onChange();
    }

    private showFile(): void {
        const file = this.files[this.current];
        if (file === undefined) return;
        this.editor.show(file.state ?? this.editor.newState(file.content, file.name), file.name);
        this.removeButton.hidden = this.files.length === 1;
        this.removeButton.title = `Remove ${file.name}`;
        this.removeButton.setAttribute('aria-label', this.removeButton.title);
        this.tabs.show(
            this.files.map(({ name }) => name),
            this.current,
        );
    }

    private choose(index: number): void {
        const shown = this.files[this.current];
        if (index === this.current) return;
        if (shown !== undefined) shown.state = this.editor.state;
        this.current = index;
        this.showFile();
    }

    private addFile(): void {
        const suffix = this.language?.suffixes[0] ?? '.txt';
        const names = this.files.map(({ name }) => name);
        let n = 1;
        while (nameProblem(`file${n}${suffix}`, names) !== null) n++;
        this.files.push({ name: `file${n}${suffix}`, content: '', state: null });
        this.choose(this.files.length - 1);
        this.events.onChange();
        this.tabs.rename();
    }

    private renameFile(index: number, name: string): void {
        const file = this.files[index];
        if (file === undefined) return;
        file.name = name;
        if (index === this.current) file.state = this.editor.state;
        this.showFile();
        this.events.onChange();
    }

    private removeFile(index: number): void {
        const file = this.files[index];
        if (file === undefined || this.files.length === 1) return;
        if (file.content.trim() !== '' && !confirm(`Remove ${file.name} and what is in it?`)) return;
        this.files.splice(index, 1);
        this.current = Math.min(this.current, this.files.length - 1);
        this.showFile();
        this.events.onChange();
    }

    // What is folded away is said all the same.
    private summarize(): void {
        const parts: string[] = [];
        const n = splitArgs(this.args.value).length;
        if (n > 0) parts.push(`${n} argument${n > 1 ? 's' : ''}`);
        if (this.stdin.value !== '') parts.push(`${this.stdin.value.split('\n').length} lines of standard input`);
        this.inputSummary.textContent = parts.join(', ') || 'arguments, standard input';
    }
}
