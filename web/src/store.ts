// What this browser keeps: small things as text. A browser that keeps nothing (private mode, full) is no error: the
// page works, and forgets.

const prefix = 'glimpse.';

export function load(name: string, from: Storage | null = storage()): unknown {
    try {
        const text = from?.getItem(prefix + name);
        return text == null ? null : JSON.parse(text);
    } catch {
        return null;
    }
}

export function save(name: string, value: unknown, to: Storage | null = storage()): void {
    try {
        to?.setItem(prefix + name, JSON.stringify(value));
    } catch {
        // Full, or forbidden.
    }
}

export function storage(session = false): Storage | null {
    try {
        return session ? sessionStorage : localStorage;
    } catch {
        return null;
    }
}
