#!/usr/bin/env bash
# A member that comes back empty at its old address stays a seeder for bittorrent-tracker, under its old peer id.
#
# Version: bittorrent-tracker 11.2.3 (npm).
# One would guess: an announce with event=started, another peer_id and left above 0 replaces what the tracker knew of that address.
#   opentracker and the tracker in qBittorrent do so.
# What happens: `complete` still counts the member, and `incomplete` is 0 while it downloads. Dictionaries hand its old peer id out.
#   It lasts as long as the member announces, for every announce renews the entry; only event=stopped, or 20 minutes of silence, ends it.
# Who is hurt: a seeder that was killed, lost its disk and starts again. Others see "1 seeder, 0 leechers", and seeders that stop when no
#   leecher is left leave it alone. A client that compares the peer ids of tracker and handshake, as BEP 3 wants it, drops it.
set -euo pipefail

home=$(mktemp -d)
tracker=
finish() {
  if [ -n "$tracker" ]; then kill "$tracker" 2> /dev/null || true; fi
  rm -rf "$home"
}
trap finish EXIT
cd "$home"
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
swarm="http://127.0.0.1:$(cat port)/announce?info_hash=aaaaaaaaaaaaaaaaaaaa&uploaded=0&downloaded=0&port=5001"
counts() { grep -aoP '8:completei\K[0-9]+' "$1" | tr '\n' ' '; grep -aoP '10:incompletei\K[0-9]+' "$1"; }

curl -sS "$swarm&peer_id=-XX0001-before-crash&left=0&compact=1&event=started" > before
curl -sS "$swarm&peer_id=-XX0001-after--crash&left=9&compact=1&event=started" > returned
curl -sS "$swarm&peer_id=-XX0001-after--crash&left=8&compact=0" > update
echo "complete, incomplete when the seeder started:            $(counts before)"
echo "after it came back with another peer id and left=9:      $(counts returned)"
echo "after its next announce, left=8:                         $(counts update)"
echo "peer id in the dictionary of the last answer:            $(grep -aoP 'peer id20:\K.{20}' update)"
[ "$(counts before)" = "1 0" ] || { echo "the seeder was not counted as one" >&2; exit 1; }
[ "$(counts returned), $(counts update)" = "1 0, 1 0" ] || { echo "the tracker now notices that the member is no seeder any more" >&2; exit 1; }
grep -aq 'peer id20:-XX0001-before-crash' update || { echo "the tracker now hands out the new peer id" >&2; exit 1; }
curl -sS "$swarm&peer_id=-XX0001-after--crash&left=8&compact=1&event=stopped" > /dev/null
curl -sS "$swarm&peer_id=-XX0001-after--crash&left=8&compact=1&event=started" > afterwards
[ "$(counts afterwards)" = "0 1" ] || { echo "event=stopped no longer makes it right" >&2; exit 1; }
echo "bittorrent-tracker 11.2.3 reports no leecher although the only member downloads; event=stopped and started again make it right."
