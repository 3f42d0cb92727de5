#!/bin/sh
# Makes sure that a base image is there: by itself, or pulled, or, where no registry can be
# reached, made here under the name it would have had.
#
#   base.sh debian:bookworm-slim    of Debian's packages
#   base.sh rust:1.95-bookworm      of these, and this machine's Rust
set -eu
image=$1

say() { echo "docker: $*" >&2; }
die() { say "$@"; exit 1; }

docker image inspect "$image" >/dev/null 2>&1 && exit
say "pulling $image"
timeout 300 docker pull --quiet "$image" >&2 && exit

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Debian's smallest system, without what nobody reads in a container.
debian() {
    suite=$1
    say "no registry answers: making $image of Debian's packages"
    if ! command -v debootstrap >/dev/null; then
        [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null &&
            apt-get install -y -qq --no-install-recommends debootstrap </dev/null >&2 ||
            die "debootstrap is missing: apt-get install debootstrap (as root)"
    fi
    [ "$(id -u)" = 0 ] || die "debootstrap wants root: run this once as root, or pull $image"
    debootstrap --variant=minbase "$suite" "$work/root" >"$work/log" 2>&1 ||
        { tail -n 20 "$work/log" >&2; die "debootstrap failed"; }
    rm -rf "$work"/root/var/cache/apt/* "$work"/root/var/lib/apt/lists/* \
        "$work"/root/usr/share/doc/* "$work"/root/usr/share/man/* \
        "$work"/root/usr/share/locale/* "$work"/root/usr/share/info/*
    printf 'path-exclude /usr/share/%s/*\n' doc man locale info \
        >"$work/root/etc/dpkg/dpkg.cfg.d/docker"
    tar -C "$work/root" --numeric-owner -c . | docker import - "$image" >/dev/null
}

# The same with a C compiler and the Rust that runs here: its release must be the one asked for.
rust() {
    release=$1
    command -v rustc >/dev/null || die "no registry answers, and no Rust is here to make $image of"
    case "$(rustc --version)" in
        "rustc $release."*) ;;
        *) die "no registry answers, and $image wants Rust $release: $(rustc --version) is here" ;;
    esac
    base=debian:bookworm-slim
    sh "$0" "$base"
    say "no registry answers: making $image of $base and this machine's Rust"
    cp -a "$(rustc --print sysroot)" "$work/rust"
    cat >"$work/Dockerfile" <<-DOCKERFILE
	FROM $base
	RUN apt-get update -qq \
	    && apt-get install -y -qq --no-install-recommends ca-certificates gcc libc6-dev \
	    && rm -rf /var/lib/apt/lists/*
	COPY rust /usr/local/rust
	COPY *.crt /usr/local/share/ca-certificates/
	RUN update-ca-certificates
	ENV PATH=/usr/local/rust/bin:\$PATH
	DOCKERFILE
    # Whom this machine trusts, as a registry may be reached through a proxy of its own.
    cp /etc/ssl/certs/ca-certificates.crt "$work/machine.crt" 2>/dev/null || : >"$work/machine.crt"
    docker build --quiet --tag "$image" "$work" >/dev/null
}

case "$image" in
    debian:*-slim) suite=${image#debian:}; debian "${suite%-slim}" ;;
    rust:*-bookworm) release=${image#rust:}; rust "${release%-bookworm}" ;;
    *) die "no registry answers, and $image cannot be made here" ;;
esac
