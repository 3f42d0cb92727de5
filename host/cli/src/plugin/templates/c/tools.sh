# Fetches Zig's C compiler into .tools, once.
[ -x .tools/bin/python-zig ] || {
    python3 -m venv .tools
    .tools/bin/pip install --quiet 'ziglang==0.17.*'
}
cc=".tools/bin/python-zig cc -std=c11 -Wall -Wextra"
