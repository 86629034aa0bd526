# PostgreSQL on loopback, with the role `invok`, which may create databases and schemas. Sourced by ci/services.
# shellcheck shell=bash

postgres_folder() { printf '%s/postgres' "$SERVICES"; }

# postgres_program NAME: the path of one of the server's programs, which Debian keeps off the PATH.
postgres_program() {
    local path
    path=$(find /usr/lib/postgresql/*/bin -maxdepth 1 -name "$1" 2>/dev/null | sort -V | tail -n 1)
    printf '%s\n' "${path:-$(command -v "$1" || true)}"
}

postgres_install() {
    [ -z "$(postgres_program initdb)" ] || return 0
    have apt-get || fail "there is no PostgreSQL server" "Install one that has initdb and pg_ctl."
    # Debian's package makes and starts a system-wide cluster unless it is told not to.
    local folder=/etc/postgresql-common/createcluster.d
    as_root mkdir -p "$folder"
    printf 'create_main_cluster = false\n' | as_root tee "$folder/invok.conf" >/dev/null
    install_server_packages postgresql
    as_root rm -f "$folder/invok.conf"
    as_root rmdir "$folder" 2>/dev/null || true
}

postgres_create() {
    local folder password port
    folder=$(postgres_folder)
    password=$(secret)
    port=$(free_port)
    printf '%s' "$password" >"$folder/password"
    give_to postgres "$folder"
    as_user postgres "$(postgres_program initdb)" --pgdata="$folder/data" --username=invok --pwfile="$folder/password" \
        --auth-host=scram-sha-256 --auth-local=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-sync \
        >"$folder/initdb.log" 2>&1 || fail "initdb failed" "$(tail -n 5 "$folder/initdb.log")"
    # Data of tests need not survive a power failure.
    cat >>"$folder/data/postgresql.conf" <<CONF
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = ''
max_connections = 200
fsync = off
full_page_writes = off
shared_buffers = 64MB
CONF
    printf 'postgres://invok:%s@127.0.0.1:%s/postgres' "$password" "$port" >"$folder/url"
    chmod 600 "$folder/url"
}

postgres_answers() { as_user postgres "$(postgres_program pg_isready)" --dbname="$(<"$(postgres_folder)/url")"; }

postgres_start() {
    local folder
    folder=$(postgres_folder)
    alive "$folder/data/postmaster.pid" && postgres_answers >/dev/null && return 0
    as_user postgres "$(postgres_program pg_ctl)" start --pgdata="$folder/data" --log="$folder/log" --wait --silent \
        </dev/null >/dev/null 2>&1 || fail "PostgreSQL does not start" "$(tail -n 5 "$folder/log")"
}

postgres_stop() {
    local folder
    folder=$(postgres_folder)
    alive "$folder/data/postmaster.pid" || return 0
    as_user postgres "$(postgres_program pg_ctl)" stop --pgdata="$folder/data" --mode=fast --wait --silent \
        || fail "PostgreSQL does not stop" "$(tail -n 5 "$folder/log")"
}

postgres_pidfile() { printf '%s/data/postmaster.pid' "$(postgres_folder)"; }

postgres_print() { printf "DATABASE_URL='%s'\n" "$(<"$(postgres_folder)/url")"; }
