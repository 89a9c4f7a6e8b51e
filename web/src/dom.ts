// Making elements. Text is always a text node: nothing in this page turns text into markup.

type Attributes = Record<string, string | number | boolean | undefined>;

// el('button', {class: 'x', type: 'button'}, 'Run'); true is an empty attribute, false and undefined are none.
export function el<K extends keyof HTMLElementTagNameMap>(
    tag: K,
    attributes: Attributes = {},
    ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value !== undefined && value !== false) element.setAttribute(name, value === true ? '' : String(value));
    }
    element.append(...children);
    return element;
}

// What index.html has under this id, which must be of this kind.
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
    const element = document.getElementById(id);
    if (!(element instanceof kind)) throw new Error(`index.html has no ${kind.name} #${id}`);
    return element;
}

const icons = {
    play: 'M5 3.2v9.6L13 8z',
    stop: 'M4 4h8v8H4z',
    plus: 'M7.25 3h1.5v4.25H13v1.5H8.75V13h-1.5V8.75H3v-1.5h4.25z',
    close: 'M4.3 3.2 8 6.9l3.7-3.7 1.1 1.1L9.1 8l3.7 3.7-1.1 1.1L8 9.1l-3.7 3.7-1.1-1.1L6.9 8 3.2 4.3z',
    sun: 'M8 4.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM7.3.8h1.4v2H7.3zm0 12.4h1.4v2H7.3zM.8 7.3h2v1.4h-2zm12.4 0h2v1.4h-2zM2.4 3.4l1-1 1.4 1.4-1 1zm8.8 8.8 1-1 1.4 1.4-1 1zm1-9.8 1 1-1.4 1.4-1-1zm-8.8 8.8 1 1-1.4 1.4-1-1z',
    moon: 'M6.2 1.6a6.5 6.5 0 1 0 8.2 8.2A5.4 5.4 0 0 1 6.2 1.6z',
    auto: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 3v10A5 5 0 0 1 8 3z',
    clock: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3zm-.7 1.8v3.6l2.6 1.6.7-1.1-2-1.2V4.8z',
    keyboard: 'M1.5 4h13v8.5h-13zM3 5.5v1.2h1.3V5.5zm2.4 0v1.2h1.3V5.5zm2.4 0v1.2h1.3V5.5zm2.4 0v1.2h1.3V5.5zM3 7.7v1.2h1.3V7.7zm2.4 0v1.2h1.3V7.7zm2.4 0v1.2h1.3V7.7zm2.4 0v1.2h2.7V7.7zM4.5 9.9v1.2h7V9.9z',
    copy: 'M5 2h8.5v9.5H11V14H2.5V4.5H5zm1.3 1.3v7h5.9v-7zM5 5.8H3.8v6.9h5.9v-1.2H5z',
    download: 'M7.3 2h1.4v6.2l2.2-2.2 1 1L8 10.9 4.1 7l1-1 2.2 2.2zM3 12.2h10v1.4H3z',
    share: 'M11.5 1.5a2.5 2.5 0 0 0-2.4 3.2L6 6.5a2.5 2.5 0 1 0 0 3l3.1 1.8a2.5 2.5 0 1 0 .7-1.3L6.7 8.3a2.5 2.5 0 0 0 0-.6l3.1-1.8A2.5 2.5 0 1 0 11.5 1.5z',
    terminal: 'M1.5 2.5h13v11h-13zM3 4v8h10V4zm1.2 1.9 1-1L8.3 8l-3.1 3.1-1-1L6.2 8zM8 9.8h3.6v1.3H8z',
    compare: 'M7.3 1.5h1.4v13H7.3zM2 3.5h4V5H3.5v6H6v1.5H2zm8 0h4v9h-4V11h2.5V5H10z',
} as const;

export type Icon = keyof typeof icons;

export function icon(name: Icon): SVGSVGElement {
    const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    svg.setAttribute('viewBox', '0 0 16 16');
    svg.setAttribute('aria-hidden', 'true');
    path.setAttribute('d', icons[name]);
    path.setAttribute('fill-rule', 'evenodd');
    svg.append(path);
    return svg;
}

// An icon with words; where there is little room the words are for screen readers and tooltips only (style.css).
export function label(button: HTMLElement, name: Icon, words: string, title = words): void {
    button.replaceChildren(icon(name), el('span', { class: 'words' }, words));
    button.title = title;
}

// A dialog with a heading and a way out; opened by the caller.
export function dialog(heading: string, ...content: Node[]): HTMLDialogElement {
    const close = el('button', { type: 'button', class: 'button quiet icon-only', 'aria-label': 'Close' }, icon('close'));
    const title = el('h2', { id: `dialog-${heading.toLowerCase().replace(/\W+/g, '-')}` }, heading);
    const element = el('dialog', { 'aria-labelledby': title.id }, el('div', { class: 'dialog-head' }, title, close), ...content);
    close.addEventListener('click', () => element.close());
    element.addEventListener('click', (event) => {
        if (event.target === element) element.close(); // beside it
    });
    element.addEventListener('close', () => element.remove());
    document.body.append(element);
    return element;
}
