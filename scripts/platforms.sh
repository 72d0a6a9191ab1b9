#!/usr/bin/env bash
# Builds peer_process for Windows in a Debian chroot, and runs it there under wine.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    cat <<'END'
Usage: scripts/platforms.sh [DIR]

Makes a chroot of Debian sid in DIR (target/platforms) unless it is there,
builds peer_process of the last commit for Windows, and runs:

  swarms of three under wine, and mixed of Linux and wine both ways
  a kill with a resumed download, and SIGINT, under wine
  the library's unit tests under wine

It needs root, a Debian or Ubuntu with debootstrap, 6 GB and up to half an hour. It is no
part of CI. What it prints stands in docs/platforms.md.
END
}

say() {
    echo "platforms.sh: $*" >&2
}

case ${1:-} in
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
esac
[ "$(id -u)" = 0 ] || { say "it needs root, for a chroot"; exit 2; }
for program in debootstrap apt-get cargo git timeout; do
    command -v "$program" >/dev/null || { say "there is no $program"; exit 2; }
done
mkdir -p "${1:-target/platforms}"
work=$(cd "${1:-target/platforms}" && pwd)
root=$work/sid

windows=x86_64-pc-windows-gnu

leave() {
    # The server of wine ends some seconds after its last program, and holds the mounts until then.
    in_root wineserver -k >/dev/null 2>&1 || :
    umount "$root/proc" 2>/dev/null || :
    umount -R -l "$root/dev" 2>/dev/null || :
}

# What a program in the chroot sees of this one's environment.
enter=(chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8
    WINEPREFIX=/root/wine WINEDEBUG=-all DEBIAN_FRONTEND=noninteractive)

in_root() {
    "${enter[@]}" "$@"
}

install() {
    in_root apt-get install -y -q --no-install-recommends "$@" >>"$work/apt.log" 2>&1
}

make_root() {
    # The mirror is the one that this machine uses.
    # shellcheck disable=SC2016 # apt-get replaces it.
    mirror=$(apt-get indextargets --format '$(URI)' 'Created-By: Packages' | sed -n 's:/dists/.*::p' | head -n 1)
    debootstrap --variant=minbase --no-check-gpg sid "$root" "$mirror" >"$work/debootstrap.log"
    echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/99valid"
    cp /etc/resolv.conf "$root/etc/"
    printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
}

fill_root() {
    in_root apt-get update -q >>"$work/apt.log"
    install rustc cargo rust-src gcc-mingw-w64-x86-64 libc6-dev ca-certificates
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
    install wine64 wine
    in_root wine wineboot -i >"$work/wineboot.log" 2>&1
    touch "$root/w/ready"
}

# `in_source NAME=VALUE... cargo ...`: in the source, in the chroot. Its output goes to a file.
in_source() {
    in_root "RUSTC_BOOTSTRAP=1" sh -c 'cd /w/src && exec env "$@"' sh "$@"
}

build() {
    local what=$1 log=$work/build-$1.log started=$SECONDS
    shift
    if in_source "$@" >"$log" 2>&1; then
        echo "build|$what|ok|$((SECONDS - started)) s"
    else
        echo "build|$what|failed|see $log"
        tail -n 20 "$log" >&2
    fi
}

# `peer linux|wine`: the words that start such a peer.
peer() {
    case $1 in
        linux) echo "/w/linux/peer_process" ;;
        wine) echo "wine /w/target/$windows/release/peer_process.exe" ;;
    esac
}

# Makes the directory of a swarm of three with a file of this many bytes.
configure() {
    rm -rf "$root/w/swarm" && mkdir -p "$root/w/swarm/peer_1001"
    printf '%s\n' 'NumberOfPreferredNeighbors 2' 'UnchokingInterval 1' 'OptimisticUnchokingInterval 1' \
        'FileName file.bin' "FileSize $1" 'PieceSize 32768' >"$root/w/swarm/Common.cfg"
    printf '%s\n' '1001 localhost 6001 1' '1002 localhost 6002 0' '1003 localhost 6003 0' >"$root/w/swarm/PeerInfo.cfg"
    head -c "$1" /dev/urandom >"$root/w/swarm/peer_1001/file.bin"
}

# Starts a peer of this kind; its process ID is in `started`.
begin() {
    local kind=$1 id=$2
    shift 2
    # shellcheck disable=SC2046 # The words of a command.
    (exec "${enter[@]}" sh -c 'cd /w/swarm && exec "$@"' sh $(peer "$kind") "$id" "$@" 2>>"$work/peers.log" </dev/null) &
    started=$!
}

are_equal() {
    cmp -s "$root/w/swarm/peer_1001/file.bin" "$root/w/swarm/peer_1002/file.bin" &&
        cmp -s "$root/w/swarm/peer_1001/file.bin" "$root/w/swarm/peer_1003/file.bin"
}

swarm() {
    local status statuses='' all='' id=1001
    configure 8000000
    for kind in "$@"; do
        begin "$kind" "$id" --peer-timeout 60
        all="$all $started" id=$((id + 1))
    done
    for process in $all; do
        status=0
        wait "$process" || status=$?
        statuses="$statuses $status"
    done
    are_equal && statuses="$statuses, identical" || statuses="$statuses, NOT identical"
    echo "swarm|$*|$statuses"
}

# Waits until a file has this text, for at most 30 s.
wait_for_text() {
    # shellcheck disable=SC2016 # That shell replaces them.
    timeout 30 sh -c 'until grep -q "$1" "$2" 2>/dev/null; do sleep 0.1; done' sh "$1" "$2"
}

# SIGINT, and a kill in the middle of a download that is resumed.
signals() {
    local kind=$1 status=0
    configure 8000000
    begin "$kind" 1001
    local seeder=$started
    wait_for_text . "$root/w/swarm/log_peer_1001.log" || :
    begin "$kind" 1002 --download-limit 1M
    wait_for_text 'downloaded the piece' "$root/w/swarm/log_peer_1002.log"
    kill -KILL "$started"
    wait "$started" 2>/dev/null || :
    begin "$kind" 1002
    local second=$started
    begin "$kind" 1003
    local third=$started
    for process in "$seeder" "$second" "$third"; do
        wait "$process" || status=$?
    done
    are_equal || status=different
    echo "kill and resume|$kind|status $status, $(grep -c 'downloaded the piece' "$root/w/swarm/log_peer_1002.log") pieces in the log"
    configure 8000000
    status=0
    : >"$work/peers.log"
    begin "$kind" 1002
    wait_for_text 'listening' "$work/peers.log" || :
    kill -INT "$started"
    wait "$started" || status=$?
    echo "SIGINT|$kind|status $status"
}

[ -d "$root/etc" ] || make_root
mkdir -p "$root/w" "$root/proc" "$root/dev"
trap leave EXIT
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --make-rslave "$root/dev"
[ -f "$root/w/ready" ] || fill_root
rm -rf "$root/w/src" && mkdir -p "$root/w/src"
git archive HEAD | tar -x -C "$root/w/src"
: >"$work/peers.log"

echo "date|$(date -u +%F)|commit|$(git rev-parse --short HEAD)"
echo "versions|$(in_root rustc --version)|$(in_root wine --version)"
echo "versions|$(in_root x86_64-w64-mingw32-gcc --version | head -n 1)"
options=(--locked --no-default-features --features discovery)
std=("-Zbuild-std=std,panic_unwind" --target "$windows")
where=CARGO_TARGET_DIR=/w/target
build windows $where cargo build --release "${options[@]}" --bin peer_process "${std[@]}"
cargo build --locked --no-default-features --features discovery --bin peer_process 2>"$work/build-linux.log"
mkdir -p "$root/w/linux"
cp target/debug/peer_process "$root/w/linux/"
swarm wine wine wine
swarm linux wine wine
swarm wine linux linux
signals wine
build unit-tests $where cargo test --no-run "${options[@]}" --lib "${std[@]}"
tests=$(sed -n 's/.*Executable unittests src\/lib.rs (\(.*\))/\1/p' "$work/build-unit-tests.log")
in_root sh -c "cd /w/src && exec timeout 900 wine $tests" >"$work/unit-wine.log" 2>&1 || :
echo "unit tests|wine|$(sed -n 's/^test result: //p' "$work/unit-wine.log")"
sed -n 's/^test \(.*\) \.\.\. FAILED$/  failed: \1/p' "$work/unit-wine.log"
