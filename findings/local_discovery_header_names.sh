#!/usr/bin/env bash
# Local discovery (BEP 14) is HTTP in a datagram, but transmission throws away a message whose header names are in lower case.
#
# Versions: transmission-daemon 3.00-2.1+deb12u1, aria2 1.36.0-1 (Debian 12), libtorrent 2.0.11 (PyPI).
# One would guess: since the messages are HTTP requests, `port` is as good as `Port`. The document itself prints three names with a
#   capital letter and `cookie` without, and asks to ignore headers that are not understood. It allows several `Infohash` in a message
#   and warns of "older implementations" only, so that a client newer than the document looks at each.
# What happens: with names in lower case, aria2 and libtorrent dial the sender, and transmission says "Discarded invalid multicast message".
#   With two hashes, of which the second is the common one, libtorrent alone dials; transmission and aria2 look at the first and stop.
# Who is hurt: a program whose HTTP library writes names in lower case (many do since HTTP/2), or that joins torrents in one
#   datagram. Its like finds it, and transmission never does. The printed letters and one hash a datagram work with all.
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
root/usr/bin/aria2c --no-conf -d aria2 --bt-enable-lpd=true --bt-lpd-interface=lan0 --enable-dht=false --enable-dht6=false --enable-peer-exchange=false \
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
senders = {
    "as printed": ("10.77.0.11", ["Host: 239.192.152.143:6771", "Port: 7000", "Infohash: " + own]),
    "names in lower case": ("10.77.0.12", ["host: 239.192.152.143:6771", "port: 7000", "infohash: " + own]),
    "another hash first": ("10.77.0.13", ["Host: 239.192.152.143:6771", "Port: 7000", "Infohash: " + other, "Infohash: " + own]),
}
expected = {
    "as printed": {"transmission", "aria2", "libtorrent"},
    "names in lower case": {"aria2", "libtorrent"},
    "another hash first": {"libtorrent"},
}
clients = {b"-TR3000-": "transmission", b"A2-1-36-": "aria2", b"-LT20B0-": "libtorrent"}
dialed = {name: set() for name in senders}

def accept(name, listener):
    while True:
        connection, _ = listener.accept()
        connection.settimeout(5)
        shake = b""
        try:
            # the handshake of who dials: 28 bytes, the info hash, the peer id
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
while time.monotonic() < deadline and (not enough or time.monotonic() < enough):
    for address, headers in senders.values():
        lines = ["BT-SEARCH * HTTP/1.1", *headers, "", "", ""]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind((address, 0))
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            sender.sendto("\r\n".join(lines).encode(), ("239.192.152.143", 6771))
    time.sleep(2)
    # what is not to come gets ten more announcements after all that is to come
    if not enough and all(dialed[name] >= expected[name] for name in senders):
        enough = time.monotonic() + 20
for name in senders:
    print(f"a datagram, {name}: dialed by {', '.join(sorted(dialed[name])) or 'nobody'}")
assert dialed == expected, f"that is not what was seen before: {expected}"
print("transmission 3.00 wants the printed letters; it and aria2 1.36.0 read one hash of a datagram; libtorrent 2.0.11 reads all.")
PY
python3 senders.py "$hash"
grep -q 'Discarded invalid multicast message' transmission.log || { echo "transmission's log no longer tells of messages thrown away" >&2; exit 1; }
