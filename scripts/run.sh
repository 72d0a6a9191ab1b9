#!/usr/bin/env bash
# Builds both programs and runs `swarm start` with the same words; with --demo, in a fresh directory.
set -eu

usage() {
    cat <<'END'
Usage: scripts/run.sh [OPTION...] [DIR] [-- PEER_OPTION...]
       scripts/run.sh --demo [DIR] [OPTION...] [-- PEER_OPTION...]

Builds the programs if necessary, then runs `swarm start` with the same words.
It starts the peers of DIR/PeerInfo.cfg, those of other hosts over ssh, shows
their progress and compares the copies.

  --demo      First make a swarm by `swarm init`, in DIR or a fresh directory:
              six peers on localhost and a file of 24 MB. Run it with
              `--demo-rate`, so that you can watch ten intervals of choking
  -h, --help  Print this help; `swarm start --help` lists all options

If the variable SWARM names a program, the script runs that and builds nothing.
END
}

repository=$(dirname -- "${BASH_SOURCE[0]}")/..
if [ -n "${SWARM:-}" ]; then
    swarm=("$SWARM")
elif command -v cargo >/dev/null; then
    # Quick and quiet when nothing has changed; `cargo run` becomes the program that it runs.
    [ -x "$repository/target/release/swarm" ] ||
        echo "run.sh: building the programs with cargo; the first time this takes a minute or more" >&2
    cargo build --release --locked --quiet --manifest-path "$repository/Cargo.toml"
    swarm=(cargo run --release --locked --quiet --manifest-path "$repository/Cargo.toml" --bin swarm --)
elif [ -x "$repository/target/release/swarm" ]; then
    swarm=("$repository/target/release/swarm")
else
    echo "run.sh: found neither cargo nor a built program; install Rust" >&2
    exit 2
fi

case ${1:-} in
    -h | --help)
        usage
        exit 0
        ;;
    --demo)
        shift
        case ${1:-} in
            '' | -*) dir=$(mktemp -d "${TMPDIR:-/tmp}/peer_process-demo.XXXXXX") ;;
            *)
                dir=$1
                shift
                ;;
        esac
        "${swarm[@]}" init --preset large -p 1 -m 2 "$dir" >&2
        echo "run.sh: this directory stays until you delete it: rm -r $(printf %q "$dir")" >&2
        # Without a limit the run ends before an interval has passed, and no peer is choked.
        case " $* " in
            *" --demo-rate"*) set -- "$dir" "$@" ;;
            *) set -- "$dir" --demo-rate "$@" ;;
        esac
        ;;
esac
exec "${swarm[@]}" start "$@"
