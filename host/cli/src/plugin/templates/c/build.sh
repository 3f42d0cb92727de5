#!/bin/sh
# Builds {{name}}.wasm.
set -eu
cd "$(dirname "$0")"
. ./tools.sh

ringwright=${RINGWRIGHT:-{{program}}}
command -v "$ringwright" >/dev/null || ringwright=ringwright

# Left alone, Zig reserves 16 MiB for the stack: all the memory that a plugin may have.
$cc -target wasm32-wasi -mexec-model=reactor -Wl,-z,stack-size=65536 -O3 -s plugin.c bindings/{{kind}}_plugin.c \
    bindings/{{kind}}_plugin_component_type.o -o .tools/core.wasm
"$ringwright" plugin componentize .tools/core.wasm '{{name}}.wasm'
echo '{{name}}.wasm is built'
