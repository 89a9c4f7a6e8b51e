// /docs: the API's description, and trying it out there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorld, Visitor } from './world.mjs';

const { server, browser } = await openWorld();

test('every operation is shown', async () => {
    const { paths } = await (await fetch(`${server.url}/openapi.json`)).json();
    const wanted = Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ operationId }) => operationId ?? []));
    const visitor = await Visitor.open(browser, server.url, { path: '/docs' });
    await visitor.page.locator('.opblock').nth(wanted.length - 1).waitFor();
    assert.equal(await visitor.page.locator('.opblock').count(), wanted.length);
    await visitor.close();
});

test('a program can be run from there', async () => {
    const visitor = await Visitor.open(browser, server.url, { path: '/docs#/runs/run', colorScheme: 'dark' });
    const run = visitor.page.locator('#operations-runs-run');
    await run.locator('.try-out__btn').click();
    await run.locator('textarea').first().fill(JSON.stringify({ language: 'bash', code: 'echo $((6 * 7))' }));
    await run.locator('button.execute').click();
    await run.locator('.live-responses-table', { hasText: '"stdout": "42\\n"' }).waitFor();
    assert.ok(await visitor.page.evaluate(() => document.documentElement.classList.contains('dark-mode')));
    await visitor.close();
});
