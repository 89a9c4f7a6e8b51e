// Sharing: a link that shows the program to whoever gets it, for as long as its author says.

import { addSnippet, ApiError, deleteSnippet, type RunRequest } from './api';
import { dialog, el } from './dom';
import { allShared, forgetShared, rememberShared, type Shared } from './shared';

type Program = Omit<RunRequest, 'collect'>;

const periods: [number, string][] = [
    [1, 'a day'],
    [7, 'a week'],
    [90, '90 days'],
    [365, 'a year'],
];

function linkOf(id: string): string {
    return `${location.origin}/s/${id}`;
}

function firstWords(program: Program): string {
    const text = program.files[0]?.content ?? '';
    return (text.split('\n', 40).find((line) => /\w/.test(line)) ?? '').trim().slice(0, 60);
}

// The link, to be copied or opened.
function linkElement(id: string): HTMLElement {
    const field = el('input', { class: 'control mono', readonly: true, 'aria-label': 'Link', value: linkOf(id) });
    const copy = el('button', { type: 'button', class: 'button' }, 'Copy');
    copy.addEventListener('click', () => {
        field.select();
        navigator.clipboard.writeText(field.value).then(
            () => (copy.textContent = 'Copied'),
            () => (copy.textContent = 'Press Ctrl+C'), // not over HTTPS: it is selected
        );
    });
    const open = el('a', { href: linkOf(id), target: '_blank', rel: 'noopener', class: 'button' }, 'Open');
    return el('div', { class: 'link-row' }, field, copy, open);
}

function sharedElement(shared: Shared): HTMLElement {
    const remove = el('button', { type: 'button', class: 'button' }, 'Delete');
    const link = el('a', { href: linkOf(shared.id), target: '_blank', rel: 'noopener', class: 'mono' }, shared.what || shared.id);
    const until = el('span', { class: 'muted' }, `until ${new Date(shared.expires).toLocaleDateString(undefined, { dateStyle: 'medium' })}`);
    const row = el('li', {}, link, until, remove);
    remove.addEventListener('click', () => {
        deleteSnippet(shared.id, shared.token)
            .catch((error: unknown) => {
                if (!(error instanceof ApiError) || error.status !== 404) throw error; // it is gone already
            })
            .then(
                () => {
                    forgetShared(shared.id);
                    row.remove();
                },
                (error: unknown) => (until.textContent = error instanceof Error ? error.message : 'no answer'),
            );
    });
    return row;
}

export function openShare(program: Program): void {
    const period = el('select', { class: 'control', id: 'share-period' }, ...periods.map(([days, words]) => el('option', { value: days, selected: days === 90 }, words)));
    const make = el('button', { type: 'button', class: 'button primary' }, 'Make a link');
    const outcome = el('div', { 'aria-live': 'polite' });
    const shared = allShared();
    const list = el('ul', { class: 'shared-list' }, ...shared.map(sharedElement));
    make.addEventListener('click', () => {
        make.disabled = true;
        addSnippet(program, Number(period.value)).then(
            (kept) => {
                rememberShared({ id: kept.id, token: kept.deletion_token, expires: kept.expires_at, what: firstWords(program) });
                outcome.replaceChildren(linkElement(kept.id), el('p', { class: 'muted' }, 'Only this browser can delete it.'));
                outcome.querySelector('input')?.select();
            },
            (error: unknown) => {
                make.disabled = false;
                outcome.replaceChildren(el('p', { class: 'failure' }, error instanceof Error ? error.message : 'no answer'));
            },
        );
    });
    const earlier = shared.length === 0 ? [] : [el('h3', {}, 'Shared from this browser'), list];
    dialog(
        'Share',
        el('p', {}, 'Whoever has the link sees the program and its input, and can run it. Nobody can guess the link.'),
        el('div', { class: 'link-row' }, el('label', { for: 'share-period' }, 'Keep it for'), period, make),
        outcome,
        ...earlier,
    ).showModal();
}
