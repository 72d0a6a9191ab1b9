#!/usr/bin/env bash
# Local discovery (BEP 14) allows several hashes in one datagram; transmission and aria2 read the first one only.
#
# Versions: transmission-daemon 3.00-2.1+deb12u1, aria2 1.36.0-1 (Debian 12), libtorrent 2.0.11 (PyPI).
# One would guess: since the document says that `Infohash` may stand in a message several times, clients look at each.
# What happens: a client hears "I have torrent X and torrent Y" and is in Y. libtorrent dials the sender. transmission says in its
#   log that it cannot serve X, aria2 notes X, and neither looks at Y. With Y first all three dial.
# Who is hurt: a program that puts its torrents into one datagram, as the document advises: on the local network most clients find
#   it for one torrent only. One datagram for each torrent works with all.
set -euo pipefail

if [ "${1:-}" != inside ]; then
  home=$(mktemp -d)
  trap 'rm -rf "$home"' EXIT
  cd "$home"
  debian() { apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@"; }
  packages=(transmission-daemon=3.00-2.1+deb12u1 transmission-cli=3.00-2.1+deb12u1 libminiupnpc17 libnatpmp1 libevent-2.1-7 libcurl4
    aria2=1.36.0-1 libaria2-0=1.36.0-1 libc-ares2 libssh2-1)
  debian "${packages[@]}" || { apt-get -qq update && debian "${packages[@]}"; }
  for package in *.deb; do dpkg-deb -x "$package" root; done
  python3 -m venv venv
  venv/bin/pip install --quiet --disable-pip-version-check libtorrent==2.0.11
  cd "$OLDPWD"
  # multicast stays in a network namespace of its own
  unshare --net "$0" inside "$home"
  exit
fi

cd "$2"
home=$PWD
ip link set lo up
ip link add lan0 type veth peer name lan1
ip link set lan0 up
ip link set lan1 up
for host in 1 11 12 13; do ip address add "10.77.0.$host/24" dev lan0; done
ip route add default dev lan0
started=()
finish() { for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; }
trap finish EXIT
export LD_LIBRARY_PATH=$home/root/usr/lib/x86_64-linux-gnu
head -c 1000000 /dev/zero > film.bin
root/usr/bin/transmission-create -s 256 -o film.torrent film.bin > create.log
hash=$(root/usr/bin/transmission-show film.torrent | sed -n 's/^ *Hash: //p')

mkdir -p transmission/watch transmission/files aria2
cp film.torrent transmission/watch/
cat > transmission/settings.json <<JSON
{"lpd-enabled": true, "dht-enabled": false, "pex-enabled": false, "utp-enabled": false, "encryption": 0, "port-forwarding-enabled": false,
 "rpc-enabled": false, "peer-port": 6001, "watch-dir": "$home/transmission/watch", "watch-dir-enabled": true,
 "download-dir": "$home/transmission/files"}
JSON
root/usr/bin/transmission-daemon -f -g transmission -e transmission.log --log-debug > /dev/null 2>&1 &
started+=($!)
root/usr/bin/aria2c --no-conf -d aria2 --bt-enable-lpd=true --bt-lpd-interface=lan0 --enable-dht=false --enable-dht6=false \
  --listen-port=6002 --summary-interval=0 --log=aria2.log --log-level=info film.torrent > /dev/null 2>&1 &
started+=($!)
cat > client.py <<'PY'
import libtorrent, time
session = libtorrent.session({"enable_lsd": True, "enable_dht": False, "enable_upnp": False, "enable_natpmp": False, "enable_outgoing_utp": False,
    "enable_incoming_utp": False, "out_enc_policy": 2, "listen_interfaces": "10.77.0.1:6003"})
session.add_torrent({"ti": libtorrent.torrent_info("film.torrent"), "save_path": "libtorrent"})
time.sleep(120)
PY
LD_LIBRARY_PATH='' venv/bin/python client.py > client.log 2>&1 &
started+=($!)

cat > senders.py <<'PY'
# three senders, each with an address of its own, who announce the torrent and note the peer ids of those who dial them
import socket, sys, threading, time

own, other = sys.argv[1], "ab" * 20
senders = {"the hash alone": ("10.77.0.11", [own]), "the hash, then another": ("10.77.0.12", [own, other]), "another, then the hash": ("10.77.0.13", [other, own])}
clients = {b"-TR3000-": "transmission", b"A2-1-36-": "aria2", b"-LT20B0-": "libtorrent"}
dialed = {name: set() for name in senders}

def accept(name, listener):
    while True:
        connection, _ = listener.accept()
        connection.settimeout(5)
        shake = b""
        try:
            # the handshake: 48 bytes up to the info hash, then the peer id; aria2 and others wait for ours only after theirs
            while len(shake) < 68 and (more := connection.recv(68 - len(shake))):
                shake += more
        except OSError:
            pass
        connection.close()
        if shake[28:48].hex() == own:
            dialed[name].add(clients.get(shake[48:56], repr(shake[48:56])))

for name, (address, _) in senders.items():
    listener = socket.create_server((address, 7000))
    threading.Thread(target=accept, args=(name, listener), daemon=True).start()
deadline = time.monotonic() + 60
enough = None
while time.monotonic() < deadline and (enough is None or time.monotonic() < enough):
    for address, hashes in senders.values():
        lines = ["BT-SEARCH * HTTP/1.1", "Host: 239.192.152.143:6771", "Port: 7000", *("Infohash: " + hash for hash in hashes), "", "", ""]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((address, 0))
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            sender.sendto("\r\n".join(lines).encode(), ("239.192.152.143", 6771))
    time.sleep(2)
    # what may not come is given as long as ten more announcements after the others came
    if enough is None and all(len(dialed[name]) == 3 for name in list(senders)[:2]) and "libtorrent" in dialed["another, then the hash"]:
        enough = time.monotonic() + 20
for name in senders:
    print(f"a datagram with {name}: dialed by {', '.join(sorted(dialed[name])) or 'nobody'}")
all_three = {"transmission", "aria2", "libtorrent"}
assert dialed["the hash alone"] == all_three and dialed["the hash, then another"] == all_three, "not every client dials where the hash stands first"
assert dialed["another, then the hash"] == {"libtorrent"}, "other clients read the second hash than was seen before"
print("transmission 3.00 and aria2 1.36.0 read one hash of a datagram, libtorrent 2.0.11 each.")
PY
python3 senders.py "$hash"
grep -q 'Cannot serve torrent #abab' transmission.log || { echo "transmission's log no longer tells of the first hash" >&2; exit 1; }
