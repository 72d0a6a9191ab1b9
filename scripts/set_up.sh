#!/usr/bin/env bash
# Installs what the tests need, and says what is still missing. Ends with 0 only if nothing is missing.
# Further programs can be named: `scripts/set_up.sh shellcheck`.
set -eu

# Each program, Debian's packages for it, and what is left out without it.
programs() {
    cat <<'END'
cc         gcc,libc6-dev   the build itself
aria2c     aria2           the clients of others in tests/track, and one test of tests/swarm_cli
chromium   chromium        tests/replay
python3    python3         tests/foreign and a part of tests/swarm_cli
ssh        openssh-client  tests/ssh and one test of tests/swarm_cli
ssh-keygen openssh-client  tests/ssh
sshd       openssh-server  tests/ssh
tcsh       tcsh            one test of tests/ssh
transmission-cli transmission-cli one test of tests/track
tshark     tshark          tests/dissector
ip         iproute2        tests/laptops and a part of tests/hosts
nft        nftables        tests/laptops
unshare    util-linux      the tests with a disk of their own
nsenter    util-linux      the tests with a disk of their own
prlimit    util-linux      the tests with few threads or open files
END
    for program; do
        echo "$program $program the check by $program"
    done
}

# The PATH of an ordinary user may lack the place of sshd and ip.
has() {
    PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin command -v "$1" >/dev/null
}

# Prints the lines of the programs that are not there.
missing() {
    programs "$@" | while read -r program rest; do
        has "$program" || echo "$program $rest"
    done
}

# Prints these fields of the lines, each entry once, with commas between.
fields() {
    tr -s ' ' | cut -d' ' -f"$1" | awk '!seen[$0]++ { printf "%s%s", comma, $0; comma = ", " }'
}

say() {
    echo "set_up.sh: $*" >&2
}

# As root directly, else through sudo. It reads no answer, so it asks nothing.
apt() {
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o DPkg::Lock::Timeout=60 "$@" </dev/null >&2
}

lacks=$(missing "$@")
[ -n "$lacks" ] || exit 0

sudo=()
reason=
if ! command -v apt-get >/dev/null; then
    reason="this machine has no apt-get"
elif [ "$(id -u)" != 0 ]; then
    sudo=(sudo -n)
    "${sudo[@]}" true </dev/null 2>/dev/null || reason="that takes root, or a sudo that asks for no password"
fi

if [ -z "$reason" ]; then
    IFS=', ' read -ra packages <<<"$(fields 2 <<<"$lacks")"
    say "installing ${packages[*]} with apt-get"
    case " ${packages[*]} " in
        *" openssh-server "*) say "openssh-server may also start a service; the tests do not need that one" ;;
    esac
    # One package that cannot be had must not keep the others away.
    apt update || true
    if ! apt install -y --no-install-recommends "${packages[@]}" && ((${#packages[@]} > 1)); then
        for package in "${packages[@]}"; do
            apt install -y --no-install-recommends "$package" || true
        done
    fi
    lacks=$(missing "$@")
    [ -n "$lacks" ] || exit 0
    reason="apt-get has failed"
fi
say "cannot install $(fields 1 <<<"$lacks"): $reason."
say "This leaves out: $(fields 3- <<<"$lacks")."
exit 1
