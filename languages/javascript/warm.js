/*
 * Loaded by libzygote.so (src/init/zygote_node.c) in a Node that will be forked into boxes, as with --require: what is before
 * wait() runs in the template, and what is after it right before the program, in a box. A program must not be able
 * to tell: tests/languages/test_warm.py compares it with a fresh Node. Worker threads load this file as well, as they do with --require.
 */
'use strict';

const hide = (name, value) => Object.defineProperty(process, name, { ...Object.getOwnPropertyDescriptor(process, name), value });

delete require.cache[__filename];
hide('_preload_modules', process._preload_modules.filter((name) => !name.endsWith('/warm.js')));
if (!process.chdir.disabled) /* as it is in a worker thread; loading node:worker_threads would leave traces */
    serve();

function serve() {
    const library = { exports: {} };

    process.dlopen(library, '/opt/glimpse/lib/libzygote.so'); /* it is there already, and looks at what nothing has used yet */

    const fs = require('node:fs');
    const Module = require('node:module');
    const net = require('node:net');
    const path = require('node:path');
    const vm = require('node:vm');
    const tourFile = path.join(__dirname, 'tour.js');
    const tour = fs.readFileSync(tourFile, 'utf8');
    const { wait, pipe, turn, reallyExit, emit } = library.exports;

    /* In the template: what programs load. Nothing that changes others by being loaded (domain), or says that it is experimental. */
    for (const name of ['assert', 'async_hooks', 'buffer', 'child_process', 'crypto', 'dns', 'events', 'fs', 'fs/promises', 'http', 'https', 'module', 'net', 'os', 'path',
        'perf_hooks', 'querystring', 'readline', 'readline/promises', 'stream', 'stream/promises', 'string_decoder', 'timers', 'timers/promises', 'tty', 'url', 'util', 'v8',
        'vm', 'zlib'])
        require(`node:${name}`);

    /* Runs the event loop, which Node does not yet. */
    function settle(promise) {
        let done = false, failure = new Error('the tour does not end');

        promise.then(() => { done = true; }, (error) => { failure = error; });
        for (const start = performance.now(); !done && performance.now() < start + 1000;) {
            process._tickCallback();
            turn();
        }
        for (let i = 0; i < 3; i++) {
            process._tickCallback();
            turn();
        }
        if (!done)
            throw failure;
    }

    function rehearse() {
        const [reader, writer] = pipe();
        const output = new net.Socket({ fd: writer, readable: false, writable: true }); /* as process.stdout is, on a pipe */
        const room = Buffer.alloc(1 << 16);
        const module = { exports: {} };
        const write = output.write;

        output._type = 'pipe';
        output.write = function (...args) { /* and a pipe is only so large */
            const result = write.apply(this, args);

            fs.readSync(reader, room);
            return result;
        };
        new vm.Script(Module.wrap(tour).replace('(function (', '(function (output, '), { filename: tourFile })
            .runInThisContext().call(module, output, module.exports, require, module, tourFile, __dirname);
        settle(module.exports);
        output.destroy();
        fs.closeSync(reader);
        settle(Promise.resolve());
    }

    /* Node makes these when they are first used, of the descriptors that there are then, and looks at them to choose colours. */
    const streams = ['stdin', 'stdout', 'stderr'].map((name) => [name, Object.getOwnPropertyDescriptor(process, name)]);

    for (const [name] of streams)
        Object.defineProperty(process, name, { value: { isTTY: false }, configurable: true });
    for (let i = 0; i < 20; i++)
        rehearse();
    vm.runInNewContext('Math.random()'); /* wait() looks whether it found where this comes from */

    const words = wait(rehearse);
    const [main, ...args] = words.slice(1 + process.execArgv.length);

    for (const [name, descriptor] of streams)
        Object.defineProperty(process, name, descriptor);
    process.argv.splice(1, process.argv.length, path.resolve('/box', main), ...args);
    process.chdir('/box'); /* where this process is already; Node remembers another */
    hide('pid', Number(fs.readlinkSync('/proc/self')));
    process.reallyExit = reallyExit;
    Object.defineProperty(Object.getPrototypeOf(process), 'emit', { value: emit, writable: true, configurable: true });
    for (const key of Object.keys(Module._pathCache))
        delete Module._pathCache[key];

    /* What follows calls Module.runMain('/box/main.js'), the name that the template was started with. */
    const plain = Object.getOwnPropertyDescriptor(Module, 'runMain');

    Object.defineProperty(Module, 'runMain', {
        configurable: true,
        get() {
            Object.defineProperty(Module, 'runMain', plain);
            return plain.value.bind(Module, process.argv[1]);
        },
    });
}
