// The line between the two panes: drag it, or move it with the arrow keys. Where the panes are one above the other it is not there.

import { load, save } from './store';

const least = 25;
const most = 75;

export function splitter(handle: HTMLElement, container: HTMLElement): void {
    const set = (percent: number) => {
        const value = Math.round(Math.min(Math.max(percent, least), most));
        container.style.setProperty('--split', `${value}%`);
        handle.setAttribute('aria-valuenow', String(value));
        save('split', value);
    };
    const now = () => Number(handle.getAttribute('aria-valuenow'));
    const kept = load('split');

    handle.setAttribute('aria-orientation', 'vertical');
    handle.setAttribute('aria-valuemin', String(least));
    handle.setAttribute('aria-valuemax', String(most));
    set(typeof kept === 'number' ? kept : 55);
    handle.addEventListener('pointerdown', (event) => {
        handle.setPointerCapture(event.pointerId);
        event.preventDefault();
    });
    handle.addEventListener('pointermove', (event) => {
        if (!handle.hasPointerCapture(event.pointerId)) return;
        const { left, width } = container.getBoundingClientRect();
        set(((event.clientX - left) / width) * 100);
    });
    handle.addEventListener('dblclick', () => set(55));
    handle.addEventListener('keydown', (event) => {
        const step = { ArrowLeft: -2, ArrowRight: 2, PageUp: -10, PageDown: 10 }[event.key];
        if (step === undefined) return;
        set(now() + step);
        event.preventDefault();
    });
}
