// What a program prints is a stranger's text: whatever it is, it neither breaks nor slows the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorld, Visitor } from './world.mjs';

const { server, browser } = await openWorld();

async function visit(body) {
    const visitor = await Visitor.open(browser, server.url);
    await (await visitor.ready()).choose('python');
    await body(visitor, visitor.page);
    await visitor.close();
}

test('markup is text', () =>
    visit(async (visitor, page) => {
        const markup = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script></div></main><style>*{display:none}</style>`;
        await visitor.runs(null, `print(${JSON.stringify(markup)})\nimport sys\nprint(${JSON.stringify(markup)}, file=sys.stderr)`);
        assert.equal(await visitor.output(), `${markup}\n${markup}\n`);
        assert.equal(await page.locator('#output img, #output script, #output style').count(), 0);
        assert.match(await page.title(), /^Python/);
        await page.click('#open-history');
        await page.locator('.entry summary').click();
        assert.equal(await page.locator('.entry img, .entry script').count(), 0);
    }));

test('markup in names of files and in messages is text', () =>
    visit(async (visitor, page) => {
        await page.click('#add-file');
        await page.locator('.tab-name').fill('<img src=x onerror=alert(1)>.py');
        await page.keyboard.press('Enter');
        await visitor.runs(null, 'raise Exception("<b>bold</b>")');
        assert.equal(await page.locator('#tabs img, #output b').count(), 0);
    }));

test('sequences for terminals do nothing but colour and edit their line', () =>
    visit(async (visitor, page) => {
        const program = [
            'import sys',
            'w = sys.stdout.write',
            'w("\\x1b]0;owned title\\x07\\x1b]8;;javascript:alert(1)\\x07link\\x1b]8;;\\x07\\n")',
            'w("\\x1b]52;c;b3duZWQ=\\x07clipboard\\n")',
            'w("\\x1b[?1049h\\x1b[2J\\x1b[999;999Hmoved\\x1b[6n\\x1b[c\\n")',
            'w("\\x1b[38;2;1;2;3;4;5;6;7;999999999999mcolour\\x1b[38;5;9999m!\\x1b[0m\\n")',
            'w("10%\\r20%\\r100%\\nabc\\b\\bX\\nlong line\\rshort\\x1b[K\\n")',
            'w("\\x00\\x01\\x7f\\x9b31mred\\x9dtitle\\x9c.\\n")',
            'w("\\x1bPunfinished string\\nseen\\n\\x1b[12345")',
        ].join('\n');
        await visitor.runs(null, program);
        assert.deepEqual((await visitor.output()).split('\n'), [
            'link', 'clipboard', 'moved', 'colour!', '100%', 'aXc', 'short', '␀␁␡red.', '', 'seen', '',
        ]);
        assert.match(await page.title(), /^Python/);
        assert.equal(await page.locator('#output a').count(), 0);
    }));

// What the page is worth while it is flooded: the longest time that it did not answer.
async function longestPause(page, during) {
    await page.evaluate(() => {
        globalThis.longest = 0;
        let last = performance.now();
        globalThis.beat = setInterval(() => {
            const now = performance.now();
            globalThis.longest = Math.max(globalThis.longest, now - last);
            last = now;
        }, 10);
    });
    await during();
    return page.evaluate(() => (clearInterval(globalThis.beat), globalThis.longest));
}

const floods = {
    'a million lines': 'print("\\n".join(str(i) for i in range(140000)))',
    'a line without end': 'print("x" * 1000000, end="")',
    'a colour for each character': 'print("".join(f"\\x1b[3{i % 8}m{i % 10}" for i in range(150000)))',
    'one line over and over': 'print("".join(f"\\r{i:8d}" for i in range(100000)))',
    'sequences that never end': 'print("\\x1b[1;" * 200000)',
    'marks upon marks': 'print("e" + "\\u0301" * 300000)',
    'both directions': 'print("\\u202e\\u2066\\u05d0a" * 60000)',
};

for (const [name, program] of Object.entries(floods)) {
    test(`megabytes: ${name}`, () =>
        visit(async (visitor, page) => {
            const pause = await longestPause(page, () => visitor.runs(null, program));
            // The page shows a bounded part, and is there for its visitor.
            assert.ok((await page.locator('#output .line').count()) < 6000);
            assert.ok((await page.evaluate(() => document.querySelectorAll('#output *').length)) < 60000);
            console.log(`# ${name}: did not answer for ${Math.round(pause)} ms at most`);
            await visitor.runs(null, 'print("and on")');
            assert.equal(await visitor.output(), 'and on\n');
        }));
}

test('what is not shown is there for copying', () =>
    visit(async (visitor, page) => {
        await visitor.runs(null, 'for i in range(20000): print("line", i)');
        assert.match(await page.locator('.older').innerText(), /^15,001 earlier lines are not shown/);
        assert.match(await visitor.output(), /^line 15001\n/);
        const [download] = await Promise.all([page.waitForEvent('download'), page.click('#download')]);
        const chunks = [];
        for await (const chunk of await download.createReadStream()) chunks.push(chunk);
        const whole = Buffer.concat(chunks).toString();
        assert.ok(whole.startsWith('line 0\n') && whole.endsWith('line 19999\n'));
    }));
