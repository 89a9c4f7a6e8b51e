#!/usr/bin/env bash
#
# Asks gcc and g++ what they do, and precompiles headers: prepare.sh FOLDER KIND INI. For script/toolchains.
# Leaves FOLDER/KIND/steps, which build.c reads, for the command in [compile] of the language file INI. Nothing where gcc's words are
# not as expected: then build.c leaves all to gcc.
set -euo pipefail
export LC_ALL=C.UTF-8
unset LIBRARY_PATH COMPILER_PATH CPATH C_INCLUDE_PATH CPLUS_INCLUDE_PATH GCC_EXEC_PREFIX

folder=$1/$2 kind=$2 ini=$3
seen=/opt/glimpse/toolchains/gcc/$kind # as boxes see the folder
mkdir -p "$folder"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

command=$(sed -nE '/^\[compile\]/,/^\[run\]/s,^command = [^ ]*/build [a-z]+ (.*),\1,p' "$ini")
suffixes=$(sed -nE 's/^suffixes = //p' "$ini")
suffix=${suffixes%% *}

# What programs begin with, and what may stand in any order: headers of the standard library, C's and some of POSIX.
headers='algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits clocale cmath
codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar
cwchar cwctype deque exception execution filesystem forward_list fstream functional future initializer_list iomanip ios iosfwd iostream
istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream queue random ranges ratio
regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view
syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector version
bits/stdc++.h assert.h ctype.h errno.h float.h inttypes.h limits.h locale.h math.h setjmp.h signal.h stdarg.h stdbool.h stddef.h stdint.h
stdio.h stdlib.h string.h time.h wchar.h wctype.h unistd.h pthread.h sys/types.h sys/time.h'

# Sets of headers that are worth a file of some 30 MB each. One serves a program that includes all of it.
sets='bits/stdc++.h
iostream
iostream vector
iostream vector algorithm
iostream vector map algorithm
iostream vector unordered_map
iostream vector memory
iostream cmath
iostream vector map algorithm memory functional'

# -### shows words in quotes where they hold special characters. One that holds a blank can't be told from two.
steps_of() { # FILE
    (cd "$work" && eval "${command/\{sources\}/"$1"} '-###'") 2>&1 | sed -n 's/^ //p' | tr -d '"'
}

printf 'int main(void) { return 0; }\n' >"$work/glimpse_in$suffix"
steps_of "glimpse_in$suffix" >"$work/steps"

# tool_line TOOL: its path and words, without the names of files and what only names more of them.
tool_line() {
    grep -E "^[^ ]*/?$1 " "$work/steps" | head -n 1 |
        sed -E 's, -(dumpdir|dumpbase|dumpbase-ext) [^ ]*,,g; s, (-plugin) [^ ]*,,g; s, -plugin-opt=[^ ]*,,g'
}
compile=$(tool_line 'cc1(plus)?' | sed -E "s, glimpse_in\\$suffix\b, {source},; s, -o [^ ]*, -o -,")
assemble=$(tool_line as | sed -E 's, -o [^ ]* [^ ]*$, -o {object},')
link=$(tool_line collect2 | sed -E 's, /tmp/[^ ]*\.o\b, {objects},')
linker=$(command -v ld.gold || command -v ld.mold || command -v ld.bfd)
case $assemble in /*) ;; *) assemble=$(command -v "${assemble%% *}")\ ${assemble#* } ;; esac
link="$linker ${link#* }"

# gcc names some folders several times, in different ways; gold reads each of them whole.
without_twins() { # WORD...
    local word real seen=' '
    for word in "$@"; do
        if [[ $word == -L* ]]; then
            real=$(realpath -m "${word#-L}")
            [[ $seen != *" $real "* ]] || continue
            seen="$seen$real "
            word=-L$real
        fi
        printf '%s ' "$word"
    done
}
# shellcheck disable=SC2086 # words
link=$(without_twins $link)

# build.c looks along no PATH.
for line in "$compile" "$assemble" "$link"; do
    case $line in
    /*) ;;
    *) compile='' ;;
    esac
done
case "$compile|$assemble|$link" in
*' {source} '*' -o - '*'|'*'-o {object}|'*' {objects} '*) ;;
*' {source} '*' -o -|'*'-o {object}|'*' {objects} '*) ;;
*)
    printf 'gcc -### says what is not understood; programs are left to gcc:\n' >&2
    cat "$work/steps" >&2
    exit 0
    ;;
esac

precompile() { # HEADER...: the line for it
    local name=pch-${*//\//_} flags
    name=${name// /-}
    printf '#include <%s>\n' "$@" >"$folder/$name.h"
    flags=$(sed -E 's/ -o [^ ]*//; s/ \{sources\}//; s/ -l[^ ]*//g' <<<"$command")
    # shellcheck disable=SC2086 # words
    $flags -x c++-header "$folder/$name.h" -o "$folder/$name.h.gch"
    printf '%s precompiled %s/%s.h %s\n' "$(stat -c %s "$folder/$name.h.gch")" "$seen" "$name" "$*"
}

unchanged() { # FILE...
    stat -L -c 'unchanged %n %s %Y' "$@"
}

{
    # What makes -lm worth reading. Where libraries are not linked only as needed, it always is.
    case $link in *' --as-needed '*' {objects}'*' -lm '*)
        printf 'mathematics %s\n' "$(nm -D --defined-only "$(gcc -print-file-name=libm.so.6)" | sed -E 's/.* //; s/@.*//' | sort -u | tr '\n' ' ')" ;;
    esac
    printf 'command %s\nsuffixes %s\ncompile %s\nassemble %s\nlink %s\n' "$command" "$suffixes" "$compile" "$assemble" "$link"
    unchanged "${compile%% *}" "${assemble%% *}" "$linker" /usr/include/stdio.h /usr/include/features.h
    if [ "$kind" = cpp ]; then
        known=''
        for header in $headers; do
            printf '#include <%s>\n' "$header" >"$work/known.cpp"
            ! (cd "$work" && g++ -std=gnu++20 -E known.cpp >/dev/null 2>&1) || known="$known $header"
        done
        printf 'headers%s\n' "$known"
        unchanged "$(cd "$work" && printf '#include <bits/stdc++.h>\n' | g++ -E -x c++ - | sed -nE 's,^# 1 "([^"]*bits/stdc\+\+\.h)".*,\1,p' | head -n 1)"
        while read -r -a set; do precompile "${set[@]}"; done <<<"$sets" | sort -rn | cut -d' ' -f2-
    fi
} >"$folder/steps.new"
mv "$folder/steps.new" "$folder/steps"
