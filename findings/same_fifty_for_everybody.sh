#!/usr/bin/env bash
# The tracker in qBittorrent gives everybody the same 50 members and never lists the others of a larger swarm.
#
# Version: qbittorrent-nox 4.5.2-3+deb12u1 (Debian 12), with "Enable embedded tracker"; compared with opentracker 0.0~git20210823.110868e-3.
# One would guess: of 60 members each answer holds some 50, chosen by chance as BEP 3 has it. A client that asks again comes to know all.
# What happens: all 60 members ask 40 times each, and the 2400 answers together hold 50 to 52 members. At least eight are in no answer at all.
#   opentracker's answers together hold all 60.
# Who is hurt: those eight to ten, whom nobody dials. Two of them never meet, and one that can only be dialed is out of the swarm.
#   All connections crowd at the other 50.
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
mkdir -p profile/qBittorrent/config list
cat > profile/qBittorrent/config/qBittorrent.conf <<'CONF'
[LegalNotice]
Accepted=true
[BitTorrent]
TrackerEnabled=true
Session\DHTEnabled=false
Session\LSDEnabled=false
[Preferences]
Advanced\trackerPort=9000
WebUI\Address=127.0.0.1
CONF
HOME=$PWD QT_PLUGIN_PATH=root/usr/lib/x86_64-linux-gnu/qt5/plugins LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu \
  root/usr/bin/qbittorrent-nox --profile="$PWD/profile" > qbittorrent.log 2>&1 &
started+=($!)
# opentracker changes root to the directory of the list and gives up root before it reads it
chmod 755 . list
printf '%040d\n' 0 | sed 's/00/61/g' > list/hashes
LD_LIBRARY_PATH=root/usr/lib root/usr/bin/opentracker -i 127.0.0.1 -p 9001 -d list -w /hashes > opentracker.log 2>&1 &
started+=($!)
cat > ask.py <<'PY'
import re, socket, sys, time, urllib.request

def announce(port, member, event):
    # one connection for each announce: opentracker ends it, qBittorrent's tracker never does
    path = f"/announce?info_hash={'a' * 20}&peer_id={member:020d}&port={5000 + member}&uploaded=0&downloaded=0&left=9&compact=1{event}"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        body = answer.read()
    peers = re.search(rb"5:peers(\d+):", body)
    assert peers, body
    packed = body[peers.end():peers.end() + int(peers[1])]
    return {packed[at:at + 6] for at in range(0, len(packed), 6)}

def listening(port):
    for _ in range(200):
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
    sys.exit(f"nothing listens on port {port}")

def measure(name, port):
    listening(port)
    for member in range(60):
        announce(port, member, "&event=started")
    answers = [announce(port, member, "") for _ in range(40) for member in range(60)]
    known = set().union(*answers)
    print(f"{name}: 60 members, {len(answers)} answers with {sorted({len(a) for a in answers})} of them; members in any answer: {len(known)}")
    return len(known), {len(a) for a in answers}

opentracker = measure("opentracker", 9001)
qbittorrent = measure("qBittorrent's tracker", 9000)
assert opentracker == (60, {50}), "opentracker answers otherwise than was seen before"
# where two members share a place in its table, an announce may change their order: that moves one or two over the edge
assert qbittorrent[1] == {50} and qbittorrent[0] <= 55, "qBittorrent's tracker no longer answers with the same 50"
print(f"qBittorrent 4.5.2 lists {60 - qbittorrent[0]} of 60 members to nobody.")
PY
python3 ask.py
