#!/usr/bin/env bash
# After SIGTERM transmission-daemon and aria2 leave without a word to the tracker.
#
# Versions: transmission-daemon 3.00-2.1+deb12u1, aria2 1.36.0-1, opentracker 0.0~git20210823.110868e-3 (Debian 12).
# One would guess: SIGTERM, which transmission-daemon answers with "Closing transmission session... done." and exit code 0, makes a client
#   send event=stopped for each torrent, as BEP 3 wants it of a client that shuts down gracefully.
# What happens: the tracker hears nothing. It counts the member and hands its address out until it expires, 45 minutes later for
#   opentracker. aria2 sends event=stopped after SIGINT only, transmission-daemon only where the torrent is stopped before the daemon
#   is ended (transmission-remote --stop).
# Who is hurt: the others in the swarm whenever a service manager ends such a client. They dial a dead address, and a program that counts
#   leechers waits for one that is gone. Clients in containers, which live short, fill a tracker with dead members.
set -euo pipefail

if [ "${1:-}" != inside ]; then
  home=$(mktemp -d)
  trap 'rm -rf "$home"' EXIT
  cd "$home"
  debian() { apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@"; }
  packages=(transmission-daemon=3.00-2.1+deb12u1 transmission-cli=3.00-2.1+deb12u1 libminiupnpc17 libnatpmp1 libevent-2.1-7 libcurl4
    aria2=1.36.0-1 libaria2-0=1.36.0-1 libc-ares2 libssh2-1 opentracker=0.0~git20210823.110868e-3 libowfat0=0.32-4)
  debian "${packages[@]}" || { apt-get -qq update && debian "${packages[@]}"; }
  for package in *.deb; do dpkg-deb -x "$package" root; done
  cd "$OLDPWD"
  # the ports are those of a network namespace that has loopback and nothing else
  unshare --net "$0" inside "$home"
  exit
fi

cd "$2"
home=$PWD
ip link set lo up
started=()
finish() { for pid in "${started[@]}"; do kill "$pid" 2> /dev/null || true; done; wait; }
trap finish EXIT
export LD_LIBRARY_PATH=$home/root/usr/lib/x86_64-linux-gnu:$home/root/usr/lib
head -c 1000000 /dev/zero > film.bin
root/usr/bin/transmission-create -s 256 -t http://127.0.0.1:9001/announce -o film.torrent film.bin > create.log
hash=$(root/usr/bin/transmission-show film.torrent | sed -n 's/^ *Hash: //p')
# opentracker changes root to the directory of the list and gives up root before it reads it
mkdir -p list daemon/files aria2
chmod 755 . list
echo "$hash" > list/hashes
root/usr/bin/opentracker -i 127.0.0.1 -p 9001 -d list -w /hashes > opentracker.log 2>&1 &
started+=($!)

leechers() { # what a scrape says
  curl -s "http://127.0.0.1:9001/scrape?info_hash=$(fold -w 2 <<< "$hash" | sed 's/^/%/' | tr -d '\n')" | LC_ALL=C grep -aoP '10:incompletei\K[0-9]+'
}
wait_for() { # until the tracker counts that many leechers
  for _ in $(seq 300); do
    [ "$(leechers)" = "$1" ] && return
    sleep 0.1
  done
  echo "the tracker never counted $1 leechers" >&2
  exit 1
}
daemon() {
  cat > daemon/settings.json <<JSON
{"lpd-enabled": false, "dht-enabled": false, "pex-enabled": false, "utp-enabled": false, "port-forwarding-enabled": false,
 "rpc-bind-address": "127.0.0.1", "rpc-port": 6010, "peer-port": 6001, "download-dir": "$home/daemon/files"}
JSON
  root/usr/bin/transmission-daemon -f -g daemon -e daemon.log --log-debug > daemon.out 2>&1 &
  daemon=$!
  started+=("$daemon")
}
remote() {
  for _ in $(seq 100); do
    root/usr/bin/transmission-remote 127.0.0.1:6010 "$@" > remote.log 2>&1 && return
    sleep 0.1
  done
  cat remote.log >&2
  exit 1
}

aria2() {
  root/usr/bin/aria2c --no-conf -d aria2 --interface=127.0.0.1 --disable-ipv6=true --enable-dht=false --enable-dht6=false --listen-port=6002 \
    --summary-interval=0 film.torrent > aria2.out 2>&1 &
  aria2=$!
  started+=("$aria2")
}
aria2
wait_for 1
sleep 3 # it must not be ended before it has read the answer
kill -TERM "$aria2"
wait "$aria2" || true
after_term=$(leechers)
echo "aria2 was ended with SIGTERM. Leechers that the tracker counts then: $after_term"
aria2
sleep 5
kill -INT "$aria2"
wait "$aria2" || true
after_int=$(leechers)
echo "aria2 was started again on the same port and ended with SIGINT. Leechers then: $after_int"

daemon
remote --add film.torrent
wait_for 1
sleep 5 # the daemon, too, has read the answer by then
kill -TERM "$daemon"
code=0
wait "$daemon" || code=$?
after_daemon=$(leechers)
echo "transmission-daemon was ended with SIGTERM, said: $(tail -n 1 daemon.out) and exited with $code. Leechers then: $after_daemon"

daemon
sleep 1
remote --torrent all --stop
wait_for 0
echo "transmission-daemon was started again and its torrent stopped. Leechers then: 0"
[ "$after_term" = 1 ] || { echo "aria2 now tells the tracker that it leaves after SIGTERM" >&2; exit 1; }
[ "$after_int" = 0 ] || { echo "aria2 no longer tells the tracker that it leaves after SIGINT" >&2; exit 1; }
[ "$code" = 0 ] || { echo "transmission-daemon now exits with $code" >&2; exit 1; }
[ "$after_daemon" = 1 ] || { echo "transmission-daemon now tells the tracker that it leaves" >&2; exit 1; }
echo "After SIGTERM neither transmission-daemon 3.00 nor aria2 1.36.0 tells the tracker that it leaves."
