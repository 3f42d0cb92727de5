#!/bin/sh
# Tests the plugin as an ordinary program.
cd "$(dirname "$0")" && exec cargo test
