#!/usr/bin/env bash
# aria2 reads a hybrid torrent (BEP 52) and gives it an info hash that no other program knows.
#
# Versions: aria2 1.36.0-1 (Debian 12), libtorrent 2.0.11 (PyPI), parse-torrent 11.0.24 (npm).
# One would guess: a program that knows nothing of version 2 uses the v1 half and its info hash, or else refuses the file.
#   Hybrid torrents were made for that.
# What happens: libtorrent makes hybrid torrents unless told otherwise; their `file tree` holds an empty key, as BEP 52 wants it.
#   aria2 prints name, length and number of pieces correctly, and an info hash that is neither the v1 nor the v2 one.
#   It is the SHA-1 of `info` written again without what stands under the empty key. aria2 announces it, too.
# Who is hurt: a user of aria2, who waits in a swarm of one without any error. A tracker with a list of allowed hashes refuses it.
set -euo pipefail

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cd "$home"
debian() { apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@"; }
packages=(aria2=1.36.0-1 libaria2-0=1.36.0-1 libc-ares2 libssh2-1)
debian "${packages[@]}" || { apt-get -qq update && debian "${packages[@]}"; }
for package in *.deb; do dpkg-deb -x "$package" root; done
npm install --silent --no-audit --no-fund --ignore-scripts parse-torrent@11.0.24 > npm.log
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check libtorrent==2.0.11

head -c 1000000 /dev/zero > film.bin
cat > make.py <<'PY'
import hashlib, libtorrent
files = libtorrent.file_storage()
libtorrent.add_files(files, "film.bin")
create = libtorrent.create_torrent(files, piece_size=262144)
libtorrent.set_piece_hashes(create, ".")
open("hybrid.torrent", "wb").write(libtorrent.bencode(create.generate()))
hashes = libtorrent.torrent_info("hybrid.torrent").info_hashes()
info = libtorrent.bdecode(open("hybrid.torrent", "rb").read())[b"info"]
assert b"" in info[b"file tree"][b"film.bin"], "the file tree holds no empty key"
info[b"file tree"][b"film.bin"] = {}
print(hashes.v1, hashes.v2, hashlib.sha1(libtorrent.bencode(info)).hexdigest())
PY
read -r v1 v2 without_empty_key < <(venv/bin/python make.py)
node_says=$(node --input-type=module -e '
import { readFileSync } from "node:fs"
import parse from "parse-torrent"
console.log((await parse(readFileSync("hybrid.torrent"))).infoHash)')
aria2_says=$(LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu root/usr/bin/aria2c --no-conf -S hybrid.torrent | sed -n 's/^Info Hash: //p')
echo "libtorrent, v1:                 $v1"
echo "libtorrent, v2 (first half):    ${v2:0:40}"
echo "parse-torrent:                  $node_says"
echo "aria2:                          $aria2_says"
echo "info without the empty key:     $without_empty_key"
[ "$node_says" = "$v1" ] || { echo "parse-torrent no longer shows the v1 hash" >&2; exit 1; }
if [ "$aria2_says" = "$v1" ] || [ "$aria2_says" = "${v2:0:40}" ]; then echo "aria2 now shows a hash that others know" >&2; exit 1; fi
[ "$aria2_says" = "$without_empty_key" ] || { echo "aria2 now shows yet another hash" >&2; exit 1; }
echo "aria2 1.36.0 joins the hybrid torrent under a hash of its own."
