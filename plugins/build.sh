#!/bin/sh
# Builds every plugin into plugins/dist, with whichever toolchain can make wasm here.
#
# The first that works is taken, in order:
#   1. the target is installed with the Rust in use;
#   2. Debian's Rust and the source of its standard library are installed;
#   3. rustup installs the target;
#   4. Debian's packages are installed, where this is Debian and we are root.
# 3 and 4 leave 1 or 2 true, so a next run asks no network.
set -eu
cd "$(dirname "$0")"

plugins="quadratic virtual-node md5 spread"
target=wasm32-unknown-unknown
debian_rustc=/usr/bin/rustc

has_target() {
    # A sysroot that lacks a target still names the folder where it would be.
    libs=$("${RUSTC:-rustc}" --print target-libdir --target "$target" 2>/dev/null) &&
        ls "$libs"/libstd-*.rlib >/dev/null 2>&1
}

has_debian() {
    [ -x "$debian_rustc" ] &&
        [ -f "$("$debian_rustc" --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ] &&
        linker >/dev/null
}

# rust-lld, ours or Debian's, or lld itself.
linker() {
    for rustc in "${RUSTC:-rustc}" "$debian_rustc"; do
        sysroot=$("$rustc" --print sysroot 2>/dev/null) || continue
        for lld in "$sysroot"/lib/rustlib/*/bin/rust-lld; do
            [ -x "$lld" ] && echo "$lld" && return
        done
    done
    command -v wasm-ld || command -v rust-lld
}

rustup_adds_target() {
    command -v rustup >/dev/null &&
        timeout 60 rustup target add "$target" </dev/null >&2 && has_target
}

debian_installs() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    packages="rustc-web rust-web-src"
    linker >/dev/null || packages="$packages lld"
    install="timeout 600 apt-get install -y -qq --no-install-recommends $packages"
    export DEBIAN_FRONTEND=noninteractive
    { $install || { timeout 300 apt-get update -qq && $install; }; } </dev/null >&2 && has_debian
}

# The toolchain that makes wasm: `rustup` for any Rust with the target, or `debian`.
choose() {
    if has_target; then echo rustup
    elif has_debian; then echo debian
    elif rustup_adds_target; then echo rustup
    elif debian_installs; then echo debian
    else
        cat >&2 <<EOF
Nothing here makes wasm. Install one of these and run again:
  rustup target add $target
  apt-get install --no-install-recommends rustc-web rust-web-src lld   (Debian, as root)
EOF
        return 1
    fi
}

# Debian has the target's source only: std is built along, which takes an unstable option.
build() {
    case $1 in
    rustup) cargo build $release ;;
    debian)
        lld=$(linker) # before RUSTC is Debian's, which may lack one
        RUSTC=$debian_rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$lld \
            cargo build $release -Z build-std=std,panic_abort
        ;;
    esac
}

export CARGO_TARGET_DIR=target
release="--quiet --release --target $target"
for plugin in $plugins; do release="$release --package $plugin"; done

toolchain=$(choose)
build "$toolchain"
cargo build --quiet --package componentize
for plugin in $plugins; do
    core=$(echo "$plugin" | tr - _)
    target/debug/componentize "target/$target/release/$core.wasm" "dist/$plugin.wasm"
done
