// Makes the pictures of docs/playground.md: node tests/web/pictures.mjs. Not a test: somebody has to look at them.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openBrowser, root, Server, Visitor } from './world.mjs';

const folder = join(root, 'docs/pictures');
const primes = `import sys

limit = 50
sieve = [True] * (limit + 1)
for n in range(2, limit + 1):
    if sieve[n]:
        print(n, end=" ")
        for multiple in range(n * n, limit + 1, n):
            sieve[multiple] = False
print()
print("\\x1b[32m15 primes\\x1b[0m below", limit, flush=True)
print("a word on stderr", file=sys.stderr)
`;
const broken = `#include <stdio.h>

int main(void)
{
    int sum = 0;

    for (int i = 1; i <= 10; i++)
        sum += i;
    printf("the sum is %d\\n", total);
    return 0;
}
`;
const game = `import random

number = random.randint(1, 100)
tries = 0
while True:
    guess = int(input("\\x1b[1mYour guess?\\x1b[0m "))
    tries += 1
    if guess == number:
        break
    print("\\x1b[33mtoo", "low" if guess < number else "high", "\\x1b[0m")
print("\\x1b[32mRight, after", tries, "tries.\\x1b[0m")
`;

async function picture(browser, server, name, options, body) {
    const visitor = await (await Visitor.open(browser, server.url, options)).ready();
    await body(visitor, visitor.page);
    await visitor.page.screenshot({ path: join(folder, `${name}.png`), caret: 'initial' }); // hiding it takes an inline style
    await visitor.close();
}

mkdirSync(folder, { recursive: true });
const server = await new Server().start();
const browser = await openBrowser();
const desk = { viewport: { width: 1200, height: 640 } };
const phone = { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true };
await picture(browser, server, 'light', { ...desk, colorScheme: 'light' }, (visitor) => visitor.runs('python', primes));
await picture(browser, server, 'dark', { ...desk, colorScheme: 'dark' }, async (visitor, page) => {
    await visitor.runs('c', broken, 'bad');
    await page.locator('#output .place').first().click();
});
await picture(browser, server, 'phone', { ...phone, colorScheme: 'light' }, (visitor) => visitor.runs('python', primes));
await picture(browser, server, 'phone-dark', { ...phone, colorScheme: 'dark' }, (visitor) => visitor.runs('c', broken, 'bad'));
await picture(browser, server, 'terminal', { ...desk, colorScheme: 'dark' }, async (visitor, page) => {
    await page.click('#terminal-mode');
    await page.locator('.xterm-rows').waitFor();
    await visitor.choose('python');
    await visitor.write(game);
    await page.click('#run');
    for (const guess of ['50', '25', '75']) {
        await page.locator('.xterm-rows', { hasText: 'Your guess?' }).waitFor();
        await page.keyboard.type(`${guess}\n`, { delay: 60 });
        await page.waitForTimeout(300);
    }
});
await picture(browser, server, 'share', { ...desk, colorScheme: 'light' }, async (visitor, page) => {
    await visitor.runs('python', primes);
    await page.click('#share');
    await page.getByRole('button', { name: 'Make a link' }).click();
    await page.getByLabel('Link', { exact: true }).waitFor();
});
await browser.close();
await server.close();
