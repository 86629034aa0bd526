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
