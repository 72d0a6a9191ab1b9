#!/usr/bin/env bash
# "No peers, please" and "as many as you like": three trackers read numwant=0 and numwant=-1 in three ways.
#
# Versions: opentracker 0.0~git20210823.110868e-3 and qbittorrent-nox 4.5.2-3+deb12u1 (Debian 12), bittorrent-tracker 11.2.3 (npm).
# One would guess: numwant=0 gets no peers, and -1, the value that means "default" in the UDP protocol (BEP 15), gets as many as
#   no numwant at all.
# What happens, with three members:   numwant=0   numwant=-1
#   opentracker                        none        all three
#   bittorrent-tracker                 all three   none
#   the tracker in qBittorrent         none        refused: Invalid "numwant" parameter
# Who is hurt: a client that hands its -1 on from UDP to HTTP finds nobody on one tracker and gets an error from another.
#   One that says numwant=0 with event=completed, to spare the tracker, is sent full lists all the same. Leaving numwant out works everywhere.
set -euo pipefail

if [ "${1:-}" != inside ]; then
  home=$(mktemp -d)
  trap 'rm -rf "$home"' EXIT
  cd "$home"
  debian() { apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@"; }
  packages=(qbittorrent-nox=4.5.2-3+deb12u1 opentracker=0.0~git20210823.110868e-3 libowfat0=0.32-4 libtorrent-rasterbar2.0
    libqt5core5a libqt5dbus5 libqt5network5 libqt5sql5 libqt5sql5-sqlite libqt5xml5 libdouble-conversion3 libpcre2-16-0)
  debian "${packages[@]}" || { apt-get -qq update && debian "${packages[@]}"; }
  for package in *.deb; do dpkg-deb -x "$package" root; done
  npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional bittorrent-tracker@11.2.3 > npm.log
  cd "$OLDPWD"
  # qBittorrent's tracker listens on all addresses; a network namespace of its own has loopback and nothing else
  unshare --net "$0" inside "$home"
  exit
fi

cd "$2"
ip link set lo up
started=()
finish() { for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; }
trap finish EXIT
# opentracker changes root to the directory of the list and gives up root before it reads it
mkdir -p list profile/qBittorrent/config
chmod 755 . list
printf '%040d\n' 0 | sed 's/00/61/g' > list/hashes
LD_LIBRARY_PATH=root/usr/lib root/usr/bin/opentracker -i 127.0.0.1 -p 9001 -d list -w /hashes > opentracker.log 2>&1 &
started+=($!)
cat > tracker.mjs <<'JS'
import Server from 'bittorrent-tracker/server'
new Server({ http: true, udp: false, ws: false }).listen(9002, '127.0.0.1')
JS
node tracker.mjs > tracker.log 2>&1 &
started+=($!)
cat > profile/qBittorrent/config/qBittorrent.conf <<'CONF'
[LegalNotice]
Accepted=true
[BitTorrent]
TrackerEnabled=true
Session\DHTEnabled=false
Session\LSDEnabled=false
[Preferences]
Advanced\trackerPort=9003
WebUI\Address=127.0.0.1
CONF
HOME=$PWD QT_PLUGIN_PATH=root/usr/lib/x86_64-linux-gnu/qt5/plugins LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu \
  root/usr/bin/qbittorrent-nox --profile="$PWD/profile" > qbittorrent.log 2>&1 &
started+=($!)

announce() { # port, member, further parameters
  curl -s --retry 40 --retry-delay 1 --retry-connrefused \
    "http://127.0.0.1:$1/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0001-member00000$2&port=500$2&uploaded=0&downloaded=0&left=9&compact=1$3"
}
listed() { # how many members an answer holds, or why it holds none
  local bytes
  announce "$1" 1 "$2" > answer
  bytes=$(LC_ALL=C grep -aoP '5:peers\K[0-9]+(?=:)' answer) || bytes=
  if [ -n "$bytes" ]; then echo $((bytes / 6)); else LC_ALL=C grep -aoP 'failure reason[0-9]+:\K[^e]*e.*(?=e$)' answer; fi
}
wrong=0
check() { # name, port, expected for: no numwant, 0, -1
  local member found
  for member in 1 2 3; do announce "$2" "$member" "&event=started" > answer; done
  found="$(listed "$2" ""), $(listed "$2" "&numwant=0"), $(listed "$2" "&numwant=-1")"
  echo "$1: members listed without numwant, with 0, with -1: $found"
  [ "$found" = "$3" ] || { echo "  that is not what was seen before: $3" >&2; wrong=1; }
}
check "opentracker                " 9001 '3, 0, 3'
check "bittorrent-tracker 11.2.3  " 9002 '3, 3, 0'
check "tracker of qBittorrent 4.5.2" 9003 '3, 0, Invalid "numwant" parameter'
[ "$wrong" = 0 ]
