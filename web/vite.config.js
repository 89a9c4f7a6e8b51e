// How the page is built: hashed files below assets/, each beside a gzip of itself, which glimpsed reads at its start.
import { readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { defineConfig } from 'vite';

// The theme must be known before the first paint, and modules run after it: a small classic script in <head>.
function themeFirst() {
    const name = 'theme-first.js';
    return {
        name: 'theme-first',
        apply: 'build',
        buildStart() {
            this.emitFile({ type: 'asset', name, source: readFileSync(new URL(`src/${name}`, import.meta.url), 'utf8') });
        },
        transformIndexHtml: {
            order: 'post',
            handler(html, { bundle }) {
                const file = Object.values(bundle).find((one) => one.names?.includes(name));
                return html.replace('<!-- theme-first -->', `<script src="/${file.fileName}"></script>`);
            },
        },
    };
}

// Packed once, as well as can be, rather than at each request.
function packed() {
    let folder;
    return {
        name: 'packed',
        apply: 'build',
        configResolved(config) {
            folder = config.build.outDir;
        },
        async closeBundle() {
            for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
                if (!entry.isFile() || !/\.(html|js|css|svg)$/.test(entry.name)) continue;
                const path = join(entry.parentPath, entry.name);
                const plain = await readFile(path);
                const small = gzipSync(plain, { level: 9 });
                if (small.length < plain.length) await writeFile(`${path}.gz`, small);
            }
        },
    };
}

export default defineConfig({
    plugins: [themeFirst(), packed()],
    build: {
        target: 'es2022',
        outDir: process.env.GLIMPSE_WEB_OUT ?? 'dist',
        emptyOutDir: true,
        assetsInlineLimit: 0, // the Content-Security-Policy has no place for data in scripts and styles
        modulePreload: { polyfill: false },
        manifest: true, // tests/web adds up from it what the first load costs
        reportCompressedSize: false,
        rolldownOptions: {
            input: { index: 'index.html', embed: 'embed.html', docs: 'docs.html', 'embed.js': 'src/embed_element.ts' },
            // The one script whose address other people's pages have.
            output: { entryFileNames: ({ name }) => (name === 'embed.js' ? 'embed.js' : 'assets/[name]-[hash].js') },
        },
    },
});
