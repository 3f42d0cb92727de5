#!/bin/sh
# Starts, shows and stops the deployment; `make up`, `down`, `down-all`, `logs` and `ps` call this.
set -eu
cd "$(dirname "$0")/.."
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

# The balancer gets the socket's group, not root's rights.
socket=${DOCKER_SOCKET:-/var/run/docker.sock}
DOCKER_GID=${DOCKER_GID:-$(stat -L -c %g "$socket" 2>/dev/null || echo 0)}
export DOCKER_GID

# Drawn once: the folder keeps others out, as the files must be readable in the containers.
secrets() {
    mkdir -p docker/plugins
    (umask 077 && mkdir -p docker/secrets)
    for secret in metadata-password token; do
        file=docker/secrets/$secret
        [ -s "$file" ] && continue
        od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$file.new"
        chmod 444 "$file.new"
        mv "$file.new" "$file"
    done
    if [ -n "${RINGWRIGHT_TOKEN:-}" ]; then
        rm -f docker/secrets/token
        printf %s "$RINGWRIGHT_TOKEN" >docker/secrets/token
        chmod 444 docker/secrets/token
    fi
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

up() {
    secrets
    compose up -d
    say "waiting until the cluster is ready"
    tries=0
    until is_ready; do
        tries=$((tries + 1))
        if [ "$tries" -ge 120 ]; then
            compose logs --tail 30 balancer >&2
            die "not ready after two minutes; the balancer's last lines are above"
        fi
        sleep 1
    done
    publish=${RINGWRIGHT_PUBLISH:-127.0.0.1:5000}
    echo "Ringwright is at http://$publish (its API: http://$publish/docs)."
    echo "What changes the cluster wants the token: export RINGWRIGHT_TOKEN=\$(cat docker/secrets/token)"
}

logs() {
    # Every line with the name of its container, in the order they come.
    for id in $(docker ps --all --quiet --filter "label=ringwright.deployment=$deployment"); do
        name=$(docker inspect --format '{{.Name}}' "$id")
        docker logs --follow --tail "${TAIL:-20}" "$id" 2>&1 | sed -u "s|^|${name#/} |" &
    done
    wait
}

case "${1:-}" in
    up) up ;;
    down) secrets; stop_all; compose down ;;
    down-all)
        secrets
        stop_all
        compose down --volumes
        volumes=$(docker volume ls --quiet --filter "label=ringwright.deployment=$deployment")
        [ -z "$volumes" ] || docker volume rm $volumes >/dev/null
        ;;
    logs) logs ;;
    ps)
        docker ps --all --filter "label=ringwright.deployment=$deployment" \
            --format 'table {{.Names}}\t{{.Status}}\t{{.Ports}}'
        ;;
    *) die "'${1:-}' is none of up, down, down-all, logs, ps" ;;
esac
