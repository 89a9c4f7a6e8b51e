// A server that is busy, strict, away, or that never had the page built: the visitor understands, and loses nothing.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { build, openWorld, root, Server, Visitor } from './world.mjs';

const { server, browser } = await openWorld({ max_running: 1, max_queued: 0 });

async function visit(options, body) {
    const visitor = await Visitor.open(browser, server.url, options);
    await (await visitor.ready()).choose('bash');
    await body(visitor, visitor.page);
    await visitor.close();
}

test('a full server is waited for', () =>
    visit({ mayFail: true }, async (visitor, page) => {
        const stop = new AbortController();
        const other = fetch(`${server.url}/v1/run`, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ language: 'bash', code: 'sleep 20' }),
            signal: stop.signal,
        }).catch(() => {});
        await new Promise((resolve) => setTimeout(resolve, 500)); // it has the only place
        await visitor.write('echo mine');
        await page.click('#run');
        await page.locator('#verdict', { hasText: 'The server is busy: trying again in' }).waitFor();
        stop.abort();
        await other;
        await visitor.ended('good');
        assert.equal(await visitor.output(), 'mine\n');
    }));

test('waiting for a place can be stopped', () =>
    visit({ mayFail: true }, async (visitor, page) => {
        await page.route('**/v1/run', (route) =>
            route.fulfill({ status: 429, headers: { 'Retry-After': '30' }, contentType: 'application/problem+json', body: '{"status":429,"detail":"slow down"}' }),
        );
        await page.click('#run');
        await page.locator('#verdict', { hasText: /That was a lot at a time: trying again in \d+ s/ }).waitFor();
        await page.keyboard.press('Escape');
        await visitor.ended('neutral');
        assert.match(await visitor.verdict(), /Stopped/);
    }));

test('a request that is refused says why', () =>
    visit({ mayFail: true }, async (visitor, page) => {
        await visitor.write('echo');
        await page.click('#input summary');
        await page.fill('#args', 'x '.repeat(300));
        await visitor.run('bad');
        assert.match(await visitor.verdict(), /Not accepted/);
        assert.match(await visitor.verdict(), /256/);
    }));

test('a server that goes away and comes back', () =>
    visit({ mayFail: true }, async (visitor, page) => {
        await visitor.runs(null, 'echo before');
        await server.stop();
        await visitor.write('echo after');
        await visitor.run('bad');
        assert.match(await visitor.verdict(), /No answer.*safe here/s);
        await page.locator('#notice', { hasText: "can't be reached" }).waitFor();
        await server.start();
        await page.locator('#notice').waitFor({ state: 'hidden' });
        await visitor.run();
        assert.equal(await visitor.output(), 'after\n');
    }));

test('a server that goes away during a run', () =>
    visit({ mayFail: true }, async (visitor, page) => {
        await visitor.write('echo begun; sleep 25');
        await page.click('#run');
        await page.locator('#run.stops').waitFor();
        await new Promise((resolve) => setTimeout(resolve, 500));
        server.process.kill('SIGTERM');
        await new Promise((resolve) => setTimeout(resolve, 300));
        server.process.kill('SIGTERM'); // it shall not wait for the run
        await visitor.ended('bad').catch(async (error) => assert.match(await visitor.verdict(), /Cancelled|busy/, error));
        await server.stop();
        await server.start();
    }));

test('a server that wants a key gets it', async () => {
    const closed = await new Server({ require_key: 'yes' }).start();
    const added = spawnSync(join(build, 'glimpse'), ['key', 'add', '--data', join(closed.folder, 'data'), '--name', 'page'], { encoding: 'utf8' });
    const key = /^glk_\w+$/m.exec(added.stdout)?.[0];
    assert.ok(key, added.stdout + added.stderr);
    const headers = { 'X-API-Key': key, 'Content-Type': 'application/json' };
    let status = 401;
    for (let i = 0; i < 100 && status === 401; i++) { // it is noticed within a second or two
        await new Promise((resolve) => setTimeout(resolve, 200));
        ({ status } = await fetch(`${closed.url}/v1/run`, { method: 'POST', headers, body: '{}' }));
    }
    assert.equal(status, 422);
    const visitor = await (await Visitor.open(browser, closed.url, { mayFail: true })).ready();
    await visitor.page.click('#run');
    await visitor.page.getByLabel('Key', { exact: true }).fill('wrong');
    await visitor.page.keyboard.press('Enter');
    await visitor.page.getByLabel('Key', { exact: true }).fill(key); // it asks again
    await visitor.page.keyboard.press('Enter');
    await visitor.ended('good');
    await visitor.page.reload();
    await visitor.ready();
    await visitor.run();
    await visitor.close();
    await closed.close();
});

test('the first load is under 300 KB, and what is kept is not asked for again', async () => {
    const manifest = JSON.parse(readFileSync(join(root, 'web/dist/.vite/manifest.json'), 'utf8'));
    const files = new Set(['index.html', 'icon.svg']);
    const add = (name) => {
        const { file, css = [], imports = [] } = manifest[name];
        for (const one of [file, ...css]) files.add(one);
        imports.forEach(add);
    };
    add('index.html');
    let bytes = 0;
    for (const file of files) bytes += statSync(join(root, 'web/dist', `${file}.gz`)).size;
    console.log(`# the first load: ${bytes} bytes, gzipped, in ${files.size} files`);
    assert.ok(bytes < 300_000);

    const context = await browser.newContext();
    const page = await context.newPage();
    const network = await context.newCDPSession(page);
    let received = 0;
    await network.send('Network.enable');
    network.on('Network.loadingFinished', ({ encodedDataLength }) => (received += encodedDataLength));
    const loaded = async () => {
        await page.locator('#run:enabled').waitFor();
        await page.locator('.cm-line span').first().waitFor(); // the language's pack has come
    };
    await page.goto(server.url);
    await loaded();
    const [paint, interactive] = await page.evaluate(() => [
        performance.getEntriesByName('first-contentful-paint')[0]?.startTime,
        performance.getEntriesByType('navigation')[0]?.domInteractive,
    ]);
    console.log(`# over the wire: ${received} bytes; first paint after ${Math.round(paint)} ms, interactive after ${Math.round(interactive)} ms`);
    assert.ok(received < 350_000); // with the language's pack, the list of languages, headers
    const first = received;
    received = 0;
    await page.reload();
    await loaded();
    console.log(`# the second time: ${received} bytes`);
    assert.ok(received < first / 4);
    await context.close();
});
