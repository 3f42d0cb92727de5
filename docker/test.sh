#!/bin/sh
# Tests on a real engine: container control, and what the deployment survives.
set -eu
cd "$(dirname "$0")/.."

# Together with the tests, so that nothing is built twice.
cargo test --quiet --workspace --no-run
PROGRAM=${CARGO_TARGET_DIR:-target}/debug/ringwright TAG=test sh docker/images.sh

if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --no-fail-fast --run-ignored only -E 'binary(docker)'
else
    cargo test --workspace --no-fail-fast --test docker -- --ignored
fi
