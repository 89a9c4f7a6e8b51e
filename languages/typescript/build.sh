# shellcheck shell=sh
# The compile stage of TypeScript: build.sh SOURCE...
#
# Leaves JavaScript in .glimpse/js and in .glimpse/format what it is: commonjs or module. CommonJS is tried first:
# `require`, __dirname and imports without a file suffix work in it as people expect. A program that only a module may
# be (top-level await, import.meta) is told from that by the compiler itself, and compiled once more.
#
# Types are taken out by esbuild, which does not check them and takes a tenth of the time. What it does not like, tsc
# judges: its words are the ones that people know. With a tsconfig.json among the files, tsc compiles in the first
# place, by its rules.
set -u
tools=/opt/glimpse/toolchains
check=

# esbuild writes the way from a file that it makes to its source into the source map. From a folder outside of /box, as
# which .glimpse/js is given here, it goes by the root, which then stands before it (--source-root). So it holds in the run
# stage as well, where run.cjs gives the files another place.
strip() { # format SOURCE...
    module=esm
    [ "$1" = module ] || module=cjs
    shift
    "$tools/bin/esbuild" "$@" --format="$module" --platform=node --target=es2024 --outbase=. --outdir=/proc/self/cwd/.glimpse/js \
        --sourcemap=inline --source-root=/ --sources-content=false --log-level=warning --color=false \
        --tsconfig-raw='{"compilerOptions":{"alwaysStrict":true}}' 2>&1
}

compile() { # format SOURCE...
    module=esnext
    [ "$1" = module ] || module=commonjs
    shift
    # shellcheck disable=SC2086 # one option or none
    if [ -f tsconfig.json ]; then
        set -- --project tsconfig.json --noEmit false --declaration false --composite false --incremental false --sourceMap false
    else
        set -- --ignoreConfig --target es2024 --lib esnext --strict false --types node --skipLibCheck \
            --resolveJsonModule --moduleDetection force $check "$@"
    fi
    "$tools/bin/tsc" "$@" --module "$module" --moduleResolution bundler --esModuleInterop --pretty false \
        --allowImportingTsExtensions --rewriteRelativeImportExtensions --typeRoots "$tools/typescript/node_modules/@types" \
        --rootDir . --outDir .glimpse/js --inlineSourceMap --sourceRoot "$PWD"
}

# What tsc alone does: check types, and name what it makes of .mts and .cts after them.
is_for_tsc() { # SOURCE...
    [ ! -f tsconfig.json ] || return 0
    for source in "$@"; do
        case $source in
        *.mts | *.cts | *.d.ts)
            check=--noCheck
            return 0
            ;;
        esac
    done
    return 1
}

# strip or compile, in this format or, where only that will do, as a module.
run() { # WHAT SOURCE...
    what=$1
    shift
    words=$("$what" "$format" "$@")
    status=$?
    case $format:$words in
    commonjs:*'Top-level await is currently not supported'* | commonjs:*'"import.meta" is not available'* | \
        commonjs:*'error TS1309:'* | commonjs:*'error TS1343:'* | commonjs:*'error TS1378:'* | commonjs:*'error TS1432:'*)
        format=module
        words=$("$what" "$format" "$@")
        status=$?
        ;;
    esac
    return "$status"
}

first=commonjs
if [ -f package.json ] && grep -q '"type"[[:space:]]*:[[:space:]]*"module"' package.json; then
    first=module
fi
format=$first
if is_for_tsc "$@" || ! run strip "$@"; then
    format=$first
    mkdir -p .glimpse/js
    run compile "$@"
    status=$?
    [ -z "$words" ] || printf '%s\n' "$words" >&2
    [ "$status" -eq 0 ] || exit 1
fi
echo "$format" >.glimpse/format
