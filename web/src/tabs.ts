// The files of a program, as tabs: choose, add, rename, remove. Follows the ARIA pattern of tabs: arrow keys move, F2 renames,
// Delete removes.

import { el } from './dom';

export interface TabEvents {
    onChoose(index: number): void;
    onRename(index: number, name: string): void;
    onRemove(index: number): void;
}

// What glimpsed refuses, said before it is asked (docs/api.md has the rules); null where the name is fine.
export function nameProblem(name: string, others: string[]): string | null {
    if (name === '') return 'A file needs a name.';
    if (new TextEncoder().encode(name).length > 255) return 'A name has at most 255 bytes.';
    if (/[\u0000-\u001f\u007f]/.test(name)) return 'A name has no control characters.';
    if (name.split('/').some((part) => part === '' || part === '.' || part === '..' || part.startsWith('-')))
        return "A path is relative, and no part of it is empty, '.', '..' or begins with '-'.";
    if (name === '.glimpse' || name.startsWith('.glimpse/')) return 'That name is reserved.';
    if (others.includes(name)) return 'There is a file of this name already.';
    return null;
}

export class Tabs {
    private names: string[] = [];
    private current = 0;

    constructor(
        private readonly element: HTMLElement,
        private readonly events: TabEvents,
    ) {
        element.addEventListener('keydown', (event) => this.onKey(event));
    }

    show(names: string[], current: number): void {
        const hadFocus = this.element.contains(document.activeElement);
        this.names = names;
        this.current = current;
        this.element.replaceChildren(...names.map((name, index) => this.tab(name, index)));
        if (hadFocus) this.tabs()[current]?.focus();
    }

    // Makes the current tab a field. Names that will not do are said to be so, and can be mended.
    rename(): void {
        const name = this.names[this.current] ?? '';
        const others = this.names.filter((_, index) => index !== this.current);
        const field = el('input', { class: 'tab-name mono', type: 'text', 'aria-label': 'Name of the file', spellcheck: 'false' });
        let isOver = false;
        const end = (keep: boolean) => {
            if (isOver) return;
            if (keep && nameProblem(field.value.trim(), others) !== null) {
                field.reportValidity();
                return;
            }
            isOver = true;
            if (keep && field.value.trim() !== name) this.events.onRename(this.current, field.value.trim());
            else this.show(this.names, this.current);
            this.tabs()[this.current]?.focus();
        };
        field.value = name;
        field.addEventListener('input', () => field.setCustomValidity(nameProblem(field.value.trim(), others) ?? ''));
        field.addEventListener('keydown', (event) => {
            event.stopPropagation();
            if (event.key === 'Enter') end(true);
            if (event.key === 'Escape') end(false);
        });
        field.addEventListener('blur', () => end(nameProblem(field.value.trim(), others) === null));
        this.tabs()[this.current]?.parentElement?.replaceChildren(field);
        field.focus();
        field.setSelectionRange(0, name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length);
    }

    private tabs(): HTMLElement[] {
        return Array.from(this.element.querySelectorAll<HTMLElement>('[role=tab]'));
    }

    private tab(name: string, index: number): HTMLElement {
        const isCurrent = index === this.current;
        const tab = el(
            'button',
            {
                type: 'button',
                role: 'tab',
                class: 'tab mono',
                'aria-selected': String(isCurrent),
                'aria-controls': 'editor',
                tabindex: isCurrent ? 0 : -1,
                title: 'F2 or double click: rename',
            },
            name,
        );
        const holder = el('div', { class: 'tab-holder', role: 'presentation' }, tab);
        tab.addEventListener('click', () => this.events.onChoose(index));
        tab.addEventListener('dblclick', () => this.rename());
        return holder;
    }

    private onKey(event: KeyboardEvent): void {
        const last = this.names.length - 1;
        const to = { ArrowLeft: this.current - 1, ArrowRight: this.current + 1, Home: 0, End: last }[event.key];
        if (to !== undefined) this.events.onChoose(Math.min(Math.max(to, 0), last));
        else if (event.key === 'F2') this.rename();
        else if (event.key === 'Delete' && last > 0) this.events.onRemove(this.current);
        else return;
        event.preventDefault();
    }
}
