#!/usr/bin/env bash
# Sets up what the tests need and runs them.
set -eu

usage() {
    cat <<'END'
Usage: scripts/test.sh [ARGUMENT...]

Runs `cargo test` with these arguments, for example: scripts/test.sh --test ssh

Before that, it installs what the tests need: python3, OpenSSH and others. It
does so only with apt-get (Debian, Ubuntu), and only as root or where `sudo`
asks for no password. On other machines it says what is missing. Tests that
cannot run then say so and pass. With PEER_PROCESS_SKIP_NOTHING=1 they fail.

Most tests wait for sockets and clocks, so four run on each core at a time.
RUST_TEST_THREADS=N sets another number.

The exit status is that of `cargo test`, or 2 if nothing can be built.
END
}

say() {
    echo "test.sh: $*" >&2
}

case ${1:-} in
    -h | --help)
        usage
        exit 0
        ;;
esac

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# It has said what is missing.
scripts/set_up.sh || true
if ! command -v cargo >/dev/null; then
    say "there is no cargo; install Rust from https://www.rust-lang.org/tools/install"
    exit 2
fi
if ! command -v cc >/dev/null; then
    say "there is no C compiler named cc; install gcc or clang, which the build needs"
    exit 2
fi
if [ -z "${RUST_TEST_THREADS:-}" ]; then
    cores=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || cores=2
    export RUST_TEST_THREADS=$((4 * cores))
fi
[ "$(uname)" = Linux ] || say "tests/ssh is left out: it needs Linux"
exec cargo test --locked "$@"
