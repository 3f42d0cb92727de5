#!/bin/sh
# Starts, shows, stops, saves and restores the deployment; `make up`, `observe`, `down`, `down-all`,
# `logs` and `ps` call this.
set -eu
cd "$(dirname "$0")/.."
. docker/env.sh
deployment=${RINGWRIGHT_DEPLOYMENT:-ringwright}
export RINGWRIGHT_DEPLOYMENT="$deployment"

say() { echo "docker: $*" >&2; }
die() { say "$@"; exit 1; }

if docker compose version >/dev/null 2>&1; then
    compose() { docker compose --project-name "$deployment" "$@"; }
elif command -v docker-compose >/dev/null; then
    compose() { docker-compose --project-name "$deployment" "$@"; }
else
    die "neither 'docker compose' nor docker-compose is installed"
fi

# The balancer gets the socket of the engine that docker uses, and its group, not root's rights.
case "${DOCKER_HOST:-}" in
    unix://*) DOCKER_SOCKET=${DOCKER_SOCKET:-${DOCKER_HOST#unix://}} ;;
esac
DOCKER_SOCKET=${DOCKER_SOCKET:-/var/run/docker.sock}
if docker info --format '{{.SecurityOptions}}' 2>/dev/null | grep -q rootless; then
    DOCKER_GID=${DOCKER_GID:-0} # whoever runs the engine is root in its containers
else
    DOCKER_GID=${DOCKER_GID:-$(stat -L -c %g "$DOCKER_SOCKET" 2>/dev/null || echo 0)}
fi
export DOCKER_SOCKET DOCKER_GID

# Drawn once: the folder keeps others out, as the files must be readable in the containers.
RINGWRIGHT_SECRETS=$PWD/docker/secrets/$deployment
export RINGWRIGHT_SECRETS
secrets() {
    mkdir -p docker/plugins "$RINGWRIGHT_SECRETS"
    chmod a+rx docker/plugins
    chmod 700 docker/secrets
    for secret in metadata-password token grafana-password; do
        [ -s "$RINGWRIGHT_SECRETS/$secret" ] && continue
        draw "$secret"
    done
}

draw() {
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$RINGWRIGHT_SECRETS/$1.new"
    chmod 444 "$RINGWRIGHT_SECRETS/$1.new"
    mv "$RINGWRIGHT_SECRETS/$1.new" "$RINGWRIGHT_SECRETS/$1"
}

servers() {
    docker ps --quiet "$@" --filter "label=ringwright.deployment=$deployment" \
        --filter label=ringwright.server
}

# The balancer first: it would bring back what is stopped.
stop_all() {
    compose stop balancer
    running=$(servers)
    [ -z "$running" ] || { say "stopping the servers"; docker stop --time 15 $running >/dev/null; }
    all=$(servers --all)
    [ -z "$all" ] || docker rm --force $all >/dev/null
}

is_ready() {
    id=$(compose ps -q balancer 2>/dev/null)
    [ -n "$id" ] && docker exec "$id" ringwright health /readyz >/dev/null 2>&1
}

# docker-compose 1.29 cannot make a container anew from another image on a newer engine.
drop_outdated() {
    for service in metadata balancer; do
        id=$(compose ps -q "$service" 2>/dev/null)
        [ -n "$id" ] || continue
        runs=$(docker inspect --format '{{.Image}}' "$id")
        name=$(docker inspect --format '{{.Config.Image}}' "$id")
        [ "$runs" = "$(docker image inspect --format '{{.Id}}' "$name" 2>/dev/null)" ] ||
            compose rm --stop --force "$service"
    done
}

# The engine asks it by the healthcheck in the compose file.
is_healthy() {
    id=$(compose ps -q "$1" 2>/dev/null)
    [ "$(docker inspect --format '{{.State.Health.Status}}' "$id" 2>/dev/null)" = healthy ]
}

# wait_for SERVICE COMMAND: until the command says that it is up.
wait_for() {
    service=$1
    shift
    say "waiting until $service is ready"
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        if [ "$tries" -ge 300 ]; then
            compose logs --tail 30 "$service" >&2
            die "$service is not ready after five minutes; its last lines are above"
        fi
        sleep 1
    done
}

up() {
    secrets
    drop_outdated
    compose up -d
    wait_for balancer is_ready
    publish=${RINGWRIGHT_PUBLISH:-127.0.0.1:5000}
    echo "Ringwright is at http://$publish: its dashboard at http://$publish/dashboard, its API at http://$publish/docs."
    echo "What changes the cluster wants the token: export RINGWRIGHT_TOKEN=\$(cat docker/secrets/$deployment/token)"
}

# The same, watched by Prometheus and Grafana.
observe() {
    export COMPOSE_PROFILES=observability
    up
    wait_for prometheus is_healthy prometheus
    wait_for grafana is_healthy grafana
    echo "Prometheus is at http://127.0.0.1:${RINGWRIGHT_PROMETHEUS_PORT:-9090}, Grafana at http://127.0.0.1:${RINGWRIGHT_GRAFANA_PORT:-3000}:"
    echo "there you are admin, with the password in docker/secrets/$deployment/grafana-password."
}

logs() {
    # Every line with the name of its container, in the order they come.
    for id in $(docker ps --all --quiet --filter "label=ringwright.deployment=$deployment"); do
        name=$(docker inspect --format '{{.Name}}' "$id")
        docker logs --follow --tail "${TAIL:-20}" "$id" 2>&1 | sed -u "s|^|${name#/} |" &
    done
    wait
}

# Those of the balancer and the metadata carry compose's labels, those of the servers ours.
volumes() {
    docker volume ls --quiet --filter "label=com.docker.compose.project=$deployment"
    docker volume ls --quiet --filter "label=ringwright.deployment=$deployment"
}

# A container that has every volume named in its place under /volumes, and nothing to do with us.
in_volumes() {
    mode=$1
    names=$2
    shift 2
    mounts=
    for name in $names; do mounts="$mounts --volume $name:/volumes/$name:$mode"; done
    docker run --rm --interactive --network none $mounts debian:bookworm-slim "$@"
}

# Volumes fit each other only as they were at one moment: all of them, or none.
backup() {
    file=${1:?deploy.sh backup FILE}
    [ ! -e "$file" ] || die "$file is there already"
    running=$(docker ps --quiet --filter "label=ringwright.deployment=$deployment")
    [ -z "$running" ] || die "the deployment runs: make down first"
    names=$(volumes)
    [ -n "$names" ] || die "there is no volume of the deployment $deployment"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    for name in $names; do
        docker volume inspect "$name" \
            --format '{{range $k, $v := .Labels}}{{$k}}={{$v}}{{"\n"}}{{end}}' >"$work/$name"
    done
    (umask 077 && {
        tar -C "$work" --transform 's|^\.|labels|' -cf "$file.new" .
        in_volumes ro "$names" tar -C / --numeric-owner -cf - volumes >"$file.volumes"
        tar -Af "$file.new" "$file.volumes"
        rm "$file.volumes"
    })
    mv "$file.new" "$file"
    say "saved $(echo "$names" | wc -l) volumes in $file"
}

restore() {
    file=${1:?deploy.sh restore FILE}
    [ -z "$(volumes)" ] || die "there are volumes of the deployment $deployment: make down-all first"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    tar -C "$work" -xf "$file" labels
    for labels in "$work"/labels/*; do
        name=$(basename "$labels")
        while IFS= read -r label; do
            [ -z "$label" ] || set -- "$@" --label "$label"
        done <"$labels"
        shift
        grep -qE "^(ringwright\.deployment|com\.docker\.compose\.project)=$deployment\$" "$labels" ||
            die "$file is of another deployment: set RINGWRIGHT_DEPLOYMENT"
        docker volume create "$@" "$name" >/dev/null
        set -- "$file"
    done
    in_volumes rw "$(ls "$work/labels")" tar -C / --numeric-owner -xf - volumes <"$file"
    say "restored $(ls "$work/labels" | wc -l) volumes; go on with make up"
}

case "${1:-}" in
    up) up ;;
    observe) observe ;;
    down) secrets; stop_all; COMPOSE_PROFILES=observability compose down ;;
    down-all)
        secrets
        stop_all
        COMPOSE_PROFILES=observability compose down --volumes
        volumes=$(docker volume ls --quiet --filter "label=ringwright.deployment=$deployment")
        [ -z "$volumes" ] || docker volume rm $volumes >/dev/null
        ;;
    logs) logs ;;
    new-token)
        secrets
        draw token
        # A container keeps the file it was made with.
        compose up -d --no-deps --force-recreate balancer
        ;;
    backup) backup "${2:-}" ;;
    restore) restore "${2:-}" ;;
    ps)
        docker ps --all --filter "label=ringwright.deployment=$deployment" \
            --format 'table {{.Names}}\t{{.Status}}\t{{.Ports}}'
        ;;
    *) die "'${1:-}' is none of up, observe, down, down-all, logs, ps, backup, restore, new-token" ;;
esac
