// What changed between two outputs, line by line (Myers' greedy algorithm, bounded). Pure.

export interface Change {
    kind: 'same' | 'added' | 'removed';
    text: string;
}

// More differences than this are shown as "all of it": the time is quadratic in them.
const editsMax = 1500;
const linesMax = 20000;

function allOfIt(before: string[], after: string[]): Change[] {
    return [
        ...before.map((text): Change => ({ kind: 'removed', text })),
        ...after.map((text): Change => ({ kind: 'added', text })),
    ];
}

// For each number of edits, how far each diagonal got; null where it takes more than editsMax.
function search(a: string[], b: string[]): Int32Array[] | null {
    const max = Math.min(a.length + b.length, editsMax);
    const far = new Int32Array(2 * max + 3);
    const trace: Int32Array[] = [];
    const middle = max + 1;
    for (let edits = 0; edits <= max; edits++) {
        trace.push(far.slice(middle - edits - 1, middle + edits + 2));
        for (let k = -edits; k <= edits; k += 2) {
            const left = far[middle + k - 1] ?? 0;
            const right = far[middle + k + 1] ?? 0;
            let x = k === -edits || (k !== edits && left < right) ? right : left + 1;
            while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
            far[middle + k] = x;
            if (x >= a.length && x - k >= b.length) return trace;
        }
    }
    return null;
}

function walkBack(trace: Int32Array[], a: string[], b: string[]): Change[] {
    const changes: Change[] = [];
    let x = a.length;
    let y = b.length;
    for (let edits = trace.length - 1; edits >= 0; edits--) {
        const far = trace[edits] as Int32Array; // of diagonals -edits - 1 to edits + 1
        const at = (k: number) => far[k + edits + 1] ?? 0;
        const k = x - y;
        const down = k === -edits || (k !== edits && at(k - 1) < at(k + 1));
        const fromX = edits === 0 ? 0 : down ? at(k + 1) : at(k - 1);
        const fromY = edits === 0 ? 0 : fromX - (down ? k + 1 : k - 1);
        const [startX, startY] = edits === 0 ? [0, 0] : down ? [fromX, fromY + 1] : [fromX + 1, fromY];
        while (x > startX && y > startY) {
            changes.push({ kind: 'same', text: a[x - 1] ?? '' });
            x--;
            y--;
        }
        if (edits === 0) break;
        if (down) changes.push({ kind: 'added', text: b[fromY] ?? '' });
        else changes.push({ kind: 'removed', text: a[fromX] ?? '' });
        x = fromX;
        y = fromY;
    }
    return changes.reverse();
}

function linesIn(text: string): string[] {
    const lines = text.split('\n', linesMax);
    if (lines.at(-1) === '') lines.pop();
    return lines;
}

export function diff(before: string, after: string): Change[] {
    const a = linesIn(before);
    const b = linesIn(after);
    const trace = search(a, b);
    return trace === null ? allOfIt(a, b) : walkBack(trace, a, b);
}
