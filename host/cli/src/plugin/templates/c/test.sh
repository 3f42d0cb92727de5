#!/bin/sh
# Tests the plugin as an ordinary program.
set -eu
cd "$(dirname "$0")"
. ./tools.sh
# The bindings name exports, which an ordinary program has not: that is no fault.
$cc -g -Wno-unknown-attributes plugin.c test.c bindings/{{kind}}_plugin.c -o .tools/test
.tools/test
