# shellcheck shell=bash
# What script/server, script/test and script/fresh share: talking, packages, building.
# Sourced, never run: `set -euo pipefail` is the caller's.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Debian's own commands first: another Python or Node further up the caller's PATH would build and
# test something else than what gets installed here.
export PATH="/usr/sbin:/usr/bin:/sbin:/bin:$PATH"
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$*"; }
step() { printf '==> %s\n' "$*"; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root: straight when we are, otherwise with sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "this needs root: $* (run the script as root, or install sudo)"
    fi
}

# with_progress WHAT COMMAND...: a long step. On a terminal one line that counts the seconds and shows the
# command's latest output; elsewhere a line every 15 s. The whole output is shown when it fails.
with_progress() {
    local what=$1 log pid started=$SECONDS next=15 status=0 last traps
    shift
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null &
    pid=$!
    # A background child ignores Ctrl-C, and would go on alone.
    traps=$(trap -p INT TERM)
    trap 'as_root kill -TERM "$pid" 2>/dev/null || true; wait "$pid" || true; rm -f "$log"; exit 130' INT TERM
    while kill -0 "$pid" 2>/dev/null; do
        if [ -t 1 ]; then
            last=$(tail -c 300 "$log" | tr '\r' '\n' | tail -n 1 | tr -cd '[:print:]' | sed 's/^ *//' | cut -c 1-60)
            printf '\r\033[K    %s: %d s  %s' "$what" $((SECONDS - started)) "$last"
        elif [ $((SECONDS - started)) -ge "$next" ]; then
            last=$(tail -c 300 "$log" | tr '\r' '\n' | tail -n 1 | tr -cd '[:print:]' | sed 's/^ *//' | cut -c 1-100)
            printf '    %s: %d s  %s\n' "$what" $((SECONDS - started)) "$last"
            next=$((next + 15))
        fi
        sleep 0.2
    done
    wait "$pid" || status=$?
    eval "${traps:-trap - INT TERM}"
    [ ! -t 1 ] || printf '\r\033[K'
    if [ "$status" -eq 0 ]; then
        printf '    %s: done in %d s\n' "$what" $((SECONDS - started))
    else
        cat "$log" >&2
        printf '    %s: failed with status %d (its output is above)\n' "$what" "$status" >&2
    fi
    rm -f "$log"
    return "$status"
}

# Prints those of its arguments that dpkg does not know as installed. Takes milliseconds, so that a second run of a
# script costs nothing.
missing_packages() {
    local package
    for package in "$@"; do
        case $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) in
        installed) ;;
        *) printf '%s\n' "$package" ;;
        esac
    done
}

apt_quiet() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 "$@"
}

# install_packages WHY PACKAGE...: makes sure that they are there; says nothing when they are.
install_packages() {
    local why=$1 missing
    shift
    mapfile -t missing < <(missing_packages "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    step "Installing $why: ${missing[*]}"
    as_root true # asks for the password, if any, where it can be seen
    with_progress "apt-get update" apt_quiet update
    with_progress "apt-get install" apt_quiet install "${missing[@]}"
}

# shellcheck disable=SC2034 # used by the scripts that source this file
build_packages=(
    gcc libc6-dev meson ninja-build pkg-config
    libcmocka-dev libcurl4-openssl-dev libinih-dev libjansson-dev libmicrohttpd-dev libseccomp-dev libsqlite3-dev
    libuv1-dev libwslay-dev nettle-dev python3-yaml
)

require_debian() {
    local tool
    for tool in apt-get dpkg-query; do
        command -v "$tool" >/dev/null ||
            die "no $tool here: this script knows Debian and its relatives; docs/operate.md lists what to install elsewhere"
    done
}

# Compilers and interpreters of the languages that Glimpse runs.
install_toolchains() {
    [ -x "$root/script/toolchains" ] || return 0
    "$root/script/toolchains"
}

# The account that the unprivileged daemon runs as. It owns nothing but its data directory.
ensure_user() {
    getent passwd glimpse >/dev/null && return 0
    step "Creating the system user glimpse"
    as_root useradd --system --user-group --home-dir /nonexistent --no-create-home \
        --shell /usr/sbin/nologin --comment "Glimpse" glimpse
}

# What a tree is made of, in one line.
page_stamp() { (cd "$root/web" && find ./*.html public src package-lock.json vite.config.js -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c 1-16); }

# Beside the old one first: a server that starts meanwhile sees the one or the other. Each step says what comes of its failure: the
# shell does not, where a caller looks at the result.
make_page() {
    local web=$root/web node=${GLIMPSE_TOOLCHAINS:-/opt/glimpse/toolchains}/bin/node

    cd "$web" || return
    if ! cmp -s package-lock.json node_modules/.made-from; then
        npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier || return
        cp package-lock.json node_modules/.made-from || return
    fi
    rm -rf dist.new
    GLIMPSE_WEB_OUT=dist.new "$node" node_modules/vite/bin/vite.js build || return
    page_stamp >dist.new/.made-from || return
    chmod -R a+rX dist.new || return
    rm -rf dist && mv dist.new dist
}

# The playground. Glimpse is whole without it, and GET / then says what is missing.
build_page() {
    [ "$(cat "$root/web/dist/.made-from" 2>/dev/null)" != "$(page_stamp)" ] || return 0
    step "Building the playground"
    if ! command -v npm >/dev/null; then
        say "!!! there is no npm: the playground can't be built. The API works without it"
    else
        with_progress "npm ci, vite build" make_page ||
            say "!!! the playground can't be built; the output is above. The API works without it"
    fi
}

# build DIR [MESON OPTION...]: configures once, then lets ninja decide what is out of date.
build() {
    local dir=$root/$1
    shift
    if [ ! -f "$dir/build.ninja" ]; then
        step "Configuring ${dir##*/}"
        with_progress "meson setup" meson setup "$dir" "$root" "$@"
    fi
    # ninja -n answers in milliseconds whether there is anything to do.
    if ninja -C "$dir" -n | grep -q 'no work to do'; then
        return 0
    fi
    step "Building ${dir##*/}"
    with_progress "ninja" ninja -C "$dir"
}
