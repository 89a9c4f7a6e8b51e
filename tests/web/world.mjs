// A Glimpse and a Chromium of the tests' own: `glimpse serve` on a free port with a data folder that goes away, and pages that
// fail their test where anything goes wrong that a visitor would not see: script errors, what the Content-Security-Policy
// stopped, requests to other hosts.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';

export const root = resolve(import.meta.dirname, '../..');
const require = createRequire(join(root, 'web/'));
const { chromium } = require('playwright-core');

export const build = resolve(process.env.GLIMPSE_BUILD ?? join(root, 'build'));
const startMs = 120_000;
const stopMs = 60_000;

export const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export class Server {
    // config: lines of a configuration file, as an object. No JVMs are started ahead: that takes each server seconds of both CPUs.
    constructor(config = {}) {
        this.folder = mkdtempSync(join(tmpdir(), 'glimpse-web-'));
        chmodSync(this.folder, 0o755); // glimpsed is another user
        this.config = join(this.folder, 'glimpse.ini');
        this.listen = '127.0.0.1:0';
        writeFileSync(this.config, Object.entries({ warm_costly: 'never', ...config }).map(([name, value]) => `${name} = ${value}\n`).join(''));
    }

    // Again after stop(): on the same port.
    async start() {
        const log = openSync(join(this.folder, 'log'), 'a');
        const words = ['serve', '--listen', this.listen, '--data', join(this.folder, 'data'), '--config', this.config];
        this.process = spawn(join(build, 'glimpse'), words, { stdio: ['ignore', 'pipe', log] });
        process.once('exit', () => this.process.kill('SIGTERM')); // a test that ends without after()
        const lines = createInterface({ input: this.process.stdout });
        for await (const line of lines) {
            this.url = /listening on (http:\S+)/.exec(line)?.[1];
            if (this.url !== undefined) break;
        }
        assert.ok(this.url, `the server did not start:\n${readFileSync(join(this.folder, 'log'), 'utf8')}`);
        this.listen = new URL(this.url).host;
        const deadline = Date.now() + startMs;
        while (!(await this.isReady())) {
            assert.ok(Date.now() < deadline, 'the server is not ready');
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return this;
    }

    async isReady() {
        try {
            return (await fetch(`${this.url}/readyz`)).ok;
        } catch {
            return false;
        }
    }

    async stop() {
        if (this.process.exitCode !== null) return;
        const ended = once(this.process, 'exit');
        this.process.kill('SIGTERM');
        const timer = setTimeout(() => this.process.kill('SIGKILL'), stopMs);
        await ended;
        clearTimeout(timer);
    }

    async close() {
        await this.stop();
        rmSync(this.folder, { recursive: true, force: true });
    }
}

// One at a time: a machine that runs sandboxes has better things to do than browsers.
export async function openBrowser() {
    return chromium.launch({
        executablePath: process.env.GLIMPSE_CHROMIUM ?? '/usr/bin/chromium',
        args: [...(process.getuid() === 0 ? ['--no-sandbox'] : []), '--disable-gpu', '--disable-dev-shm-usage'],
    });
}

// A server and a browser for all tests of a file, gone with them.
export async function openWorld(config) {
    const opened = {};
    after(async () => {
        await opened.browser?.close();
        await opened.server?.close();
    });
    opened.server = await new Server(config).start();
    opened.browser = await openBrowser();
    return opened;
}

// A visitor with a profile of its own, on the page of this server. options: as browser.newContext() takes them, and `path`; `mayFail`
// where the server is taken away, or answers are made up.
export class Visitor {
    static async open(browser, url, { path = '/', mayFail = false, ...options } = {}) {
        const visitor = new Visitor();
        visitor.url = url;
        visitor.context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
        visitor.page = await visitor.context.newPage();
        visitor.wrong = [];
        visitor.mayFail = mayFail;
        await visitor.watch();
        await visitor.page.goto(url + path);
        return visitor;
    }

    async watch() {
        const { page, wrong, url } = this;
        page.setDefaultTimeout(30_000);
        page.on('pageerror', (error) => wrong.push(`script: ${error.message}`));
        page.on('console', (message) => {
            if (message.type() === 'error' && !(this.mayFail && /Failed to load resource/.test(message.text()))) wrong.push(`console: ${message.text()}`);
        });
        page.on('request', (request) => {
            if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) wrong.push(`foreign: ${request.url()}`);
        });
    }

    // Until a program can be run.
    async ready() {
        await this.page.locator('#run:enabled').waitFor();
        return this;
    }

    async choose(language) {
        await this.page.selectOption('#language', language);
    }

    // In the place of what is in the editor. Pasted, since typing would have brackets closed and lines indented.
    async write(text) {
        const { page } = this;
        await page.locator('.cm-content').focus();
        await page.keyboard.press('Control+A');
        await page.keyboard.press('Delete');
        await page.locator('.cm-content').evaluate((element, pasted) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData('text/plain', pasted);
            element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
        }, text);
    }

    async run(tone = 'good') {
        await this.page.click('#run');
        await this.ended(tone);
    }

    // The run is over, and went like this.
    async ended(tone) {
        await this.page.locator('#run:not(.stops)').waitFor();
        assert.equal(await this.page.locator('#verdict').getAttribute('data-tone'), tone, await this.verdict());
    }

    async runs(language, text, tone = 'good') {
        if (language !== null) await this.choose(language);
        await this.write(text);
        await this.run(tone);
    }

    verdict() {
        return this.page.locator('#verdict').innerText();
    }

    output() {
        return this.page.evaluate(() => Array.from(document.querySelectorAll('#output .line'), (line) => line.textContent).join('\n'));
    }

    async axe() {
        const { page } = this;
        // The page's policy lets no script in; the browser's own door does.
        await page.evaluate(axeSource);
        const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
        return result.violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`);
    }

    // Where nothing went wrong behind the scenes.
    async close() {
        await this.context.close();
        assert.deepEqual(this.wrong, []);
    }
}
