// The page's parts that need no browser.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { splitArgs } from '../../web/src/args.ts';
import { diff } from '../../web/src/diff.ts';
import { OutputText, textOf } from '../../web/src/output/ansi.ts';
import { LinkFinder } from '../../web/src/output/links.ts';

test('the types are right', () => {
    const web = resolve(import.meta.dirname, '../../web');
    const { status, stdout } = spawnSync(resolve(web, 'node_modules/.bin/tsc'), ['--noEmit', '-p', web], { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
});

function lines(...pieces) {
    const text = new OutputText(1000);
    for (const piece of pieces) text.feed(piece, 'stdout');
    return text.lines.map(textOf);
}

test('sequences may be cut anywhere', () => {
    const whole = 'a\x1b[1;31mb\x1b[0mc\x1b]0;title\x07d\r\nxyz\rX\x1b[K\x1b[2G!\x1bPq#\x1b\\e\x1b(B.\n';
    const expected = ['abcd', 'X!e.', ''];
    assert.deepEqual(lines(whole), expected);
    for (let at = 1; at < whole.length; at++) assert.deepEqual(lines(whole.slice(0, at), whole.slice(at)), expected, `cut at ${at}`);
    assert.deepEqual(lines(...whole), expected);
});

test('each stream has its own colours', () => {
    const text = new OutputText(10);
    text.feed('\x1b[31mred', 'stdout');
    text.feed('plain', 'stderr');
    text.feed('red', 'stdout');
    const [line] = text.lines;
    assert.deepEqual(line.runs.map(({ style, stream }) => [style.color, stream]), [[1, 'stdout'], [null, 'stderr'], [1, 'stdout']]);
});

test('lines are bounded in number and length', () => {
    const text = new OutputText(100);
    for (let i = 0; i < 50; i++) text.feed('line\n'.repeat(50), 'stdout');
    assert.equal(text.lines.length, 100);
    assert.equal(text.dropped, 50 * 50 + 1 - 100);
    text.feed('y'.repeat(100000), 'stdout');
    const last = text.lines.at(-1);
    assert.equal(last.length + last.hidden, 100000);
    assert.ok(last.length < 20000);
});

test('places in messages', () => {
    const finder = new LinkFinder(['main.py', 'sub/a+b.c', 'Main.java', 'main.ts']);
    const places = (text) => finder.find(text).map(({ file, line, column, from, to }) => [file, line, column, text.slice(from, to)]);
    assert.deepEqual(places('  File "main.py", line 3, in f'), [['main.py', 3, null, 'main.py", line 3']]);
    assert.deepEqual(places('  File "/box/main.py", line 12'), [['main.py', 12, null, '/box/main.py", line 12']]);
    assert.deepEqual(places('sub/a+b.c:3:5: error: x'), [['sub/a+b.c', 3, 5, 'sub/a+b.c:3:5']]);
    assert.deepEqual(places('at f (Main.java:7) from Main.java:9'), [['Main.java', 7, null, 'Main.java:7'], ['Main.java', 9, null, 'Main.java:9']]);
    assert.deepEqual(places('main.ts(3,14): error TS1005'), [['main.ts', 3, 14, 'main.ts(3,14)']]);
    assert.deepEqual(places('in main.py on line 4'), [['main.py', 4, null, 'main.py on line 4']]);
    assert.deepEqual(places('main.py: line 5: oops'), [['main.py', 5, null, 'main.py: line 5']]);
    for (const none of ['xmain.py:3', 'other.py:3', 'main.py', 'main.py3', '/etc/main.py:3', 'main.pyx:3', 'main.py:99999999999'])
        assert.deepEqual(places(none), [], none);
    assert.deepEqual(new LinkFinder([]).find('main.py:3'), []);
});

test('a diff leads from the one to the other, with the fewest changes', () => {
    const apply = (changes, kinds) => changes.filter(({ kind }) => kinds.includes(kind)).map(({ text }) => text);
    const cases = [['', ''], ['a', ''], ['', 'a'], ['a\nb\nc', 'a\nb\nc'], ['a\nb\nc', 'a\nx\nc'], ['a\nb\nc\na\nb\nb\na', 'c\nb\na\nb\na\nc'], ['x\ny', 'z']];
    let seed = 7;
    const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
    for (let i = 0; i < 200; i++) cases.push([0, 0].map(() => Array.from({ length: random(12) }, () => 'abc'[random(3)]).join('\n')));
    for (const [before, after] of cases) {
        const changes = diff(before, after);
        const [a, b] = [before, after].map((text) => (text === '' ? [] : text.split('\n')));
        assert.deepEqual(apply(changes, ['same', 'removed']), a);
        assert.deepEqual(apply(changes, ['same', 'added']), b);
        // The longest common subsequence, the slow way.
        const common = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
        for (let x = 1; x <= a.length; x++)
            for (let y = 1; y <= b.length; y++)
                common[x][y] = a[x - 1] === b[y - 1] ? common[x - 1][y - 1] + 1 : Math.max(common[x - 1][y], common[x][y - 1]);
        assert.equal(apply(changes, ['same']).length, common[a.length][b.length], `${before} -> ${after}`);
    }
    const many = (offset) => Array.from({ length: 5000 }, (_, i) => `${i + offset}`).join('\n');
    assert.equal(diff(many(0), many(10000)).length, 10000); // bounded, and still right
});

test('arguments are parted as by a shell', () => {
    assert.deepEqual(splitArgs(''), []);
    assert.deepEqual(splitArgs('  a  b '), ['a', 'b']);
    assert.deepEqual(splitArgs(`"a b" 'c "d' e\\ f "" "g\\"h" i'j'k`), ['a b', 'c "d', 'e f', '', 'g"h', 'ijk']);
    assert.deepEqual(splitArgs('"not closed'), ['not closed']);
    assert.deepEqual(splitArgs('back\\'), ['back\\']);
});
