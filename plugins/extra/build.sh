#!/bin/sh
# Builds the plugins in other languages into plugins/dist: each folder c-* of its plugin.c, each
# folder python-* of its app.py.
#
# Their tools are installed into plugins/target/tools, which takes some minutes once; nothing
# outside of it changes. They come from the registries of Rust and Python, so the first run needs a network.
set -eu
cd "$(dirname "$0")/.."

# Meant for the host, these would break or move what is built here.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET

tools=$PWD/target/tools
work=$PWD/target/extra
world=hash-plugin
stack=65536 # bytes; the compiler would take 16 MiB, which is all that a plugin may have
# What the two languages take, as the plugins of Rust have it.
wit_bindgen_version=0.63.0
python_packages="ziglang==0.17.1 componentize-py==0.25.1"

cannot() {
    echo "plugins-extra: $*" >&2
    return 1
}

has_wit_bindgen() {
    "$tools/bin/wit-bindgen" --version 2>/dev/null | grep -q "$wit_bindgen_version"
}

install_wit_bindgen() {
    has_wit_bindgen && return
    echo "installing wit-bindgen $wit_bindgen_version" >&2
    cargo install --quiet --locked --force --root "$tools" --target-dir "$tools/build" \
        --no-default-features --features c --version "$wit_bindgen_version" wit-bindgen-cli &&
        rm -rf "$tools/build" && return
    cannot "wit-bindgen cannot be installed: cargo install wit-bindgen-cli"
}

# Python itself, and by a package a C compiler that makes wasm.
install_python_tools() {
    installed=$tools/python/.installed
    [ "$(cat "$installed" 2>/dev/null)" = "$python_packages" ] && return
    echo "installing $python_packages" >&2
    command -v python3 >/dev/null || cannot "python3 is missing: apt-get install python3" || return
    python3 -m venv "$tools/python" ||
        cannot "no virtual environment can be made: apt-get install python3-venv" || return
    "$tools/python/bin/pip" install --quiet --disable-pip-version-check $python_packages ||
        cannot "pip cannot install $python_packages" || return
    echo "$python_packages" >"$installed"
}

# A folder's C, with what wit-bindgen makes of the interface, as a core module; then a component.
build_c() {
    made=$work/$1
    mkdir -p "$made"
    "$tools/bin/wit-bindgen" c ../wit --world "$world" --out-dir "$made" >/dev/null &&
        "$tools/python/bin/python" -m ziglang cc -target wasm32-wasi -mexec-model=reactor \
            -O3 -s -Wall -Wextra -Wl,-z,stack-size="$stack" -I "$made" -o "$made/core.wasm" \
            "extra/$1/plugin.c" "$made/hash_plugin.c" "$made/hash_plugin_component_type.o" &&
        target/debug/componentize "$made/core.wasm" "dist/$1.wasm"
}

# A folder's Python, with the interpreter, as a component that imports nothing.
build_python() {
    rm -rf "${work:?}/$1"
    mkdir -p "$work"
    cp -r "extra/$1" "$work/$1" # what it compiles it leaves beside the source
    "$tools/python/bin/componentize-py" --wit-path ../wit --world "$world" componentize \
        --stub-wasi --python-path "$work/$1" --output "$work/$1.wasm" app >/dev/null &&
        replace "$work/$1.wasm" "dist/$1.wasm"
}

# Whoever reads the file sees the old one or the new one; its time is what tells that it is new.
replace() {
    if cmp -s "$1" "$2"; then rm "$1"; else mv "$1" "$2"; fi
}

mkdir -p dist
cargo build --quiet --target-dir target --package componentize
install_python_tools
install_wit_bindgen
for folder in extra/c-*/; do build_c "$(basename "$folder")"; done
for folder in extra/python-*/; do build_python "$(basename "$folder")"; done
