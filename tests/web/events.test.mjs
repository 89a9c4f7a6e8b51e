// A submission followed by a browser's own EventSource: GET /v1/submissions/{id}/events.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openWorld, Visitor } from './world.mjs';

const { server, browser } = await openWorld();

async function submit(code) {
    const answer = await fetch(`${server.url}/v1/submissions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ language: 'python', code }),
    });
    assert.equal(answer.status, 202);
    return (await answer.json()).id;
}

// In a page: what an EventSource that is left to itself is told until it has given up, and how often it was open.
const follow = (id) =>
    new Promise((resolve) => {
        const source = new EventSource(`/v1/submissions/${id}/events`);
        const told = { opened: 0, events: [] };
        source.onopen = () => told.opened++;
        for (const type of ['stage', 'stdout', 'stderr', 'restarted', 'skipped', 'result']) {
            source.addEventListener(type, (event) => told.events.push({ id: event.lastEventId, ...JSON.parse(event.data) }));
        }
        source.onerror = () => source.readyState === EventSource.CLOSED && resolve(told);
    });

test('an EventSource hears all of it once, and stops by itself after the result', async () => {
    const visitor = await Visitor.open(browser, server.url, { mayFail: true });
    const answers = [];
    visitor.page.on('response', (response) => response.url().endsWith('/events') && answers.push(response.status()));
    const id = await submit('import time\nfor i in range(3):\n  print(i, flush=True)\n  time.sleep(0.5)');
    const told = await visitor.page.evaluate(follow, id);
    assert.deepEqual(told.events[0], { id: '1.1.0.0', type: 'stage', stage: 'run' });
    const output = told.events.filter(({ type }) => type === 'stdout').map(({ data }) => data);
    assert.equal(output.join(''), '0\n1\n2\n');
    assert.equal(told.events.filter(({ type }) => type === 'result').length, 1);
    const result = told.events.at(-1);
    assert.deepEqual([result.type, result.status, result.stages.run.stdout], ['result', 'ok', '0\n1\n2\n']);
    assert.equal(told.opened, 1);
    assert.deepEqual(answers, [200, 204]);
    await visitor.close();
});
