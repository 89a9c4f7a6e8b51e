# shellcheck shell=sh
# The compile stage of Go: build.sh MAIN
#
# With a go.mod among the files the package that MAIN is in is built, and may import the others. Without one, the
# files beside MAIN are the program.
set -u
cache=/opt/glimpse/toolchains/go/cache

# Holds the standard library, compiled; go never minds that it can't write there.
[ ! -d "$cache" ] || export GOCACHE="$cache"

folder=$(dirname "$1")
if [ -f go.mod ]; then
    set -- "./$folder"
else
    set --
    for file in "$folder"/*.go; do
        case $file in
        *_test.go) ;;
        ./*) set -- "$@" "${file#./}" ;;
        *) set -- "$@" "$file" ;;
        esac
    done
fi
# No symbol table: panics print file and line without it, and linking takes half the time.
exec go build -ldflags='-s -w' -o .glimpse/main "$@"
