#!/bin/bash
# Stands in for a shard server: `stand-in.sh shard-server --name N --data-dir D … [mode]`.
# Owns its folder as one does, but serves nothing. A mode is a way to misbehave.
dir=$5
mode=${10}
echo "$*" >"$dir/args"
if [ "$mode" = crash ]; then
    seq -f 'line %g' 30 >&2
    exit 3
fi
exec 9>>"$dir/server.lock"
flock --nonblock 9 || { echo "in use"; exit 1; }
: >"$dir/locked" # for whoever comes when it has the lock
[ "$mode" = mute ] && exec sleep 600
[ "$mode" = slow ] && sleep 0.5 9>&-
# Before it tells where it is: it may be asked to end at once.
case $mode in
stubborn) trap '' TERM ;;
polite) trap 'touch "$dir/said-goodbye"; exit 0' TERM ;;
esac
echo "started in $mode mode"
echo $$ >"$dir/pid"
echo "127.0.0.1:$$" >"$dir/address.new"
mv "$dir/address.new" "$dir/address"
if [ "$mode" = polite ]; then
    while :; do sleep 0.02 9>&-; done
fi
exec sleep 600
