#!/usr/bin/env bash
# Measures whole peers, as processes on real sockets and a real disk: prints tables and writes target/bench/<group>.json.
# Options go to the program in benches/swarms that does it: --help tells them.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec cargo bench --locked --bench swarms -- "$@"
