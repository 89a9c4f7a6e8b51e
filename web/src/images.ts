// Pictures that a program left, beside what it printed. They are a stranger's: shown as images, which run nothing, never as
// documents, and only in formats that every browser takes for images.

import type { ResultFile } from './api';
import { el } from './dom';
import { size } from './verdict';

// What a run brings back.
export const imagePatterns = ['*.png', '*.jpg', '*.jpeg', '*.gif', '*.webp', '*.svg'];

const types = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/svg+xml']);
const shownMax = 24;

function urlOf(file: ResultFile): string {
    return file.encoding === 'base64'
        ? `data:${file.media_type};base64,${file.content}`
        : `data:${file.media_type},${encodeURIComponent(file.content)}`;
}

function figure(file: ResultFile): HTMLElement {
    const url = urlOf(file);
    const image = el('img', { src: url, alt: file.name, decoding: 'async' });
    const save = el('a', { href: url, download: file.name.replaceAll('/', '_') }, file.name);
    const caption = el('figcaption', {}, save, ` ${size(file.size)}`);
    image.addEventListener('error', () => image.replaceWith(el('p', { class: 'muted' }, 'This browser can’t show it.')));
    image.addEventListener('load', () => caption.replaceChildren(save, ` ${image.naturalWidth} × ${image.naturalHeight}, ${size(file.size)}`));
    return el('figure', {}, image, caption);
}

export function images(files: ResultFile[]): HTMLElement[] {
    return files.filter((file) => types.has(file.media_type)).slice(0, shownMax).map(figure);
}
