// A program as the fragment of an address, which never leaves the browser: #language=python&code=...&name=...&stdin=...&args=...

import type { Language } from './api';
import type { Work } from './workspace';

// What is longer is no address any more.
export const fragmentMax = 200_000;

export function workOfFragment(fragment: string, languages: Language[]): Work | null {
    if (fragment.length > fragmentMax) return null;
    const fields = new URLSearchParams(fragment.replace(/^#/, ''));
    const code = fields.get('code');
    const asked = fields.get('language')?.toLowerCase();
    const language = languages.find((one) => one.available && (one.id === asked || one.aliases.includes(asked ?? '')));
    if (code === null || language === undefined) return null;
    const files = [{ name: fields.get('name') ?? language.hello.name, content: code }];
    return { language: language.id, files, stdin: fields.get('stdin') ?? '', args: fields.get('args') ?? '' };
}

// Of a program of one file; null where it has more, or is too long.
export function fragmentOfWork(work: Work): string | null {
    const [file, ...more] = work.files;
    if (file === undefined || more.length > 0) return null;
    const fields = new URLSearchParams({ language: work.language, name: file.name, code: file.content });
    if (work.stdin !== '') fields.set('stdin', work.stdin);
    if (work.args !== '') fields.set('args', work.args);
    const fragment = `#${fields.toString()}`;
    return fragment.length > fragmentMax ? null : fragment;
}
