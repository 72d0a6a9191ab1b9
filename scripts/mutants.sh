#!/usr/bin/env bash
# Runs all cases of `swarm check` against the wrong peers of tests/check/mutants.txt. Tests run only the cases that the table names.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    echo "Usage: scripts/mutants.sh [NAME...]"
    echo "       scripts/mutants.sh --part 3/10"
    echo "Runs all mutants, those with these names, or the third of ten parts of the table, each with all cases."
    echo "Prints a line as each mutant ends. Ends with 1 if a case says what the table does not explain."
}

mutants=all
case "${1-}" in
-h | --help)
    usage
    exit 0
    ;;
--part)
    if (($# != 2)) || [[ ! $2 =~ ^[1-9][0-9]*/[1-9][0-9]*$ ]]; then
        usage >&2
        exit 2
    fi
    mutants=$2
    ;;
-*)
    usage >&2
    exit 2
    ;;
?*)
    mutants=$(
        IFS=,
        echo "$*"
    )
    ;;
esac

# Without it the test has nothing to run, and passes.
if ! command -v python3 >/dev/null; then
    echo "scripts/mutants.sh: python3 is not installed, and the mutants are written in Python" >&2
    exit 2
fi

cargo test --locked --test check --no-run
status=0
CHECK_MUTANTS=$mutants cargo test --locked --quiet --test check \
    mutants::each_mutant_is_named_as_what_it_is -- --exact --nocapture || status=1
exit "$status"
