#!/bin/sh
# Tests the plugin as an ordinary program.
set -eu
cd "$(dirname "$0")"
. ./tools.sh
PYTHONPATH=.tools/bindings .tools/bin/python test.py
