# Shared by the scripts of this folder: `source "$(dirname "$0")/lib.sh"`. bash, no output of its own.
# shellcheck shell=bash

set -euo pipefail

# The package's root; every script works from there.
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"

# Where ci/setup puts Go and Node, and where invok-core looks for them.
# shellcheck disable=SC2034 # for the script that sources this
TOOLCHAINS=${INVOK_TOOLCHAINS:-${XDG_DATA_HOME:-$HOME/.local/share}/invok/toolchains}

# say TEXT…: one plain line about what is being done.
say() { printf '%s\n' "$*"; }

# fail TEXT…: what went wrong, then each further argument as a line of what to do; ends the script.
fail() {
    printf 'error: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf '       %s\n' "$@" >&2
    exit 1
}

# How the release build is made that is packed and measured: with Swift's own libraries inside, where that is possible.
RELEASE=(-c release)
[ "$(uname)" != Linux ] || RELEASE+=(--static-swift-stdlib -Xlinker -s)

# swift_build ARGUMENT…: `swift build`, alike each time. SwiftPM plans anew when a variable has changed, as those of make and
# of these scripts do, and then hands the traits of a package to the compiler in the order of a set, which is another one in
# each process: Hummingbird would be compiled again and again.
swift_build() {
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKE_TERMOUT -u MAKE_TERMERR \
        -u WORLDS -u SEED -u SEEDS -u ARGS -u CONFIGURATION -u DEMO_EXIT \
        SWIFT_DETERMINISTIC_HASHING=1 swift build "$@"
}

# build_release PRODUCT…
build_release() {
    local product
    for product in "$@"; do swift_build "${RELEASE[@]}" --product "$product" >&2; done
}

# release_path: the folder where build_release puts them.
release_path() { swift_build "${RELEASE[@]}" --show-bin-path; }

# have COMMAND: whether it can be called.
have() { command -v "$1" >/dev/null 2>&1; }

# at_least HAVE WANT: whether the dotted version HAVE (numbers only, two places are compared) is WANT or newer.
at_least() {
    local have_major have_minor want_major want_minor
    IFS=. read -r have_major have_minor _ <<<"$1.0"
    IFS=. read -r want_major want_minor _ <<<"$2.0"
    [[ $have_major =~ ^[0-9]+$ && $have_minor =~ ^[0-9]+$ ]] || return 1
    ((have_major > want_major || (have_major == want_major && have_minor >= want_minor)))
}

# MARK: Debian packages

# missing_packages NAME…: those that are not installed, one a line.
missing_packages() {
    local installed package
    # dpkg-query fails when it knows nothing of one of them; what it prints of the others counts.
    installed=$( (dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null || true) | sed -n 's/^ii  *//p')
    for package in "$@"; do
        grep -qxF -- "$package" <<<"$installed" || printf '%s\n' "$package"
    done
}

# as_root COMMAND…: runs it as root without ever asking for a password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# apt_get ARGUMENT…: apt-get without questions; its output is shown only when it fails.
apt_get() {
    local log
    log=$(mktemp)
    if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=300 "$@" \
        </dev/null >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# install_packages NAME…: installs those that are missing.
install_packages() {
    local names missing
    names=$(missing_packages "$@")
    [ -n "$names" ] || return 0
    mapfile -t missing <<<"$names"
    if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
        fail "these Debian packages are missing, and installing them takes root: ${missing[*]}" \
            "Run: sudo apt-get install -y ${missing[*]}" "then the same command again."
    fi
    say "Installing the Debian packages ${missing[*]}"
    apt_get update || say "apt-get update failed; trying with the package lists that are here."
    apt_get install --no-install-recommends "${missing[@]}" \
        || fail "apt-get could not install: ${missing[*]}" "Its own message is above."
}

# install_server_packages NAME…: like install_packages, without starting the system-wide servers that they bring.
install_server_packages() {
    local policy=/usr/sbin/policy-rc.d
    [ -n "$(missing_packages "$@")" ] || return 0
    if [ ! -e "$policy" ]; then
        # shellcheck disable=SC2064 # the path is known now
        trap "as_root rm -f '$policy'" EXIT
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
    else
        policy=
    fi
    install_packages "$@" >&2
    [ -z "$policy" ] || as_root rm -f "$policy"
}
