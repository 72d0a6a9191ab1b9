#!/usr/bin/env bash
# The tracker in qBittorrent keeps members that went silent: a day later it still hands out their addresses.
#
# Version: qbittorrent-nox 4.5.2-3+deb12u1 (Debian 12), with "Enable embedded tracker"; its clock is moved by libfaketime 0.9.10-2.1.
# One would guess: it asks for an announce each 1800 s (`interval`) and drops a member that missed one or two. opentracker drops it
#   after 45 minutes, bittorrent-tracker after 20.
# What happens: after 25 hours and 50 announces of the one living member, the answer still lists the silent ones. It counts them in
#   `complete` and `incomplete`, too. Only event=stopped removes a member (or number 201, since 200 are kept).
# Who is hurt: a newcomer after some crashes, who dials dead addresses first. Programs that read `incomplete` as "somebody still
#   downloads", too: a seeder that waits for it to become 0 waits without end.
set -euo pipefail

if [ "${1:-}" != inside ]; then
  home=$(mktemp -d)
  trap 'rm -rf "$home"' EXIT
  cd "$home"
  debian() { apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@"; }
  packages=(qbittorrent-nox=4.5.2-3+deb12u1 libfaketime=0.9.10-2.1 libtorrent-rasterbar2.0
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
mkdir -p profile/qBittorrent/config
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
library=root/usr/lib/x86_64-linux-gnu
echo +0s > clock
HOME=$PWD QT_PLUGIN_PATH=$library/qt5/plugins LD_LIBRARY_PATH=$library \
  LD_PRELOAD=$PWD/$library/faketime/libfaketimeMT.so.1 FAKETIME_TIMESTAMP_FILE=$PWD/clock FAKETIME_NO_CACHE=1 \
  root/usr/bin/qbittorrent-nox --profile="$PWD/profile" > qbittorrent.log 2>&1 &
started+=($!)
cat > ask.py <<'PY'
import email.utils, re, socket, sys, time, urllib.request

def announce(member, left, event=""):
    path = f"/announce?info_hash={'a' * 20}&peer_id={member:020d}&port={5000 + member}&uploaded=0&downloaded=0&left={left}&compact=1{event}"
    with urllib.request.urlopen("http://127.0.0.1:9000" + path, timeout=10) as answer:
        body, clock = answer.read(), email.utils.parsedate_to_datetime(answer.headers["date"])
    peers = re.search(rb"5:peers(\d+):", body)
    number = lambda key: int(re.search(key + rb"i(\d+)e", body)[1])
    packed = body[peers.end():peers.end() + int(peers[1])]
    ports = sorted(int.from_bytes(packed[at + 4:at + 6], "big") for at in range(0, len(packed), 6))
    return number(b"8:complete"), number(b"10:incomplete"), number(b"8:interval"), ports, clock

for _ in range(200):
    try:
        socket.create_connection(("127.0.0.1", 9000)).close()
        break
    except ConnectionRefusedError:
        time.sleep(0.1)
else:
    sys.exit("nothing listens on port 9000")
announce(1, 0, "&event=started")
announce(2, 9, "&event=started")
before = announce(3, 9, "&event=started")
print("at first:       complete %d, incomplete %d, interval %d, ports %s, the tracker's clock says %s" % before)
for half_hour in range(1, 51):
    with open("clock", "w") as clock:
        clock.write(f"+{1800 * half_hour}s\n")
    after = announce(3, 9)
print("25 hours later: complete %d, incomplete %d, interval %d, ports %s, the tracker's clock says %s" % after)
assert before[2] == 1800, "the interval has changed"
assert (after[4] - before[4]).total_seconds() > 24 * 3600, "the tracker's clock did not follow"
assert after[:2] == (1, 2) and after[3] == [5001, 5002, 5003], "silent members are dropped now"
gone = announce(2, 9, "&event=stopped")
assert gone[1] == 1, "event=stopped no longer removes a member"
print("qBittorrent 4.5.2 lists and counts members that missed 50 announces; only event=stopped removes them.")
PY
python3 ask.py
