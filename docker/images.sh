#!/bin/sh
# Builds the images ringwright/server and ringwright/balancer.
#
#   images.sh            with this machine's Rust where there is one, else with Docker alone
#   images.sh rust       with this machine's Rust
#   images.sh docker     with Docker alone
#
# PROFILE=dev takes the quick build that tests use.
set -eu
cd "$(dirname "$0")/.."
how=${1:-any}
profile=${PROFILE:-release}
tag=${TAG:-latest}
context=target/docker

say() { echo "docker: $*" >&2; }

docker version >/dev/null 2>&1 || {
    say "no Docker engine answers: is it installed, does it run, and may you use it?"
    exit 1
}

with_rust() {
    command -v cargo >/dev/null || return 1
    sh plugins/build.sh
    cargo build --quiet --profile "$profile" --package ringwright
    folder=$profile
    [ "$profile" = dev ] && folder=debug
    mkdir -p "$context/plugins"
    # Without the symbols a debugger wants, which are most of it.
    strip -o "$context/ringwright" "${CARGO_TARGET_DIR:-target}/$folder/ringwright" 2>/dev/null ||
        cp "${CARGO_TARGET_DIR:-target}/$folder/ringwright" "$context/"
    cp plugins/dist/*.wasm "$context/plugins/"
}

with_docker() {
    sh docker/base.sh rust:1.95-bookworm
    say "building the program in a container; this takes minutes"
    docker build --quiet --tag ringwright/build --file docker/build.Dockerfile . >/dev/null
    built=$(docker create ringwright/build)
    mkdir -p "$context"
    docker cp "$built:/out/." "$context/"
    docker rm "$built" >/dev/null
}

image() {
    docker build --quiet --tag "ringwright/$1:$tag" --target "$1" \
        --label "org.opencontainers.image.revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)" \
        --file docker/Dockerfile "$context" >/dev/null
}

images() {
    cp host/cli/src/serve/cluster.json "$context/"
    image server && image balancer
}

sh docker/base.sh debian:bookworm-slim
rm -rf "$context"
case "$how" in
    rust) with_rust && images ;;
    docker) with_docker && images ;;
    any)
        # A program built on a newer system does not run in the image, which its build finds out.
        { with_rust && images; } || { with_docker && images; }
        ;;
    *) say "'$how' is neither rust nor docker"; exit 2 ;;
esac
say "built ringwright/server:$tag and ringwright/balancer:$tag"
