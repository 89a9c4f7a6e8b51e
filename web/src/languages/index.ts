// What the editor knows of each language: highlighting, indentation, completion. Each is a file of its own that is fetched when
// its language is chosen. A language that is not here (an operator's own) is edited as plain text.

import type { Extension } from '@codemirror/state';

const packs: Record<string, () => Promise<{ pack: () => Extension }>> = {
    bash: () => import('./bash'),
    c: () => import('./c'),
    cpp: () => import('./cpp'),
    go: () => import('./go'),
    java: () => import('./java'),
    javascript: () => import('./javascript'),
    kotlin: () => import('./kotlin'),
    lua: () => import('./lua'),
    perl: () => import('./perl'),
    php: () => import('./php'),
    python: () => import('./python'),
    r: () => import('./r'),
    ruby: () => import('./ruby'),
    typescript: () => import('./typescript'),
};

export async function languagePack(id: string): Promise<Extension> {
    const load = packs[id];
    return load === undefined ? [] : (await load()).pack();
}
