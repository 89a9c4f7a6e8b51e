# shellcheck shell=sh
# The compile stage of TypeScript: build.sh SOURCE...
#
# Leaves JavaScript in .glimpse/js and in .glimpse/format what it is: commonjs or module. CommonJS is tried first:
# `require`, __dirname and imports without a file suffix work in it as people expect. A program that only a module may
# be (top-level await, import.meta) is told from that by the compiler itself, and compiled once more.
#
# Types are checked, but not strictly. With a tsconfig.json among the files, its rules hold instead.
set -u
tools=/opt/glimpse/toolchains

compile() { # format SOURCE...
    module=esnext
    [ "$1" = module ] || module=commonjs
    shift
    if [ -f tsconfig.json ]; then
        set -- --project tsconfig.json --noEmit false --declaration false --composite false --incremental false --sourceMap false
    else
        set -- --ignoreConfig --target es2024 --lib esnext --strict false --types node --skipLibCheck \
            --resolveJsonModule --moduleDetection force "$@"
    fi
    "$tools/bin/tsc" "$@" --module "$module" --moduleResolution bundler --esModuleInterop --pretty false \
        --allowImportingTsExtensions --rewriteRelativeImportExtensions --typeRoots "$tools/typescript/node_modules/@types" \
        --rootDir . --outDir .glimpse/js --inlineSourceMap --sourceRoot "$PWD"
}

format=commonjs
if [ -f package.json ] && grep -q '"type"[[:space:]]*:[[:space:]]*"module"' package.json; then
    format=module
fi
mkdir -p .glimpse/js
words=$(compile "$format" "$@")
status=$?
case $format:$words in
commonjs:*'error TS1309:'* | commonjs:*'error TS1343:'* | commonjs:*'error TS1378:'* | commonjs:*'error TS1432:'*)
    format=module
    words=$(compile "$format" "$@")
    status=$?
    ;;
esac
[ -z "$words" ] || printf '%s\n' "$words" >&2
[ "$status" -eq 0 ] || exit 1
echo "$format" >.glimpse/format
