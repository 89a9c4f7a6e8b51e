// A program that somebody shared: /s/ID.

import { ApiError, deleteSnippet, fetchSnippet, type Language, type Snippet } from './api';
import { joinArgs } from './args';
import { byId, el } from './dom';
import { forgetShared, sharedToken } from './shared';
import { sharedDraft, type Work } from './workspace';

export function idOfPath(path: string): string | null {
    return /^\/s\/([\w-]+)$/.exec(path)?.[1] ?? null;
}

export interface ShownSnippet {
    work: Work;
    language: Language;
    draftName: string;
}

function isText(snippet: Snippet): boolean {
    return snippet.stdin.encoding === 'utf8' && snippet.files.every((file) => file.encoding === 'utf8');
}

function day(time: string): string {
    return new Date(time).toLocaleDateString(undefined, { dateStyle: 'medium' });
}

// The line above the panes: what this is, and for its author a way to take it back.
function showLine(snippet: Snippet): void {
    const line = byId('shared', HTMLElement);
    const token = sharedToken(snippet.id);
    const parts: (Node | string)[] = [
        el('strong', {}, token === null ? 'A shared program.' : 'You shared this program.'),
        token === null ? ' Read it before you run it; your changes are yours alone.' : '',
        ` It can be had until ${day(snippet.expires_at)}. `,
    ];
    if (token !== null) {
        const button = el('button', { type: 'button', class: 'button' }, 'Delete it');
        button.addEventListener('click', () => void takeBack(snippet.id, token, line));
        parts.push(button);
    }
    line.replaceChildren(...parts);
    line.hidden = false;
}

async function takeBack(id: string, token: string, line: HTMLElement): Promise<void> {
    try {
        await deleteSnippet(id, token);
    } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 404) {
            line.append(` It could not be deleted: ${error instanceof Error ? error.message : 'no answer'}.`);
            return;
        }
    }
    forgetShared(id);
    line.replaceChildren('It is deleted: the link leads nowhere now. The program is still here, in your editor.');
}

// A sentence where it can't be shown.
export async function openSnippet(id: string, languages: Language[]): Promise<ShownSnippet | string> {
    let snippet: Snippet;
    try {
        snippet = await fetchSnippet(id);
    } catch (error) {
        const isGone = error instanceof ApiError && error.status === 404;
        return isGone ? 'This shared program is not there: it has expired, or its author has deleted it.' : `The shared program can't be had now: ${String((error as Error).message)}.`;
    }
    const language = languages.find((one) => one.id === snippet.language);
    if (language === undefined || !isText(snippet)) return 'This shared program can’t be shown here: its language is not there, or its files are no text.';
    const draftName = `shared.${id}`;
    const work = {
        language: snippet.language,
        files: snippet.files.map(({ name, content }) => ({ name, content })),
        stdin: snippet.stdin.content,
        args: joinArgs(snippet.args),
    };
    showLine(snippet);
    return { work: sharedDraft(draftName) ?? work, language, draftName };
}
