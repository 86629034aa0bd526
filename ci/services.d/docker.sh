# Docker Engine on a unix socket, with its own data and containerd. Sourced by ci/services.
#
# INVOK_DOCKER_BRIDGE=1 gives it a bridge network, which changes the machine's packet filter; functions need none.
# shellcheck shell=bash

docker_folder() { printf '%s/docker' "$SERVICES"; }

docker_install() {
    have dockerd && have docker && return 0
    have apt-get || fail "there is no dockerd" "Install Docker Engine: https://docs.docker.com/engine/install"
    install_server_packages docker.io
}

docker_create() {
    [ "$(id -u)" -eq 0 ] || fail "only root can run dockerd here" "Use the machine's own: set DOCKER_HOST to its socket."
    mkdir "$(docker_folder)/data" "$(docker_folder)/run"
}

docker_answers() {
    curl --silent --fail --max-time 2 --unix-socket "$(docker_folder)/run/docker.sock" http://docker/_ping
}

# docker_alive: whether it runs; sets `docker_process`. Its file has no end of line, which `alive` wants.
docker_alive() {
    docker_process=$(cat "$(docker_folder)/run/pid" 2>/dev/null) && kill -0 "$docker_process" 2>/dev/null
}

docker_start() {
    local folder network=(--bridge=none --iptables=false --ip-masq=false)
    folder=$(docker_folder)
    docker_alive && docker_answers >/dev/null && return 0
    [ -z "${INVOK_DOCKER_BRIDGE:-}" ] || network=(--bip=172.31.250.1/24)
    # An empty configuration: the machine's own is not for this one.
    printf '{}\n' >"$folder/daemon.json"
    in_background dockerd --config-file "$folder/daemon.json" --host "unix://$folder/run/docker.sock" --group root \
        --data-root "$folder/data" --exec-root "$folder/run/exec" --pidfile "$folder/run/pid" "${network[@]}" \
        </dev/null >>"$folder/log" 2>&1
    wait_until 30 docker_answers || fail "dockerd does not start" "$(tail -n 5 "$folder/log")"
}

docker_gone() { ! kill -0 "$1" 2>/dev/null; }

docker_stop() {
    local folder
    folder=$(docker_folder)
    if docker_alive; then
        kill -TERM "$docker_process"
        # The file goes before the process does.
        wait_until 30 docker_gone "$docker_process" || fail "dockerd does not stop" "$(tail -n 5 "$folder/log")"
        rm -f "$folder/run/pid"
    fi
    # It makes its data a mount of its own, and does not always take that away: not where it could not start, for one.
    local mount
    for mount in "$folder/data" "$folder/run/exec/netns/default"; do
        ! mountpoint -q "$mount" || umount -l "$mount"
    done
}

docker_print() { printf "DOCKER_HOST='unix://%s/run/docker.sock'\n" "$(docker_folder)"; }
