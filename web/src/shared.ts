// What this browser has shared: with the token that it got for each, it can take it back.

import { load, save } from './store';

export interface Shared {
    id: string;
    token: string;
    expires: string; // RFC 3339
    what: string;
}

const sharedMax = 100;

export function allShared(): Shared[] {
    const kept = load('shared');
    if (!Array.isArray(kept)) return [];
    return (kept as Shared[]).filter((one) => Date.parse(one?.expires) > Date.now());
}

export function rememberShared(shared: Shared): void {
    save('shared', [shared, ...allShared()].slice(0, sharedMax));
}

export function forgetShared(id: string): void {
    save(
        'shared',
        allShared().filter((one) => one.id !== id),
    );
}

export function sharedToken(id: string): string | null {
    return allShared().find((one) => one.id === id)?.token ?? null;
}
