// Programs that talk with their reader, in a terminal.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorld, Visitor } from './world.mjs';

const { server, browser } = await openWorld();

async function visit(body) {
    const visitor = await (await Visitor.open(browser, server.url)).ready();
    await visitor.choose('python');
    await visitor.page.click('#terminal-mode');
    await visitor.page.locator('.xterm-rows').waitFor();
    await body(visitor, visitor.page, (text) => visitor.page.locator('.xterm-rows', { hasText: text }).waitFor());
    await visitor.close(); // no breach of the policy either, though xterm.js makes styles
}

test('a session with input, in colour, of the size of the pane', () =>
    visit(async (visitor, page, shows) => {
        await visitor.write(
            ['import os, sys', 'print(sys.stdin.isatty(), *os.get_terminal_size())', 'name = input("\\x1b[1;32mWho are you?\\x1b[0m ")', 'print("\\x1b[38;2;200;100;50mHello,", name[::-1])'].join('\n'),
        );
        await page.click('#run');
        await shows('Who are you?');
        await page.keyboard.type('adA');
        await page.keyboard.press('Enter');
        await visitor.ended('good');
        await shows('Hello, Ada');
        const [, columns, rows] = /True (\d+) (\d+)/.exec(await page.locator('.xterm-rows').innerText());
        assert.ok(Number(columns) > 40 && Number(rows) > 15, `${columns} × ${rows}`);
        const now = await page.locator('.xterm-rows > div').count(); // the line that says how it went takes a bit
        assert.ok(now <= Number(rows) && now > Number(rows) - 5, `${now} of ${rows} rows`);
        const colour = await page.locator('.xterm-rows span', { hasText: 'Hello,' }).first().evaluate((element) => getComputedStyle(element).color);
        assert.equal(colour, 'rgb(200, 100, 50)');
        assert.deepEqual(await visitor.axe(), []);
        await page.click('#open-history');
        await page.locator('.entry summary').first().click();
        assert.match(await page.locator('.entry pre').first().innerText(), /Hello, Ada/);
    }));

test('Ctrl+C and Esc are the program’s, Stop and Shift+Esc are the page’s', () =>
    visit(async (visitor, page, shows) => {
        await visitor.write('import sys, termios, tty\ntry:\n    input("waiting ")\nexcept KeyboardInterrupt:\n    print("interrupted")\ntty.setraw(0)\nprint("key:", repr(sys.stdin.read(1)))\ninput()');
        await page.click('#run');
        await shows('waiting');
        await page.keyboard.press('Control+C');
        await shows('interrupted');
        await page.keyboard.press('Escape');
        await shows("key: '\\x1b'");
        assert.equal(await page.locator('#run.stops').count(), 1);
        await page.keyboard.press('Shift+Escape');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'run');
        await page.keyboard.press('Enter'); // Stop
        await visitor.ended('neutral');
    }));

test('compilers’ words, and back to plain output', () =>
    visit(async (visitor, page, shows) => {
        await visitor.runs('c', 'int main(void)\n{\n    return x;\n}\n', 'bad');
        await shows("error: ‘x’ undeclared");
        await page.click('#terminal-mode');
        await visitor.runs('c', '#include <stdio.h>\nint main(void) { puts("plain"); }\n');
        assert.equal(await visitor.output(), 'plain\n');
    }));

test('hostile output', () =>
    visit(async (visitor, page, shows) => {
        const program = ['import sys', 'sys.stdout.write("\\x1b]0;owned\\x07\\x1b]52;c;b3duZWQ=\\x07<img src=x onerror=alert(1)>" + "\\x1b[?1049h\\x1b[999;999H" * 20000 + "x" * 500000 + "\\x1b[?1049l\\n")', 'print("the end")'];
        await visitor.runs(null, program.join('\n'));
        await shows('the end');
        assert.equal(await page.locator('#terminal img').count(), 0);
        assert.match(await page.title(), /^Python/);
        await visitor.runs(null, 'print("and on")');
        await shows('and on');
    }));

test('the choice is kept, and the terminal is fetched only when it is wanted', async () => {
    const visitor = await (await Visitor.open(browser, server.url)).ready();
    const { page } = visitor;
    const fetched = () => page.evaluate(() => performance.getEntriesByType('resource').filter(({ name }) => /terminal/.test(name)).length);
    assert.equal(await fetched(), 0);
    await page.click('#terminal-mode');
    await page.locator('.xterm-rows').waitFor();
    await page.reload();
    await visitor.ready();
    await page.locator('.xterm-rows').waitFor();
    await visitor.choose('bash');
    await visitor.write('read -p "ready? " x; echo "got $x"');
    await page.keyboard.press('Control+Enter');
    await page.locator('.xterm-rows', { hasText: 'ready?' }).waitFor();
    await page.keyboard.type('yes\n');
    await visitor.ended('good');
    await visitor.close();
});
