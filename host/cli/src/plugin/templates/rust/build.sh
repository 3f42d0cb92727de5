#!/bin/sh
# Builds {{name}}.wasm with whichever Rust can make WebAssembly here: the one in use, with the
# target that rustup fetches where it is missing, or else Debian's.
set -eu
cd "$(dirname "$0")"

# Meant for other programs, these would break this one.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS CARGO_BUILD_TARGET

ringwright=${RINGWRIGHT:-{{program}}}
command -v "$ringwright" >/dev/null || ringwright=ringwright

target=wasm32-unknown-unknown
folder=${CARGO_TARGET_DIR:-target}
debian=/usr/bin/rustc
oldest=88 # the crates that read WIT are written for it

has_target() {
    ls "$(rustc --print target-libdir --target $target)"/libstd-*.rlib >/dev/null 2>&1
}

has_rustup_target() {
    command -v rustup >/dev/null && rustup target add $target && has_target
}

has_debian() {
    [ "$("$debian" --version | sed -n 's/^rustc 1\.\([0-9]*\).*/\1/p')" -ge "$oldest" ] &&
        [ -f "$("$debian" --print sysroot)/lib/rustlib/src/rust/library/std/Cargo.toml" ]
} 2>/dev/null

# The linker that comes with rustup's Rust or with Debian's, or the one of LLVM.
linker() {
    for rustc in rustc "$debian"; do
        ls "$("$rustc" --print sysroot 2>/dev/null)"/lib/rustlib/*/bin/rust-lld 2>/dev/null && return
    done
    command -v wasm-ld || command -v rust-lld
}

build() {
    cargo build --quiet --release --target $target --target-dir "$folder" "$@"
}

if has_target || has_rustup_target; then
    build
elif has_debian && lld=$(linker | head -n 1) && [ -n "$lld" ]; then
    # It has the source of the standard library only. Building that takes an unstable option.
    export RUSTC=$debian RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$lld"
    build -Z build-std=std,panic_abort
else
    cat >&2 <<END
Nothing here makes WebAssembly. Install one of these and run again:
  rustup target add $target
  apt-get install --no-install-recommends rustc-web rust-web-src lld   (Debian, as root)
The latter must be Rust 1.$oldest or newer.
END
    exit 1
fi

"$ringwright" plugin componentize "$folder/$target/release/{{library}}.wasm" '{{name}}.wasm'
echo '{{name}}.wasm is built'
