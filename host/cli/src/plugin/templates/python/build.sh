#!/bin/sh
# Builds {{name}}.wasm: the plugin, and a Python to run it.
set -eu
cd "$(dirname "$0")"
. ./tools.sh
# Nothing is granted to a plugin: what Python would ask of a system is answered by stand-ins.
.tools/bin/componentize-py -d wit -w {{kind}}-plugin \
    componentize --stub-wasi plugin -o '{{name}}.wasm'
echo '{{name}}.wasm is built'
