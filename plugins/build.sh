#!/bin/sh
# Builds every plugin into plugins/dist, with whichever toolchain can make wasm here.
#
# The first that works is taken, in order:
#   1. the target is installed with the Rust in use;
#   2. rustup installs the target;
#   3. Debian's Rust and the source of its standard library are installed;
#   4. Debian's packages are installed, where this is Debian and we are root.
# All leave 1 or 3 true, and where 3 is, rustup is not asked again for what it could not fetch: a
# next run needs no network.
#
# A plugin is a folder here whose crate is a cdylib, and has the folder's name.
set -eu
cd "$(dirname "$0")"

# Meant for the host, these would break or move what is built here.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET

plugins=$(grep -l '"cdylib"' ./*/Cargo.toml | sed 's|^\./\(.*\)/Cargo.toml$|\1|')
target=wasm32-unknown-unknown
debian_rustc=/usr/bin/rustc
oldest=88 # digests are taken apart with as_chunks, which Rust has since 1.88
rustup_failed=target/rustup-lacks-$target

# macOS has no timeout.
limited() {
    if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi
}

has_target() {
    # A sysroot that lacks a target still names the folder where it would be.
    libs=$("${RUSTC:-rustc}" --print target-libdir --target "$target" 2>/dev/null) &&
        ls "$libs"/libstd-*.rlib >/dev/null 2>&1
}

# The n of Debian's Rust 1.n.
debian_minor() {
    "$debian_rustc" --version 2>/dev/null | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p'
}

has_debian() {
    [ "$(debian_minor)" -ge "$oldest" ] 2>/dev/null &&
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
    command -v rustup >/dev/null || return 1
    if [ -e "$rustup_failed" ] && has_debian; then return 1; fi
    limited 60 rustup target add "$target" </dev/null >&2 && has_target && return
    mkdir -p target && : >"$rustup_failed"
    return 1
}

debian_installs() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    packages="rustc-web rust-web-src"
    linker >/dev/null || packages="$packages lld"
    export DEBIAN_FRONTEND=noninteractive
    # A fresh image has no lists; where they cannot be fetched, those there are may do.
    limited 300 apt-get update -qq </dev/null >&2 || :
    limited 600 apt-get install -y -qq --no-install-recommends $packages </dev/null >&2 &&
        has_debian
}

# The toolchain that makes wasm: `rustup` for any Rust with the target, or `debian`.
choose() {
    if has_target; then echo rustup
    elif rustup_adds_target; then echo rustup
    elif has_debian; then echo debian
    elif debian_installs; then echo debian
    else
        found=$(debian_minor)
        cat >&2 <<EOF
Nothing here makes wasm. Install one of these and run again:
  rustup target add $target
  apt-get install --no-install-recommends rustc-web rust-web-src lld   (Debian, as root)
The latter must be Rust 1.$oldest or newer; $debian_rustc is ${found:+1.}${found:-not there}.
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

# By flag, which no setting of the caller's overrides.
release="--quiet --release --target $target --target-dir target"
for plugin in $plugins; do release="$release --package $plugin"; done

toolchain=$(choose)
build "$toolchain"
cargo build --quiet --target-dir target --package componentize
mkdir -p dist
for plugin in $plugins; do
    core=$(echo "$plugin" | tr - _)
    target/debug/componentize "target/$target/release/$core.wasm" "dist/$plugin.wasm"
done

# What we built of a folder that is gone goes too; what others put there is theirs.
built=dist/.built
if [ -e "$built" ]; then
    while read -r plugin; do
        echo "$plugins" | grep -qx -e "$plugin" || rm -f "dist/$plugin.wasm"
    done <"$built"
fi
echo "$plugins" >"$built"
