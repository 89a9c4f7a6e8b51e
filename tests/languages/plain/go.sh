# The plain commands that languages/go/build.go must be like: go.sh MAIN
#
# With a go.mod among the files the package that MAIN is in is built, and may import the others. Without one, the
# files beside MAIN are the program.
set -u
export GOCACHE=/opt/glimpse/toolchains/golang/cache

folder=$(dirname "$1")
if [ -f go.mod ]; then
    set -- "./$folder"
else
    main=$1
    set --
    for file in "$folder"/*.go; do
        case $file in
        *_test.go | "$folder/*.go") ;;
        ./*) set -- "$@" "${file#./}" ;;
        *) set -- "$@" "$file" ;;
        esac
    done
    [ $# -gt 0 ] || set -- "$main"
fi
go build -ldflags='-s -w' -o .glimpse/main "$@" || exit
if [ ! -x .glimpse/main ]; then
    echo "package $(go list "$@") is not a main package" >&2
    exit 1
fi
