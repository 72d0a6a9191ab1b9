#!/usr/bin/env bash
# What CI runs, and what to run before a commit: ends with 0 only if everything holds.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (($# > 0)); then
    status=2
    if [ "$1" = --help ] || [ "$1" = -h ]; then status=0; else exec >&2; fi
    echo "Usage: scripts/check.sh"
    echo "Runs all checks of CI. It takes no arguments; scripts/test.sh runs tests alone."
    exit "$status"
fi

# Says which check comes and runs it, so that what failed stands right above the end.
check() {
    printf '\n== %s\n' "$*"
    "$@"
}

check cargo fmt --all --check
check cargo clippy --locked --all-targets -- -D warnings
check scripts/test.sh --no-fail-fast
check env RUSTDOCFLAGS=-Dwarnings cargo doc --locked --no-deps
if command -v shellcheck >/dev/null; then
    check shellcheck scripts/*.sh .ci/run
elif [ -n "${PEER_PROCESS_SKIP_NOTHING+set}" ]; then
    printf '\n== shellcheck is not installed, and PEER_PROCESS_SKIP_NOTHING says that nothing may be left out\n'
    exit 1
else
    printf '\n== shellcheck is not installed, so the scripts are not checked\n'
fi

# CI has no cargo-deny, which takes minutes to build. Advisories are left to a person: they need a database from the network.
if command -v cargo-deny >/dev/null; then
    check cargo deny --locked check licenses bans sources
else
    printf '\n== cargo-deny is not installed, so licences and banned packages are not checked\n'
fi

# What CONTRIBUTING.md allows a sentence at most.
if command -v python3 >/dev/null; then
    mapfile -t code < <(find src -name '*.rs')
    printf '\n== scripts/sentences.py --over 25\n'
    scripts/sentences.py --over 25 ./*.md docs/*.md "${code[@]}"
elif [ -n "${PEER_PROCESS_SKIP_NOTHING+set}" ]; then
    printf '\n== python3 is not installed, and PEER_PROCESS_SKIP_NOTHING says that nothing may be left out\n'
    exit 1
else
    printf '\n== python3 is not installed, so the sentences are not measured\n'
fi

# In a directory of our own, which is kept only if the demo fails. It runs the programs that the tests have built: to build those
# of a release would take minutes.
demo=$(mktemp -d "${TMPDIR:-/tmp}/peer_process-check.XXXXXX")
check env SWARM="${CARGO_TARGET_DIR:-target}/debug/swarm" scripts/run.sh --demo "$demo"
rm -rf -- "$demo"
printf '\nAll checks passed.\n'
