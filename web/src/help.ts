// What the keys do.

import { dialog, el } from './dom';

const mod = /Mac|iPhone|iPad/.test(navigator.platform) ? '⌘' : 'Ctrl';

export const runKey = `${mod}+Enter`;

const keys: [string[], string][] = [
    [[mod, 'Enter'], 'Run'],
    [['Esc'], 'Stop the program'],
    [['Esc', 'then Tab'], 'Leave the editor'],
    [['Shift', 'Esc'], 'Leave the terminal'],
    [[mod, 'F'], 'Search and replace'],
    [[mod, 'Space'], 'Complete'],
    [[mod, '/'], 'Comment or uncomment'],
    [['Alt', '↑ ↓'], 'Move the line'],
    [['F2'], 'Rename a file (on its tab)'],
];

export function openHelp(): void {
    const rows = keys.map(([names, what]) => el('div', {}, el('dt', {}, ...names.map((name) => el('kbd', {}, name))), el('dd', {}, what)));
    dialog('Keyboard', el('dl', { class: 'keys' }, ...rows)).showModal();
}
