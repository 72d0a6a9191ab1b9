#!/usr/bin/env bash
# bittorrent-tracker answers a scrape under a hash that nobody asked for, and transmission-show finds "no match".
#
# Versions: bittorrent-tracker 11.2.3 (npm), transmission-cli 3.00-2.1+deb12u1 (Debian 12).
# One would guess: the answer's `files` holds the 20 bytes of the info hash that was asked for. Every client finds its numbers there.
# What happens: the tracker turns the hash into text and writes it as UTF-8. Each byte from 0x80 up becomes two, so that the key has 20 to
#   40 bytes. transmission-show, which looks for the 20 bytes, prints "no match", although the tracker has a seeder and a leecher.
#   The same tracker writes `peer id` in answers without `compact=1` in the same way. Compact answers are right, so that downloads work.
# Who is hurt: users who read "no match" as a dead torrent, and statistics made from scrapes. Only a hash of 20 bytes below 0x80,
#   one in a million, would be found.
set -euo pipefail

home=$(mktemp -d)
tracker=
finish() {
  if [ -n "$tracker" ]; then kill "$tracker" 2> /dev/null || true; fi
  rm -rf "$home"
}
trap finish EXIT
cd "$home"
debian() { apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@"; }
packages=(transmission-cli=3.00-2.1+deb12u1 libminiupnpc17 libnatpmp1 libevent-2.1-7 libcurl4)
debian "${packages[@]}" || { apt-get -qq update && debian "${packages[@]}"; }
for package in *.deb; do dpkg-deb -x "$package" root; done
npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional bittorrent-tracker@11.2.3 > npm.log

cat > tracker.mjs <<'JS'
import { writeFileSync } from 'node:fs'
import Server from 'bittorrent-tracker/server'
const server = new Server({ http: true, udp: false, ws: false })
server.listen(0, '127.0.0.1', () => writeFileSync('port', String(server.http.address().port)))
JS
node tracker.mjs > tracker.log 2>&1 &
tracker=$!
for _ in $(seq 100); do [ -s port ] && break; sleep 0.1; done
url=http://127.0.0.1:$(cat port)

transmission() { LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu "root/usr/bin/transmission-$1" "${@:2}"; }
head -c 1000000 /dev/zero > film.bin
transmission create -s 256 -t "$url/announce" -o film.torrent film.bin > create.log
hash=$(transmission show film.torrent | sed -n 's/^ *Hash: //p')
escaped=$(fold -w 2 <<< "$hash" | sed 's/^/%/' | tr -d '\n')
above=$(fold -w 2 <<< "$hash" | grep -c '^[89a-f]')
announce() { curl -sS "$url/announce?info_hash=$escaped&peer_id=$1&port=$2&uploaded=0&downloaded=0&left=$3&compact=1&event=started" > /dev/null; }
announce -XX0001-seeding00001 5001 0
announce -XX0001-leeching0001 5002 9
curl -sS "$url/scrape?info_hash=$escaped" > answer
key=$(LC_ALL=C grep -aoP '^d5:filesd\K[0-9]+(?=:)' answer)
shown=$(transmission show --scrape film.torrent | grep -o '\.\.\. .*')
echo "Info hash: 20 bytes, $above of them from 0x80 up. Key in the tracker's answer: $key bytes."
echo "Counts in the answer: $(LC_ALL=C grep -aoP '8:completei[0-9]+e' answer) and $(LC_ALL=C grep -aoP '10:incompletei[0-9]+e' answer). transmission-show prints: $shown"
[ "$above" = 9 ] || { echo "the torrent of the same file has another info hash than before" >&2; exit 1; }
[ "$key" = 29 ] || { echo "the key in the answer has another length than was seen before" >&2; exit 1; }
LC_ALL=C grep -aqP '8:completei1e.*10:incompletei1e' answer || { echo "the tracker counts other members than were announced" >&2; exit 1; }
[ "$shown" = "... no match" ] || { echo "transmission-show now finds the torrent" >&2; exit 1; }
echo "bittorrent-tracker 11.2.3 counts both members, and the client that asks is told of none."
