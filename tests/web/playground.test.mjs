// The playground, as a visitor uses it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openWorld, Visitor } from './world.mjs';

const { server, browser } = await openWorld();

// A test with a visitor, who must not have met anything wrong by the end.
function visit(name, options, body) {
    test(name, async () => {
        const visitor = await Visitor.open(browser, server.url, options);
        await visitor.ready();
        await body(visitor, visitor.page);
        await visitor.close();
    });
}

describe('running', () => {
    visit('the hello program of every language', {}, async (visitor, page) => {
        const languages = (await (await fetch(`${server.url}/v1/languages`)).json()).languages;
        for (const { id, available, name, version } of languages) {
            if (!available) continue;
            await visitor.choose(id);
            assert.ok((await page.title()).startsWith(name));
            assert.ok((await page.locator('#language option:checked').innerText()).includes(version));
            await page.locator('.cm-line span').first().waitFor(); // something is highlighted: its pack has come
            await visitor.run();
            assert.match(await visitor.output(), /hello/i, name);
        }
    });

    visit('what it cost, and how it ended', {}, async (visitor) => {
        await visitor.runs('python', 'import sys\nprint("out")\nprint("err", file=sys.stderr)\nsys.exit(3)', 'bad');
        const verdict = await visitor.verdict();
        assert.match(verdict, /exit code 3/);
        for (const figure of ['Time', 'CPU', 'Memory']) assert.match(verdict, new RegExp(`${figure}\\s+[\\d.]+ \\w+`));
        assert.equal(await visitor.page.locator('.err').innerText(), 'err');
        await visitor.runs('bash', 'kill -SEGV $$', 'bad');
        assert.match(await visitor.verdict(), /SIGSEGV/);
    });

    visit('output is there while the program runs, in the order of writing', {}, async (visitor, page) => {
        await visitor.choose('python');
        await visitor.write(
            ['import sys, time', 'for i in range(4):', '    print(i, "out", flush=True)', '    time.sleep(0.1)', '    print(i, "err", file=sys.stderr)', '    time.sleep(0.1)', 'time.sleep(60)'].join('\n'),
        );
        await page.click('#run');
        await page.locator('#output .err', { hasText: '3 err' }).waitFor();
        assert.equal(await page.locator('#run.stops').count(), 1);
        assert.match(await visitor.verdict(), /Running/);
        const written = [0, 1, 2, 3].map((i) => `${i} out\n${i} err\n`).join('');
        assert.equal(await visitor.output(), written);
        await page.keyboard.press('Escape');
        await visitor.ended('neutral');
        assert.equal(await visitor.output(), written); // what was there stays
    });

    visit('arguments and standard input', {}, async (visitor, page) => {
        await visitor.choose('python');
        await visitor.write('import sys\nprint(sys.argv[1:], sys.stdin.read())');
        await page.click('#input summary');
        await page.fill('#args', 'one "two words" three\\ four \'\'');
        await page.fill('#stdin', 'typed in');
        await visitor.run();
        assert.match(await visitor.output(), /\['one', 'two words', 'three four', ''\] typed in/);
        assert.match(await page.locator('#input-summary').innerText(), /4 arguments, 1 lines/);
    });

    visit('an endless loop is stopped by its button, and by Esc', {}, async (visitor, page) => {
        await visitor.choose('python');
        await visitor.write('print("begun", flush=True)\nwhile True: pass');
        await page.click('#run');
        await page.locator('#run.stops').waitFor();
        await page.click('#run');
        await visitor.ended('neutral');
        assert.match(await visitor.verdict(), /Stopped/);
        await page.keyboard.press('Control+Enter');
        await page.locator('#run.stops').waitFor();
        await page.keyboard.press('Escape');
        await visitor.ended('neutral');
        await visitor.runs(null, 'print("free again")');
        assert.match(await visitor.output(), /free again/);
    });

    visit('a program that runs into a limit', {}, async (visitor) => {
        await visitor.runs('python', 'print("x" * (2 << 20))', 'limit');
        assert.match(await visitor.verdict(), /Too much output/);
        assert.match(await visitor.verdict(), /was cut at the limit/);
    });
});

describe('pictures', () => {
    visit('that a program leaves are shown beside its output', {}, async (visitor, page) => {
        const program = [
            'import struct, zlib',
            'def chunk(kind, data):',
            '    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))',
            'rows = b"".join(b"\\0" + bytes(v for x in range(120) for v in (x * 2, y * 3, 160)) for y in range(80))',
            'png = b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 120, 80, 8, 2, 0, 0, 0))',
            'open("plot.png", "wb").write(png + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))',
            'open("evil.svg", "w").write("<svg xmlns=\\"http://www.w3.org/2000/svg\\" width=\\"9\\" height=\\"9\\"><script>document.title=1</script></svg>")',
            'open("broken.gif", "w").write("no picture")',
            'print("drawn")',
        ].join('\n');
        await visitor.runs('python', program);
        const plot = page.locator('.images img[alt="plot.png"]');
        await plot.waitFor();
        await page.waitForFunction(() => document.querySelector('.images img[alt="plot.png"]').naturalWidth === 120);
        assert.match(await page.locator('.images figcaption', { hasText: 'plot.png' }).innerText(), /120 × 80/);
        assert.equal(await visitor.output(), 'drawn\n');
        assert.match(await page.title(), /^Python/);
        await visitor.runs(null, 'print("none")');
        assert.equal(await page.locator('.images img').count(), 0);
    });
});

describe('errors lead to their lines', () => {
    const cases = [
        ['c', '#include <stdio.h>\n\nint main(void)\n{\n    return oops;\n}\n', 'main.c:5', 5],
        ['python', 'def f():\n    return 1 / 0\n\nf()\n', 'line 2', 2],
        ['javascript', 'const a = 1;\n\nnull.x;\n', 'main.js:3', 3],
        ['java', 'class Main {\n    public static void main(String[] args) {\n        oops();\n    }\n}\n', 'Main.java:3', 3],
        ['go', 'package main\n\nfunc main() {\n\toops()\n}\n', 'main.go:4', 4],
        ['ruby', 'puts 1\nraise "oops"\n', 'main.rb:2', 2],
        ['bash', 'true\nif\n', 'line', null],
        ['php', '<?php\n\n\nnull->x();\n', 'line', null],
        ['perl', '1;\n\ndie "oops";\n', 'line 3', 3],
        ['lua', 'local a = 1\nerror("oops")\n', 'main.lua:2', 2],
        ['kotlin', 'fun main() {\n    oops()\n}\n', 'main.kt:2', 2],
        ['typescript', 'let a: number = 1;\nnull.x;\n', 'main.ts:2', 2],
    ];
    visit('compile errors and tracebacks', {}, async (visitor, page) => {
        for (const [language, program, words, line] of cases) {
            await visitor.runs(language, program, 'bad');
            const place = page.locator('#output .place', { hasText: words }).last();
            await place.waitFor();
            await place.click();
            const active = Number(await page.locator('.cm-activeLineGutter').first().innerText());
            if (line !== null) assert.equal(active, line, language);
            assert.equal(await page.locator('.cm-pointedLine').count(), 1, language);
        }
    });

    visit('in the file that they name', {}, async (visitor, page) => {
        await visitor.choose('python');
        await visitor.write('import words\n');
        await page.click('#add-file');
        await page.keyboard.type('words'); // the suffix is there already
        await page.keyboard.press('Enter');
        await visitor.write('x = 1\ny = x +\n');
        await page.getByRole('tab', { name: 'main.py' }).click();
        await visitor.run('bad');
        await page.locator('#output .place', { hasText: 'words.py' }).click();
        assert.equal(await page.getByRole('tab', { selected: true }).innerText(), 'words.py');
        assert.equal(await page.locator('.cm-pointedLine').innerText(), 'y = x +');
    });
});

describe('what is kept', () => {
    visit('drafts survive a reload, one for each language', {}, async (visitor, page) => {
        await visitor.choose('ruby');
        await visitor.write('puts "kept"\n');
        await visitor.choose('lua');
        await visitor.write('print("kept too")\n');
        await page.reload();
        await visitor.ready();
        assert.equal(await page.locator('#language').inputValue(), 'lua');
        assert.match(await page.locator('.cm-content').innerText(), /kept too/);
        await visitor.choose('ruby');
        assert.match(await page.locator('.cm-content').innerText(), /puts "kept"/);
    });

    visit('the history, and what changed since the run before', {}, async (visitor, page) => {
        await visitor.runs('python', 'for i in range(5): print("line", i)');
        assert.equal(await page.locator('#compare').isVisible(), false);
        await visitor.runs('python', 'for i in range(5): print("line", i if i != 3 else "three")');
        await page.click('#compare');
        assert.deepEqual(await page.locator('.comparison .removed').allInnerTexts(), ['- line 3']);
        assert.deepEqual(await page.locator('.comparison .added').allInnerTexts(), ['+ line three']);
        assert.equal(await page.locator('.comparison .same').count(), 4);
        await visitor.write('something else');
        await page.click('#open-history');
        await page.locator('dialog[open]').waitFor();
        assert.equal(await page.locator('.entry').count(), 2);
        await page.locator('.entry summary').last().click();
        await page.locator('.entry').last().getByRole('button').click();
        assert.match(await page.locator('.cm-content').innerText(), /print\("line", i\)$/m);
        await page.reload();
        await visitor.ready();
        await page.click('#open-history');
        await page.locator('dialog[open]').waitFor();
        assert.equal(await page.locator('.entry').count(), 3); // and what was in the editor
        assert.match(await page.locator('.entry').first().innerText(), /something else\s+Not run/);
    });

    visit('the theme', { colorScheme: 'light' }, async (visitor, page) => {
        const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
        const light = await ground();
        await page.click('#theme');
        assert.equal(await ground(), light); // light, as the system has it
        await page.click('#theme');
        const dark = await ground();
        assert.notEqual(dark, light);
        await page.reload();
        await visitor.ready();
        assert.equal(await ground(), dark);
        await page.click('#theme');
        await page.emulateMedia({ colorScheme: 'dark' });
        assert.equal(await ground(), dark); // the system's again
    });
});

describe('files', () => {
    visit('are added, renamed and removed by mouse and by keyboard', {}, async (visitor, page) => {
        const names = () => page.getByRole('tab').allInnerTexts();
        await visitor.choose('c');
        await page.click('#add-file');
        await page.keyboard.type('../evil.h');
        await page.keyboard.press('Enter');
        assert.equal(await page.locator('.tab-name:invalid').count(), 1); // said before the server has to
        await page.locator('.tab-name').fill('sum.h');
        await page.keyboard.press('Enter');
        assert.deepEqual(await names(), ['main.c', 'sum.h']);
        await visitor.write('static int sum(int a, int b) { return a + b; }\n');
        await page.getByRole('tab', { name: 'sum.h' }).focus();
        await page.keyboard.press('ArrowLeft');
        assert.equal(await page.getByRole('tab', { selected: true }).innerText(), 'main.c');
        await visitor.write('#include <stdio.h>\n#include "sum.h"\nint main(void) { printf("%d\\n", sum(20, 22)); }\n');
        await visitor.run();
        assert.equal(await visitor.output(), '42\n');
        await page.getByRole('tab', { name: 'sum.h' }).click();
        await page.keyboard.press('F2');
        await page.locator('.tab-name').fill('add.h');
        await page.keyboard.press('Enter');
        assert.deepEqual(await names(), ['main.c', 'add.h']);
        page.once('dialog', (dialog) => dialog.accept());
        await page.keyboard.press('Delete');
        assert.deepEqual(await names(), ['main.c']);
    });
});

describe('everybody can use it', () => {
    visit('keyboard only', {}, async (visitor, page) => {
        await visitor.choose('python');
        await page.locator('.cm-content').focus();
        await page.keyboard.press('Control+End');
        await page.keyboard.type('print("typed")');
        await page.keyboard.press('Control+Enter');
        await visitor.ended('good');
        assert.match(await visitor.output(), /typed/);
        assert.match(await page.locator('#announce').innerText(), /Finished, exit code 0/);
        await page.locator('.cm-content').focus();
        await page.keyboard.press('Escape'); // a list of completions, where one has come up
        await page.keyboard.press('Escape');
        await page.keyboard.press('Tab'); // out of the editor
        assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'SUMMARY');
        const met = new Set();
        for (let i = 0; i < 30; i++) {
            await page.keyboard.press('Tab');
            met.add(await page.evaluate(() => document.activeElement?.id));
        }
        for (const id of ['language', 'run', 'theme', 'open-history', 'splitter', 'output']) assert.ok(met.has(id), id);
    });

    for (const colorScheme of ['light', 'dark']) {
        visit(`axe finds nothing serious, ${colorScheme}`, { colorScheme }, async (visitor, page) => {
            assert.deepEqual(await visitor.axe(), []);
            await page.click('#input summary');
            await visitor.runs('c', 'int main(void) { return x; }', 'bad');
            assert.deepEqual(await visitor.axe(), []);
            await visitor.runs('bash', 'for i in 0 1 2 3 4 5 6 7; do echo -e "\\e[3${i}mcolour\\e[9${i}mbright\\e[0m"; done; echo oops >&2');
            assert.deepEqual(await visitor.axe(), []);
            await page.click('#open-history');
            await page.locator('.entry summary').first().click();
            assert.deepEqual(await visitor.axe(), []);
            await page.keyboard.press('Escape');
            await page.click('#open-help');
            assert.deepEqual(await visitor.axe(), []);
        });
    }

    for (const width of [360, 768, 1920]) {
        visit(`${width} pixels wide`, { viewport: { width, height: 740 } }, async (visitor, page) => {
            await visitor.runs('python', 'print("a" * 500)\nprint("b\\n" * 100)');
            const [inner, page_width] = await page.evaluate(() => [innerWidth, document.documentElement.scrollWidth]);
            assert.ok(page_width <= inner, 'the page scrolls sideways');
            for (const id of ['language', 'run', 'open-history', 'theme', 'add-file', 'editor', 'output']) {
                const box = await page.locator(`#${id}`).boundingBox();
                assert.ok(box.x >= 0 && box.x + box.width <= width && box.y >= 0 && box.y + box.height <= 740, id);
            }
        });
    }
});
