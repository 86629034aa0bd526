# Redis on loopback, with a password. Sourced by ci/services.
# shellcheck shell=bash

redis_folder() { printf '%s/redis' "$SERVICES"; }

redis_install() {
    have redis-server && return 0
    have apt-get || fail "there is no redis-server" "Install one."
    install_server_packages redis-server
}

redis_create() {
    local folder password port
    folder=$(redis_folder)
    password=$(secret)
    port=$(free_port)
    mkdir "$folder/data"
    cat >"$folder/redis.conf" <<CONF
bind 127.0.0.1
port $port
requirepass $password
dir $folder/data
pidfile $folder/data/pid
logfile $folder/data/log
daemonize yes
save ""
appendonly no
CONF
    chmod 600 "$folder/redis.conf"
    printf '%s' "$password" >"$folder/password"
    printf 'redis://:%s@127.0.0.1:%s/0' "$password" "$port" >"$folder/url"
    chmod 600 "$folder/password" "$folder/url"
    give_to redis "$folder"
}

redis_port() { sed -n 's/^port //p' "$(redis_folder)/redis.conf"; }

redis_answers() {
    [ "$(REDISCLI_AUTH=$(<"$(redis_folder)/password") redis-cli -h 127.0.0.1 -p "$(redis_port)" ping)" = PONG ]
}

redis_start() {
    local folder
    folder=$(redis_folder)
    alive "$folder/data/pid" && redis_answers 2>/dev/null && return 0
    as_user redis redis-server "$folder/redis.conf" </dev/null >/dev/null
    wait_until 10 redis_answers || fail "Redis does not start" "$(tail -n 5 "$folder/data/log")"
}

redis_gone() { ! alive "$(redis_folder)/data/pid"; }

redis_stop() {
    local folder pid
    folder=$(redis_folder)
    alive "$folder/data/pid" || return 0
    read -r pid <"$folder/data/pid"
    kill -TERM "$pid"
    wait_until 10 redis_gone || fail "Redis does not stop"
}

redis_pidfile() { printf '%s/data/pid' "$(redis_folder)"; }

redis_print() { printf "REDIS_URL='%s'\n" "$(<"$(redis_folder)/url")"; }
