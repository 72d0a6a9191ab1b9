#!/usr/bin/env bash
# Brings both programs up to date and runs `swarm start` with what this is given; with --demo, in a fresh directory.
set -eu

usage() {
    cat <<'END'
Usage: scripts/run.sh [OPTION...] [DIR] [-- PEER_OPTION...]
       scripts/run.sh --demo [DIR] [OPTION...] [-- PEER_OPTION...]

Builds the programs if need be, then does what `swarm start` does with the same words: it starts the peers of
DIR/PeerInfo.cfg, those of other hosts over ssh, shows how they get on and compares the copies.

  --demo      first of all makes a swarm with `swarm init` in DIR or in a fresh directory: six peers on localhost, 24 MB;
              runs it with `--demo-rate`, so that about ten intervals of choking can be watched
  -h, --help  shows this; `swarm start --help` shows all options

SWARM names the program to be run instead; nothing is built then.
END
}

repository=$(dirname -- "${BASH_SOURCE[0]}")/..
if [ -n "${SWARM:-}" ]; then
    swarm=("$SWARM")
elif command -v cargo >/dev/null; then
    # Quick when nothing has changed, and then quiet; `cargo run` becomes the program that it runs.
    [ -x "$repository/target/release/swarm" ] ||
        echo "run.sh: building the programs with cargo, which takes a minute or more the first time" >&2
    cargo build --release --locked --quiet --manifest-path "$repository/Cargo.toml"
    swarm=(cargo run --release --locked --quiet --manifest-path "$repository/Cargo.toml" --bin swarm --)
elif [ -x "$repository/target/release/swarm" ]; then
    swarm=("$repository/target/release/swarm")
else
    echo "run.sh: there is neither cargo nor a built program; install Rust" >&2
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
        # Without it all is done before an interval has passed, and nobody is choked.
        case " $* " in
            *" --demo-rate"*) set -- "$dir" "$@" ;;
            *) set -- "$dir" --demo-rate "$@" ;;
        esac
        ;;
esac
exec "${swarm[@]}" start "$@"
