// The runs of this browser, as a list: look at what came out, take a program back.

import type { Language } from './api';
import { dialog, el } from './dom';
import type { Entry, History } from './history';
import { verdictOf } from './verdict';
import type { Work } from './workspace';

function when(id: number): string {
    const date = new Date(id);
    const isToday = date.toDateString() === new Date().toDateString();
    return date.toLocaleString(undefined, isToday ? { timeStyle: 'medium' } : { dateStyle: 'medium', timeStyle: 'short' });
}

function firstLine(work: Work): string {
    const lines = (work.files[0]?.content ?? '').split('\n', 40);
    return (lines.find((line) => /[a-z]/i.test(line) && !/^\s*(#|\/\/|--|\/\*|import|use|package|<\?php)/.test(line)) ?? lines[0] ?? '').trim();
}

function entryElement(entry: Entry, language: Language | undefined, onTake: () => void): HTMLElement {
    const verdict = typeof entry.result === 'string' ? null : verdictOf({ id: '', ...entry.result });
    const take = el('button', { type: 'button', class: 'button' }, 'Take it back into the editor');
    const shown = entry.output.slice(0, 8000);
    take.addEventListener('click', onTake);
    return el(
        'details',
        { class: 'entry' },
        el(
            'summary',
            {},
            el('span', { class: 'entry-sign', 'data-tone': verdict?.tone ?? 'neutral', 'aria-hidden': 'true' }),
            el('span', { class: 'entry-name' }, language?.name ?? entry.work.language),
            el('span', { class: 'entry-line mono' }, firstLine(entry.work)),
            el('span', { class: 'entry-what' }, verdict?.title ?? (entry.result === 'draft' ? 'Not run' : 'Stopped')),
            el('time', { datetime: new Date(entry.id).toISOString() }, when(entry.id)),
        ),
        el('pre', { class: 'mono', tabindex: 0 }, shown === '' ? '(no output)' : shown + (shown.length < entry.output.length ? '\n…' : '')),
        take,
    );
}

export async function openHistory(history: History, languages: Language[], onTake: (work: Work) => void): Promise<void> {
    const entries = await history.all();
    const clear = el('button', { type: 'button', class: 'button' }, 'Forget all of them');
    const list = entries.map((entry) =>
        entryElement(
            entry,
            languages.find((language) => language.id === entry.work.language),
            () => {
                element.close();
                onTake(entry.work);
            },
        ),
    );
    const words = list.length === 0 ? 'Programs that you run are listed here, in this browser only.' : `The latest ${list.length}, kept in this browser only.`;
    const element = dialog('History', el('p', { class: 'muted' }, words), ...list, ...(list.length > 0 ? [clear] : []));
    clear.addEventListener('click', () => {
        void history.clear();
        element.close();
    });
    element.showModal();
}
