// A link to a program: made here, opened by somebody else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorld, Visitor } from './world.mjs';

const { server, browser } = await openWorld();

// The path of a new link to what is in the editor.
async function share(page) {
    await page.click('#share');
    await page.getByRole('button', { name: 'Make a link' }).click();
    const link = await page.getByLabel('Link', { exact: true }).inputValue();
    await page.keyboard.press('Escape');
    return new URL(link).pathname;
}

test('what is shared opens in a fresh profile, and is read before it is run', async () => {
    const author = await (await Visitor.open(browser, server.url)).ready();
    await author.choose('ruby');
    await author.write('puts ARGV.inspect, STDIN.gets\n');
    await author.page.click('#input summary');
    await author.page.fill('#args', `one 'two words' it\\'s`);
    await author.page.fill('#stdin', 'typed');
    await author.page.click('#add-file');
    await author.page.keyboard.type('second');
    await author.page.keyboard.press('Enter');
    await author.write('# <b>here</b>\n');
    const path = await share(author.page);
    assert.match(path, /^\/s\/[\w-]{16}$/);

    const reader = await (await Visitor.open(browser, server.url, { path })).ready();
    const { page } = reader;
    assert.match(await page.locator('#shared').innerText(), /A shared program.*Read it before you run it/);
    assert.equal(await page.locator('#language').inputValue(), 'ruby');
    assert.deepEqual(await page.getByRole('tab').allInnerTexts(), ['main.rb', 'second.rb']);
    assert.match(await page.locator('.cm-content').innerText(), /puts ARGV.inspect, STDIN.gets/);
    assert.equal(await page.locator('#verdict').isVisible(), false); // nothing runs by itself
    assert.equal(await page.locator('#shared button').count(), 0); // and it is not the reader's to delete
    await reader.run();
    assert.equal(await reader.output(), `["one", "two words", "it's"]\ntyped\n`);
    assert.deepEqual(await reader.axe(), []);

    // The reader's changes stay, and take no draft's place.
    await reader.write('puts "mine"\n');
    await page.reload();
    await reader.ready();
    assert.match(await page.locator('.cm-content').innerText(), /puts "mine"/);
    await page.goto(server.url);
    await reader.ready();
    await reader.choose('ruby');
    assert.doesNotMatch(await page.locator('.cm-content').innerText(), /mine|ARGV/);
    await reader.close();

    // The author takes it back.
    await author.page.goto(server.url + path);
    await author.ready();
    await author.page.locator('#shared button').click();
    await author.page.locator('#shared', { hasText: 'It is deleted' }).waitFor();
    await author.close();
    const late = await (await Visitor.open(browser, server.url, { path, mayFail: true })).ready();
    assert.match(await late.page.locator('#notice').innerText(), /has expired, or its author has deleted it/);
    assert.equal(new URL(late.page.url()).pathname, '/');
    await late.close();
});

test('what was shared is listed, and deleted from there', async () => {
    const author = await (await Visitor.open(browser, server.url)).ready();
    await author.runs('python', 'print("first")');
    const path = await share(author.page);
    await author.write('print("second")');
    await share(author.page);
    await author.page.click('#share');
    assert.deepEqual(await author.page.locator('.shared-list a').allInnerTexts(), ['print("second")', 'print("first")']);
    assert.deepEqual(await author.axe(), []);
    await author.page.locator('.shared-list li', { hasText: 'first' }).getByRole('button').click();
    await author.page.locator('.shared-list li', { hasText: 'first' }).waitFor({ state: 'detached' });
    assert.equal((await fetch(`${server.url}/v1/snippets/${path.split('/')[2]}`)).status, 404);
    await author.close();
});

test('a link that leads nowhere, and one to markup', async () => {
    const lost = await (await Visitor.open(browser, server.url, { path: '/s/AAAAAAAAAAAAAAAA', mayFail: true })).ready();
    assert.match(await lost.page.locator('#notice').innerText(), /not there/);
    await lost.run(); // the page is of use all the same
    await lost.close();
    const evil = '<img src=x onerror="document.title=1">';
    const kept = await fetch(`${server.url}/v1/snippets`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ language: 'bash', files: [{ name: `${evil}.sh`, content: `echo '${evil}'` }], stdin: evil, args: [evil] }),
    });
    const { page: path } = await kept.json();
    const reader = await (await Visitor.open(browser, server.url, { path })).ready();
    await reader.run();
    assert.equal(await reader.output(), `${evil}\n`);
    assert.equal(await reader.page.locator('main img').count(), 0);
    await reader.close();
});

test('what is too large is said to be so', async () => {
    const author = await (await Visitor.open(browser, server.url, { mayFail: true })).ready();
    await author.write(`#${'x'.repeat(300000)}`);
    await author.page.click('#share');
    await author.page.getByRole('button', { name: 'Make a link' }).click();
    assert.match(await author.page.locator('.failure').innerText(), /262144 bytes/);
    await author.close();
});
