#!/usr/bin/env bash
# Tries what scripts/package.sh has made, in a bare Debian without a toolchain: the archive, then the Debian package.
set -eu

usage() {
    cat <<'END'
Usage: scripts/try_packages.sh [--suite NAME] [DIR]

Makes a bare Debian of this machine's release in a temporary directory, and
tries the packages in DIR (target/packages) there as an ordinary user:

  the archive   unpack it and run a first swarm, with the time this takes
  the package   install, run a swarm, man page, completion, remove

With --suite it makes that release of Debian, and tries the archive alone.
It needs root, debootstrap and the mirror that apt uses here. It takes some
minutes and 400 MB, and leaves nothing.
END
}

say() {
    echo "try_packages.sh: $*" >&2
}

# Shows a command and runs it in the bare Debian as an ordinary user.
student() {
    printf '\n$ %s\n' "$*"
    chroot "$root" su - student -c "$*"
}

# The same as root.
admin() {
    printf '\n# %s\n' "$*"
    chroot "$root" sh -c "$*"
}

# Lists all files but those in which apt, dpkg and the programs of the system note what they did.
files() {
    chroot "$root" find / -xdev \( -path /proc -o -path /tmp -o -path /home -o -path /var/log -o -path /var/cache -o \
        -path /var/lib/apt -o -path /var/lib/dpkg \) -prune -o -print | sort
}

own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
suite=$own
alone=
while (($# > 0)); do
    case $1 in
        -h | --help) usage && exit 0 ;;
        --suite) suite=${2:?--suite needs a name} alone=1 && shift 2 ;;
        -*) usage >&2 && exit 2 ;;
        *) break ;;
    esac
done
cd "$(dirname "${BASH_SOURCE[0]}")/.."
packages=${1:-target/packages}
[ "$(id -u)" = 0 ] || { say "it makes a Debian of its own, which takes root"; exit 2; }
command -v debootstrap >/dev/null || { say "there is no debootstrap; install it"; exit 2; }
# shellcheck disable=SC2016 # It is apt that replaces this.
mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Codename: $own" | head -n 1)
[ -n "$mirror" ] || { say "apt names no mirror of Debian $own"; exit 2; }
(cd "$packages" && sha256sum --check --quiet SHA256SUMS)

work=$(mktemp -d "${TMPDIR:-/tmp}/peer_process-try.XXXXXX")
root=$work/root
clean() {
    ! mountpoint -q "$root/proc" || umount "$root/proc"
    rm -rf --one-file-system -- "$work"
}
trap clean EXIT

say "making a bare Debian ($suite)"
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$work/log" 2>&1 || { tail "$work/log" >&2; exit 1; }
cp /etc/resolv.conf "$root/etc"
# Such a Debian has no file of hosts, and no user.
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
mount -t proc proc "$root/proc"
chroot "$root" useradd --create-home --shell /bin/bash student
for program in cargo rustc cc; do
    if chroot "$root" sh -c "command -v $program"; then
        say "this Debian has $program, so it shows nothing"
        exit 1
    fi
done

archive=$(cd "$packages" && echo peer_process-*-"$(uname -m)"-linux.tar.gz)
cp "$packages/$archive" "$root/home/student"
printf '== the archive, in Debian %s with %s\n' "$suite" "$(chroot "$root" ldd --version | head -n 1)"
began=$(date +%s%N)
student "tar xzf $archive"
student "${archive%.tar.gz}/bin/swarm init lab --preset large"
student "${archive%.tar.gz}/bin/swarm start lab"
printf '\nThe first swarm has finished %s ms after the unpacking began.\n' "$((($(date +%s%N) - began) / 1000000))"
student "rm -r lab && cp -r ${archive%.tar.gz}/samples/spec . && cd spec && ../${archive%.tar.gz}/bin/swarm start --make-file"
student "ls -l ${archive%.tar.gz} ${archive%.tar.gz}/bin && ${archive%.tar.gz}/bin/peerProcess --version"
[ -z "$alone" ] || exit 0

deb=$(cd "$packages" && echo peer-process_*.deb)
printf '\n== the Debian package\n'
admin "apt-get -qq update && apt-get -qq install -y --no-install-recommends man-db bash-completion >/dev/null 2>&1"
before=$(files)
cp "$packages/$deb" "$root/tmp"
admin "dpkg --info /tmp/$deb"
admin "dpkg --install /tmp/$deb"
student "swarm init demo --preset large -p 1 -m 2 && swarm start demo --demo-rate"
student "cd demo && swarm clean --yes && (peerProcess 1001 & peerProcess 1002 & peerProcess 1003 & peerProcess 1004 & \
peerProcess 1005 & peerProcess 1006 & wait) 2>/dev/null && tail -n 1 log_peer_1006.log"
student "man swarm-start | head -n 12 && man peerProcess | head -n 4"
student "bash -ic '. /usr/share/bash-completion/bash_completion; _completion_loader swarm; complete -p swarm' 2>/dev/null"
student "bash -ic '. /usr/share/bash-completion/bash_completion; _completion_loader peerProcess; COMP_WORDS=(peerProcess --sel); \
COMP_CWORD=1; _peerProcess peerProcess --sel peerProcess; echo \${COMPREPLY[*]}' 2>/dev/null"
admin "ls -l /usr/bin/swarm /usr/bin/peer* /usr/lib/peer_process"
admin "dpkg --purge peer-process"
printf '\n== what it left\n'
diff <(echo "$before") <(files) && echo nothing
