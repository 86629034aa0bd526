# A server of its own for ci/demo and ci/bench: temporary data, a free port, its log kept aside. Sourced after lib.sh.
# shellcheck shell=bash
# shellcheck disable=SC2034 # for the script that sources this

# What start_server sets.
SERVER_URL=   # where it listens
CONSOLE_URL=  # where its console is, if CONSOLE_ADDRESS says that it has one
SERVER_PID=   # its process
SERVER_LOG=   # the file that has all it said
SCRATCH=      # a temporary directory that stop_server removes

# port_is_free PORT: whether nobody listens there on loopback.
port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# make_scratch: a temporary directory, and in it a session file of our own: the user's real one is never touched.
make_scratch() {
    SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/invok-demo.XXXXXX")
    export XDG_CONFIG_HOME=$SCRATCH/config
    unset ENV INVOK_TOKEN INVOK_HOST
    mkdir -p "$SCRATCH/work" "$XDG_CONFIG_HOME"
}

# start_server EXECUTABLE PORT: starts invok-core on the embedded world and returns once it listens and is ready. Port 0
# is any free one.
# Fails, with its log on stderr, when it ends or says nothing of the kind within 60 s.
start_server() {
    local executable=$1 port=$2 line
    SERVER_LOG=$SCRATCH/server.log
    SERVER_URL=
    CONSOLE_URL=
    mkfifo "$SCRATCH/output"
    # In the scratch directory, where no .env is.
    (
        cd "$SCRATCH" || exit
        SERVER_HOST=127.0.0.1 SERVER_PORT=$port INVOK_METRICS_ADDRESS=127.0.0.1:0 \
            INVOK_CONSOLE_ADDRESS=${CONSOLE_ADDRESS:-} INVOK_DATA_DIR=$SCRATCH/data \
            INVOK_ENGINE=sandbox LOG_LEVEL=info exec "$executable" >output 2>&1 </dev/null
    ) &
    SERVER_PID=$!
    exec 4<"$SCRATCH/output"
    while read -r -t 60 -u 4 line; do
        printf '%s\n' "$line" >>"$SERVER_LOG"
        if [[ $line == "Invok listens on "* ]]; then
            SERVER_URL=${line#Invok listens on }
            [ -n "${CONSOLE_ADDRESS:-}" ] || break
        fi
        if [[ $line == "The console is at "* ]]; then
            CONSOLE_URL=${line#The console is at }
            break
        fi
    done
    if [ -z "$SERVER_URL" ]; then
        show_server_log
        return 1
    fi
    cat <&4 >>"$SERVER_LOG" & # until the server ends
    exec 4<&-
    if ! curl --silent --show-error --fail --output /dev/null --max-time 30 --retry 10 --retry-delay 1 \
        "$SERVER_URL/readyz"; then
        show_server_log
        return 1
    fi
    export INVOK_HOST=$SERVER_URL
}

# show_server_log: on stderr, what the server has said.
show_server_log() {
    printf -- '--- the log of the server ---\n' >&2
    tail -n 100 "$SERVER_LOG" >&2 2>/dev/null || true
    printf -- '-----------------------------\n' >&2
}

# stop_server: ends it as SIGTERM does, waits for it, and removes what it left. Safe to call at any time, twice too.
stop_server() {
    if [ -n "$SERVER_PID" ]; then
        kill -TERM "$SERVER_PID" 2>/dev/null || true
        wait "$SERVER_PID" 2>/dev/null || true
        SERVER_PID=
    fi
    if [ -n "$SCRATCH" ]; then
        chmod -R u+w "$SCRATCH" 2>/dev/null || true # bundles are read-only
        rm -rf "$SCRATCH"
        SCRATCH=
    fi
}
