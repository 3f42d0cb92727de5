#!/bin/sh
# Builds the images ringwright/server and ringwright/balancer.
#
#   images.sh            with this machine's Rust where there is one, else with Docker alone
#   images.sh rust       with this machine's Rust
#   images.sh docker     with Docker alone
#
# PROGRAM=file takes a program that was built already.
set -eu
cd "$(dirname "$0")/.."
. docker/env.sh
how=${1:-any}
tag=${TAG:-latest}
context=target/docker

say() { echo "docker: $*" >&2; }

docker version >/dev/null 2>&1 || {
    say "no Docker engine answers: is it installed, does it run, and may you use it?"
    exit 1
}

# What docker says is of interest only where it fails.
build() {
    log=$(mktemp)
    docker build --quiet "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; return 1; }
    rm -f "$log"
}

empty_context() {
    rm -rf "$context"
    mkdir -p "$context/plugins"
}

with_rust() {
    sh plugins/build.sh
    program=${PROGRAM:-${CARGO_TARGET_DIR:-target}/release/ringwright}
    [ -n "${PROGRAM:-}" ] || cargo build --quiet --release --package ringwright
    empty_context
    # Without the symbols a debugger wants, which are most of it.
    strip -o "$context/ringwright" "$program" 2>/dev/null || cp "$program" "$context/"
    cp plugins/dist/*.wasm "$context/plugins/"
}

with_docker() {
    sh docker/base.sh rust:1.95-bookworm
    say "building the program in a container; this takes minutes"
    build --tag ringwright/build --file docker/build.Dockerfile .
    built=$(docker create ringwright/build)
    empty_context
    docker cp "$built:/out/." "$context/"
    docker rm "$built" >/dev/null
}

image() {
    # Whatever the umask here: the images' user is nobody of this machine.
    chmod -R a+rX "$context"
    revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
    build --tag "ringwright/$1:$tag" --target "$1" --file docker/Dockerfile \
        --label "org.opencontainers.image.revision=$revision" "$context"
}

# Whether the program runs on the images' system: one built on a newer system does not.
runs() {
    docker run --rm --volume "$PWD/$context/ringwright:/ringwright:ro" debian:bookworm-slim \
        /ringwright --version >/dev/null
}

sh docker/base.sh debian:bookworm-slim
case "$how" in
    rust) with_rust ;;
    docker) with_docker ;;
    any)
        if command -v cargo >/dev/null; then
            with_rust
            runs 2>/dev/null || { say "what this machine builds is too new"; with_docker; }
        else
            with_docker
        fi
        ;;
    *)
        say "'$how' is neither rust nor docker"
        exit 2
        ;;
esac
image server
image balancer
say "built ringwright/server:$tag and ringwright/balancer:$tag"
