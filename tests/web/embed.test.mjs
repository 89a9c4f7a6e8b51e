// Programs in somebody else's page: docs/embed.md, on another origin.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openWorld, root } from './world.mjs';

const { server, browser } = await openWorld();
const pages = new Map(); // path: [policy, HTML]
let host;

before(async () => {
    host = createServer((request, response) => {
        const [policy, html] = pages.get(request.url) ?? [null, ''];
        response.setHeader('Content-Type', 'text/html; charset=utf-8');
        if (policy !== null) response.setHeader('Content-Security-Policy', policy);
        response.end(html);
    }).listen(0, '127.0.0.1');
    await once(host, 'listening');
});

after(() => {
    host?.close();
    host?.closeAllConnections();
});

const [script, bare] = Array.from(readFileSync(join(root, 'docs/embed.md'), 'utf8').matchAll(/```html\n(.*?)```/gs), ([, html]) => html);

// The page at this path of the other origin, and what went wrong in it.
async function open(path, html, policy = null) {
    pages.set(path, [policy, html.replaceAll('http://127.0.0.1:2358', server.url)]);
    const context = await browser.newContext();
    const page = await context.newPage();
    const wrong = [];
    page.on('pageerror', (error) => wrong.push(error.message));
    page.on('console', (message) => message.type() === 'error' && !/favicon/.test(message.location().url) && wrong.push(message.text()));
    await page.goto(`http://localhost:${host.address().port}${path}`);
    return { context, page, wrong, frame: page.frameLocator('iframe') };
}

test('the page of docs/embed.md runs', async () => {
    const { context, page, wrong, frame } = await open('/lesson', script);
    await frame.locator('#run:enabled').waitFor();
    assert.equal(await frame.locator('.cm-content').innerText(), 'for i in range(3):\n    print(i)\n\n'); // and the empty line at the end
    const before = await page.locator('glimpse-run').boundingBox();
    await frame.locator('#run').click();
    await frame.locator('#verdict[data-tone=good]').waitFor();
    assert.deepEqual(await frame.locator('#output .line').allTextContents(), ['0', '1', '2', '']);
    await page.waitForFunction((height) => document.querySelector('glimpse-run').getBoundingClientRect().height > height, before.height);
    const heights = async () => [(await page.locator('glimpse-run').boundingBox()).height, (await frame.locator('.frame-work').boundingBox()).height];
    let [outside, inside] = await heights();
    for (let i = 0; i < 50 && Math.abs(outside - inside) > 4; i++) {
        await page.waitForTimeout(100);
        [outside, inside] = await heights();
    }
    assert.ok(Math.abs(outside - inside) <= 4, `the frame is ${outside} high, and what is in it ${inside}`);
    const [opened] = await Promise.all([context.waitForEvent('page'), frame.locator('#open').click()]);
    await opened.locator('#run:enabled').waitFor();
    assert.match(await opened.locator('.cm-content').innerText(), /for i in range\(3\)/);
    assert.equal(new URL(opened.url()).hash, '');
    await context.close();
    assert.deepEqual(wrong, []);
});

test('under a strict policy of the page around it', async () => {
    const { context, wrong, frame } = await open('/strict', script, `default-src 'none'; script-src ${server.url}; frame-src ${server.url}`);
    await frame.locator('#run:enabled').click();
    await frame.locator('#verdict[data-tone=good]').waitFor();
    await context.close();
    assert.deepEqual(wrong, []);
});

test('a frame without a script', async () => {
    const { context, wrong, frame } = await open('/bare', bare);
    await frame.locator('#run:enabled').click();
    await frame.locator('#verdict[data-tone=good]').waitFor();
    assert.equal(await frame.locator('#output .line').first().textContent(), '42');
    await context.close();
    assert.deepEqual(wrong, []);
});

test('markup in the program stays text, and several frames keep apart', async () => {
    const program = '<img src=x onerror="top.document.title=1">';
    const html = `<glimpse-run language="bash" name="a.sh">echo '${program.replaceAll('<', '&lt;')}'</glimpse-run>
        <glimpse-run language="nothing">x</glimpse-run><glimpse-run language="py" stdin="typed" args="a 'b c'">
            import sys
            print(sys.argv[1:], input())
        </glimpse-run><script src="${server.url}/embed.js"></script><script src="${server.url}/embed.js"></script>`;
    const { context, page, wrong } = await open('/several', html);
    const frame = (n) => page.frameLocator(`glimpse-run:nth-of-type(${n}) iframe`);
    await frame(1).locator('#run:enabled').click();
    await frame(1).locator('#verdict[data-tone=good]').waitFor();
    assert.equal(await frame(1).locator('#output .line').first().textContent(), program);
    await frame(2).locator('.frame-message', { hasText: 'language is not there' }).waitFor();
    await frame(3).locator('#run:enabled').click();
    await frame(3).locator('#verdict[data-tone=good]').waitFor();
    assert.equal(await frame(3).locator('#output .line').first().textContent(), "['a', 'b c'] typed");
    await context.close();
    assert.deepEqual(wrong, []);
});

test('the playground itself is framed by nobody', async () => {
    const { context, page } = await open('/framed', `<iframe src="${server.url}/"></iframe>`);
    await page.waitForTimeout(1000);
    assert.equal(await page.frameLocator('iframe').locator('#run').count(), 0);
    await context.close();
});
