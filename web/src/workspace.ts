// What is being worked on: a language, files, input. Kept for each language, so that looking at another one loses nothing,
// and across reloads; each browser tab has its own, and a new one begins with the latest.

import type { Language, SourceFile } from './api';
import { load, save, storage } from './store';

export interface Work {
    language: string;
    files: SourceFile[]; // never empty; the first is the main one
    stdin: string;
    args: string;
}

export function isWork(value: unknown): value is Work {
    if (typeof value !== 'object' || value === null) return false;
    const work = value as Partial<Work>;
    return (
        typeof work.language === 'string' &&
        typeof work.stdin === 'string' &&
        typeof work.args === 'string' &&
        Array.isArray(work.files) &&
        work.files.length > 0 &&
        work.files.every((file) => typeof file?.name === 'string' && typeof file.content === 'string')
    );
}

export function hello(language: Language): Work {
    return { language: language.id, files: [{ ...language.hello }], stdin: '', args: '' };
}

function isHello(work: Work, language: Language): boolean {
    const [file, ...more] = work.files;
    return (
        more.length === 0 &&
        file?.name === language.hello.name &&
        file.content === language.hello.content &&
        work.stdin === '' &&
        work.args === ''
    );
}

function draftName(language: string): string {
    return `draft.${language}`;
}

export function keep(work: Work, language: Language): void {
    // A hello program that nobody touched is no draft: a newer one shall come through.
    const draft = isHello(work, language) ? null : work;
    for (const to of [storage(true), storage()]) {
        save(draftName(work.language), draft, to);
        save('language', work.language, to);
    }
}

// What a reader made of a shared program, in this tab only.
export function keepShared(work: Work, name: string): void {
    save(name, work, storage(true));
}

export function sharedDraft(name: string): Work | null {
    const work = load(name, storage(true));
    return isWork(work) ? work : null;
}

export function draftOf(language: Language): Work {
    for (const from of [storage(true), storage()]) {
        const work = load(draftName(language.id), from);
        if (isWork(work) && work.language === language.id) return work;
    }
    return hello(language);
}

// What the reader left, else the first of these languages that is there.
export function lastLanguage(languages: Language[]): Language | undefined {
    const available = languages.filter((language) => language.available);
    for (const from of [storage(true), storage()]) {
        const id = load('language', from);
        const found = available.find((language) => language.id === id);
        if (found !== undefined) return found;
    }
    return available.find((language) => language.id === 'python') ?? available[0];
}
