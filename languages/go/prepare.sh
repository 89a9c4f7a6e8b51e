#!/usr/bin/env bash
#
# Asks `go build` what it would tell the compiler and the linker: prepare.sh FOLDER. For script/toolchains; GOCACHE is the folder's.
# Leaves in FOLDER what build.go reads: tools, importable, importcfg, importcfg.link. Nothing where go's words are not as expected:
# then build.go leaves all to `go build`.
set -euo pipefail

folder=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
printf 'package main\n\nfunc main() {}\n' >main.go
go build -x -ldflags='-s -w' -o out main.go >/dev/null 2>steps

# tool_line NAME: its path, and the flags that do not depend on the program. Names of files and ids are build.go's.
tool_line() {
    sed -nE "s,^([^ ]*/$1) (.*),\1 \2,p" steps | head -n 1 |
        sed -E 's, -(o|trimpath|buildid|importcfg) ("[^"]*"|[^ ]*),,g; s, -buildid=[^ ]*,,g; s, -c=[0-9]+,,g; s, (\./main\.go|[^ ]*/_pkg_\.a)\b,,g; s, +$,,'
}
compile=$(tool_line compile)
link=$(tool_line link)
modinfo=$(sed -n '/^modinfo /p' steps)
if [ -z "$compile" ] || [ -z "$link" ] || grep -q '[$"'\''\\]' <<<"$compile$link"; then
    printf 'go build -x says what is not understood; programs are left to go build:\n' >&2
    cat steps >&2
    exit 0
fi
# As boxes see them: the folder is elsewhere there.
go list -export -f '{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}' std |
    sed "s|=$folder/|=/opt/glimpse/toolchains/golang/|" >"$folder/importcfg"
# cgo is off; embed wants the files' names; the others are not for programs.
sed -E 's/^packagefile ([^=]*)=.*/\1/' "$folder/importcfg" |
    grep -vE '(^|/)(internal|vendor)(/|$)|^(C|embed|plugin|runtime/cgo|runtime/race|runtime/msan|runtime/asan)$' >"$folder/importable"
{ cat "$folder/importcfg" && printf '%s\n' "$modinfo"; } >"$folder/importcfg.link"
printf '%s\n%s\n' "$compile" "$link" >"$folder/tools"
