/*
 * Loaded by Node before the program: lets the compiled JavaScript run under the name of its TypeScript source, so that
 * __filename, import.meta, stack traces and files beside it are what the author sees.
 * /box/a/b.ts is loaded from /box/.glimpse/js/a/b.js.
 */
'use strict';
const { existsSync, readFileSync, statSync } = require('node:fs');
const { registerHooks } = require('node:module');
const path = require('node:path');
const { fileURLToPath, pathToFileURL } = require('node:url');

const root = process.cwd();
const compiledRoot = path.join(root, '.glimpse/js');
const format = readFileSync(path.join(root, '.glimpse/format'), 'utf8').trim();
const kinds = {
    '.ts': { suffix: '.js', format },
    '.tsx': { suffix: '.js', format },
    '.mts': { suffix: '.mjs', format: 'module' },
    '.cts': { suffix: '.cjs', format: 'commonjs' },
};

/* What the compiler made of a source: {file, format}, or null where it is none. */
function compiled(source) {
    const suffix = path.extname(source);
    const kind = kinds[suffix];
    const name = path.relative(root, source);

    if (kind === undefined || name.startsWith('..'))
        return null;
    const file = path.join(compiledRoot, name.slice(0, -suffix.length) + kind.suffix);
    return existsSync(file) ? { file, format: kind.format } : null;
}

/* './util', './util.js', './util.ts' and './util/' (index.ts) may all mean a compiled file; its source's path, or null. */
function findSource(wanted) {
    const suffix = path.extname(wanted);
    const stem = /^\.[mc]?js$/.test(suffix) ? wanted.slice(0, -suffix.length) : wanted;
    const names = [wanted];

    if (existsSync(wanted) && statSync(wanted).isFile() && kinds[suffix] === undefined)
        return null; /* a file that is there under this very name, say a .json, wins */
    for (const kind of Object.keys(kinds))
        names.push(stem + kind);
    for (const kind of Object.keys(kinds))
        names.push(path.join(wanted, 'index' + kind));
    return names.find((name) => compiled(name) !== null) ?? null;
}

registerHooks({
    resolve(specifier, context, next) {
        const parent = context.parentURL;

        if (/^\.\.?(\/|$)/.test(specifier) && parent !== undefined && parent.startsWith('file:')) {
            const source = findSource(path.resolve(path.dirname(fileURLToPath(parent)), specifier));

            if (source !== null)
                return { url: pathToFileURL(source).href, format: compiled(source).format, shortCircuit: true };
        }
        return next(specifier, context);
    },
    load(url, context, next) {
        const found = url.startsWith('file:') ? compiled(fileURLToPath(url)) : null;

        if (found === null)
            return next(url, context);
        return { format: found.format, source: readFileSync(found.file), shortCircuit: true };
    },
});
