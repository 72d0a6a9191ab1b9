#!/usr/bin/env bash
# Four of five programs make the same torrent of one file; the fifth, transmission-create, makes another one.
#
# Versions: mktorrent 1.1-3, transmission-cli 3.00-2.1+deb12u1 (Debian 12), create-torrent 6.1.3 (npm), torf 4.3.1, libtorrent 2.0.11 (PyPI).
# One would guess: the same file under the same name with the same piece length has the same info hash in every program.
#   For `info` needs no more than name, length, piece length and pieces. So a lost .torrent can be made again from the file.
# What happens: transmission-create writes `private` = 0 into `info`, although no private torrent was asked for. BEP 27 gives a meaning
#   to 1 only, so a reader takes the torrent for the same. But the hash is another, and so is the swarm.
# Who is hurt: users who make a torrent again from its file to help an old swarm, and tools that seek equal content by info hash.
set -euo pipefail

home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cd "$home"
debian() { apt-get -qq -o APT::Sandbox::User="$(id -un)" download "$@"; }
packages=(mktorrent=1.1-3 transmission-cli=3.00-2.1+deb12u1 libminiupnpc17 libnatpmp1 libevent-2.1-7 libcurl4)
debian "${packages[@]}" || { apt-get -qq update && debian "${packages[@]}"; }
for package in *.deb; do dpkg-deb -x "$package" root; done
npm install --silent --no-audit --no-fund --ignore-scripts create-torrent@6.1.3 > npm.log
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check torf==4.3.1 libtorrent==2.0.11

head -c 1000000 /dev/zero > film.bin
library=root/usr/lib/x86_64-linux-gnu
LD_LIBRARY_PATH=$library root/usr/bin/mktorrent -l 18 -a http://127.0.0.1:9/announce -o mktorrent.torrent film.bin > mktorrent.log
LD_LIBRARY_PATH=$library root/usr/bin/transmission-create -s 256 -t http://127.0.0.1:9/announce -o transmission-create.torrent film.bin > transmission.log
cat > make.mjs <<'JS'
import { writeFileSync } from 'node:fs'
import createTorrent from 'create-torrent'
createTorrent('film.bin', { pieceLength: 262144 }, (error, torrent) => {
  if (error) throw error
  writeFileSync('create-torrent.torrent', torrent)
})
JS
node make.mjs
cat > make.py <<'PY'
import hashlib, libtorrent, torf
made = torf.Torrent(path="film.bin", trackers=["http://127.0.0.1:9/announce"])
made.piece_size = 262144
made.generate()
made.write("torf.torrent")
files = libtorrent.file_storage()
libtorrent.add_files(files, "film.bin")
create = libtorrent.create_torrent(files, piece_size=262144, flags=libtorrent.create_torrent.v1_only)
libtorrent.set_piece_hashes(create, ".")
open("libtorrent.torrent", "wb").write(libtorrent.bencode(create.generate()))
# libtorrent takes the info hash of the bytes as they stand in the file
rows = {}
for name in ("mktorrent", "torf", "create-torrent", "libtorrent", "transmission-create"):
    raw = open(name + ".torrent", "rb").read()
    info = libtorrent.bdecode(raw)[b"info"]
    keys = [key.decode() for key in info]
    rows[name] = (str(libtorrent.torrent_info(name + ".torrent").info_hashes().v1), keys, info.get(b"private"))
    print(f"{name:20} {rows[name][0]}  info holds: {', '.join(keys)}")
odd = rows.pop("transmission-create")
same = {row[0] for row in rows.values()}
assert len(same) == 1, "the other four no longer agree"
assert odd[0] not in same, "transmission-create now makes the same torrent as the others"
assert odd[2] == 0 and all("private" not in row[1] for row in rows.values()), "the difference is no longer the key private"
print("One file, one name, one piece length: four programs agree, and transmission-create 3.00 adds private = 0 and has an info hash of its own.")
PY
venv/bin/python make.py
