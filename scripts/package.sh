#!/usr/bin/env bash
# Builds what people without a Rust toolchain install: archives, a Debian package, and their checksums.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'END'
Usage: scripts/package.sh [DIR]

Builds packages of both programs in DIR (target/packages):

  peer_process-VERSION-MACHINE-linux.tar.gz  static, with musl
  peer-process_VERSION_ARCH.deb              for Debian and Ubuntu
  SHA256SUMS                                 of all of them

It runs on Linux, and needs Rust's standard library for musl: `rustup target
add MACHINE-unknown-linux-musl`. If the toolchain is there, it also builds an
archive for aarch64 Linux, which qemu-aarch64 must be able to run, and a zip
for Windows. Otherwise it says what is missing. DEBFULLNAME and DEBEMAIL name
the maintainer of the Debian package.
END
}

say() {
    echo "package.sh: $*" >&2
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
esac

for program in cargo rustc python3 tar gzip objdump sha256sum; do
    command -v "$program" >/dev/null || { say "there is no $program"; exit 2; }
done
host=$(rustc --print host-tuple)
machine=${host%%-*}
# Not the GNU C library: a static program with it loads the services of names that /etc/nsswitch.conf lists, such as mDNS. It
# crashes if they are of another version of that library.
static=$machine-unknown-linux-musl
case $host in
    *-linux-*) ;;
    *) say "it builds for Linux on Linux, and this is $host"; exit 2 ;;
esac

# lacks TARGET PROGRAM... says what is missing for a build, if anything is.
lacks() {
    local target=$1 program missing=
    shift
    for program; do
        command -v "$program" >/dev/null || missing="$missing, $program"
    done
    [ -d "$(rustc --print target-libdir --target "$target")" ] || missing="$missing, Rust's standard library for it"
    [ -n "$missing" ] || return 1
    say "left out $target: it needs ${missing#, }"
}

if lacks "$static"; then
    say "without it there is nothing to pack"
    exit 2
fi
out=${1:-target/packages}
builds=target/packaging
version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
# The same files give the same archives.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

work=$(mktemp -d "${TMPDIR:-/tmp}/peer_process-package.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
mkdir -p "$out"
rm -f "$out"/peer_process-*.tar.gz "$out"/peer_process-*.zip "$out"/peer-process_*.deb "$out"/SHA256SUMS

# build KIND TARGET [COMPILER] builds both programs; their directory becomes $built. No path of this machine is in them.
# COMPILER links them, and compiles the few files in C and assembler that packages bring.
build() {
    local kind=$1 target=$2 compiler=${3:-} settings=() name=${2//-/_}
    say "building for $target ($kind)"
    # The system's headers may ask for functions of the GNU C library that check sizes.
    [ -z "$compiler" ] ||
        settings=("CC_$name=$compiler" "CFLAGS_$name=-U_FORTIFY_SOURCE" "CARGO_TARGET_${name^^}_LINKER=$compiler")
    env "${settings[@]}" RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
        cargo build --release --locked --target "$target" --target-dir "$builds/$kind" --bin peer_process --bin swarm
    built=$builds/$kind/$target/release
}

# share DIR writes completions and man pages below DIR, as Unix lays them.
share() {
    local dir=$1 program
    mkdir -p "$dir/bash-completion/completions" "$dir/zsh/vendor-completions" "$dir/fish/vendor_completions.d"
    for program in peer_process peerProcess swarm; do
        "$swarm" generate completions bash "$program" >"$dir/bash-completion/completions/$program"
        "$swarm" generate completions zsh "$program" >"$dir/zsh/vendor-completions/_$program"
        "$swarm" generate completions fish "$program" >"$dir/fish/vendor_completions.d/$program.fish"
    done
    "$swarm" generate man "$dir/man/man1"
    printf '.so man1/peer_process.1\n' >"$dir/man/man1/peerProcess.1"
}

# papers DIR TARGET writes what people read and what licences ask for.
papers() {
    local dir=$1 preset
    mkdir -p "$dir"
    cp -r README.md CHANGELOG.md SECURITY.md LICENSE-MIT LICENSE-APACHE docs "$dir"
    scripts/third_party.py "$2" >"$dir/THIRD-PARTY.txt"
    # Each has a directory of its own, to be copied and run. The file to share is not part of a package.
    mkdir -p "$dir/samples/spec"
    cp Common.cfg PeerInfo.cfg "$dir/samples/spec"
    for preset in small large; do
        "$swarm" init --preset "$preset" --port 6001 "$work/$preset" >/dev/null 2>&1
        mkdir -p "$dir/samples/$preset"
        mv "$work/$preset"/*.cfg "$dir/samples/$preset"
        rm -r "${work:?}/$preset"
    done
    chmod -R u=rwX,go=rX "$dir"
}

# archive NAME packs the directory $work/NAME.
archive() {
    tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -cf - "$1" |
        gzip -9n >"$out/$1.tar.gz"
}

# tarball MACHINE TARGET makes the archive of the programs in $built.
tarball() {
    local name=peer_process-$version-$1-linux
    mkdir -p "$work/$name/bin"
    cp "$built/peer_process" "$built/swarm" "$work/$name/bin"
    ln -s peer_process "$work/$name/bin/peerProcess"
    papers "$work/$name" "$2"
    share "$work/$name/share"
    archive "$name"
}

# The packages that the programs need, found in what they were linked with.
depends() {
    local library least
    for library in $(objdump -p "$@" | sed -n 's/^ *NEEDED *//p' | sort -u); do
        case $library in
            libc.so.6 | libm.so.6 | ld-linux*) ;;
            libgcc_s.so.1) printf 'libgcc-s1, ' ;;
            *) say "no package is known for $library, which a program needs"; return 1 ;;
        esac
    done
    least=$(objdump -p "$@" | grep -o 'GLIBC_2\.[0-9]*' | sort -Vu | tail -n 1)
    printf 'libc6 (>= %s)\n' "${least#GLIBC_}"
}

# The Debian package has the programs in $built, and for other hosts the static builds in $work/static. cargo-deb would do the
# same, but is one more tool, and the files lie there anyway.
debian() {
    local root=$work/debian name=peer-process needs arch
    arch=$(dpkg --print-architecture)
    needs=$(depends "$built/peer_process" "$built/swarm")
    mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/lib/peer_process" "$root/usr/share/doc"
    cp "$built/peer_process" "$built/swarm" "$root/usr/bin"
    ln -s peer_process "$root/usr/bin/peerProcess"
    cp "$work"/static/* "$root/usr/lib/peer_process"
    share "$root/usr/share"
    gzip -9n "$root"/usr/share/man/man1/*.1
    papers "$root/usr/share/doc/$name" "$host"
    (
        cd "$root/usr/share/doc/$name"
        gzip -9n CHANGELOG.md THIRD-PARTY.txt
        mv CHANGELOG.md.gz changelog.gz
        {
            echo "The programs are licensed under MIT or Apache-2.0, at your option. THIRD-PARTY.txt.gz has the licences of"
            echo "what is linked into them. Apache-2.0 is in /usr/share/common-licenses; this is MIT:"
            echo
            cat LICENSE-MIT
        } >copyright
        rm LICENSE-MIT LICENSE-APACHE
    )
    (cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
    cat >"$root/DEBIAN/control" <<END
Package: $name
Version: $version
Section: net
Priority: optional
Architecture: $arch
Maintainer: ${DEBFULLNAME:-The developers of peer_process} <${DEBEMAIL:-nobody@localhost}>
Installed-Size: $(du -ks "$root/usr" | cut -f1)
Depends: $needs
Suggests: openssh-client
Description: peer of a course protocol for file sharing
 peer_process is one peer of the University of Florida course protocol for
 peer-to-peer file sharing, also under the name peerProcess. swarm runs many
 of them, here and over ssh, tests peers of other authors, and reads logs.
END
    chmod -R u=rwX,go=rX "$root"
    dpkg-deb --root-owner-group --build "$root" "$out/${name}_${version}_$arch.deb" >/dev/null
}

build static "$static" cc
swarm=$built/swarm
mkdir "$work/static"
cp "$built/peer_process" "$work/static/peer_process-linux-$machine"
tarball "$machine" "$static"

arm=aarch64-unknown-linux-musl
if [ "$static" != "$arm" ] && ! lacks "$arm" aarch64-linux-gnu-gcc qemu-aarch64; then
    build static "$arm" aarch64-linux-gnu-gcc
    for program in peer_process swarm; do
        qemu-aarch64 "$built/$program" --version >/dev/null
    done
    cp "$built/peer_process" "$work/static/peer_process-linux-aarch64"
    tarball aarch64 "$arm"
fi

windows=x86_64-pc-windows-gnu
if ! lacks "$windows" x86_64-w64-mingw32-gcc zip; then
    build windows "$windows"
    name=peer_process-$version-x86_64-windows
    mkdir "$work/$name"
    cp "$built/peer_process.exe" "$built/swarm.exe" "$work/$name"
    # A zip has no links.
    cp "$built/peer_process.exe" "$work/$name/peerProcess.exe"
    papers "$work/$name" "$windows"
    mkdir "$work/$name/completions"
    for program in peer_process peerProcess swarm; do
        "$swarm" generate completions powershell "$program" >"$work/$name/completions/$program.ps1"
    done
    find "$work/$name" -exec touch -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$work" && zip -qrX "$name.zip" "$name")
    mv "$work/$name.zip" "$out"
fi

if command -v dpkg-deb >/dev/null; then
    build dynamic "$host"
    debian
else
    say "left out the Debian package: there is no dpkg-deb"
fi

(cd "$out" && sha256sum -- peer* >SHA256SUMS)
say "made in $out:"
ls -l "$out" >&2
