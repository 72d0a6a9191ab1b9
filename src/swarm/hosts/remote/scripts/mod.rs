//! The scripts for the shells of the hosts, in POSIX shell, because every host has that.
//!
//! Each script starts in the swarm's directory on its host. It gets its arguments as `$1`, `$2`, ..., and exits with one of
//! the statuses below if it fails. On this machine `local` does the same work without a shell, and writes the same files.

mod guard;
mod logs;
mod start;

use self::guard::{CHECK, GUARD, REMOVE};
use self::logs::{BEGIN, FIND, HEADS, LOGS};
use self::start::{FILL, START};
use crate::words::{all_quoted, quoted};

/// The first output of every script. Anything before it comes from the login shell's own start files.
pub const READY: &str = "swarm: ready\n";

/// The swarm's directory does not exist.
pub const NO_DIRECTORY: i32 = 91;
/// A file in it cannot be made or written.
pub const CANNOT_WRITE: i32 = 92;

/// The parent of the swarm's directory does not exist.
pub const NO_PARENT: i32 = 93;
/// The program does not run there.
pub const CANNOT_RUN: i32 = 94;
/// The directory has files that would be replaced, and no trace of `swarm`.
pub const NOT_OURS: i32 = 95;
/// A peer is running, or the path has a link. The script's last line is a sentence.
pub const IN_THE_WAY: i32 = 96;

/// Sets `started` to the identity of the process `$1`: its start time, and the machine's boot. The identity distinguishes it
/// from a later process with the same ID. It becomes empty if there is no such process, or only a zombie. Sets `group` to its
/// process group.
///
/// They are the 22nd and 5th words of `/proc/PID/stat`. Only the second word, the name in parentheses, may have blanks.
const IDENTITY: &str = r#"
identity() {
    started= group=
    if [ -r /proc/self/stat ]; then
        { read -r stat </proc/"$1"/stat; } 2>/dev/null || return 0
        set -- ${stat##*) }
        [ "$1" = Z ] || [ "$1" = X ] || {
            group=$3
            shift 19
            { read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || boot=
            started=$1@$boot
        }
    else
        started=$(ps -o lstart= -p "$1" | tr -s ' ' _)
        group=$(ps -o pgid= -p "$1" | tr -d ' ')
    fi
}
"#;

/// Looks at peers. `$1` is a mark, a word that no log has. Then follow five words for each peer:
///
/// 1. its ID;
/// 2. a pattern of other names of its log;
/// 3. the number of known bytes of the log, or `-` to leave out the log;
/// 4. the log's name, if it is known;
/// 5. the number of known bytes of its stderr, or `-` to leave it out.
///
/// For each peer it lists the files that may be its log. Then comes a line with the mark, the ID, the log's size and the
/// [record](crate::hosts::record::Record), and after it the new bytes of the log. For stderr, a line with the mark, `err`, the ID, the
/// size and the place where the new bytes begin comes last. The new bytes of stderr, or only their end, follow it.
const LOOK: &str = r#"
mark=$1
shift
while [ $# -gt 4 ]; do
    alive=none pid= was= begun= keeper= kept= ended=
    { read -r pid was begun keeper kept own && read -r ended; } 2>/dev/null <"peer_$1.pid"
    if [ -n "$kept" ]; then
        alive=alive
        identity "$pid"
        if [ -z "$started" ] || [ "$started" != "$was" ]; then
            # Its exit may not be noted yet.
            identity "$keeper"
            if [ -z "$started" ] || [ "$started" != "$kept" ]; then
                alive=gone
                { read -r line && read -r ended; } 2>/dev/null <"peer_$1.pid"
            fi
        fi
    fi
    [ "$3" = - ] || logs new "$1" "$2"
    size=0
    [ ! -r "$4" ] || size=$(wc -c <"$4")
    printf '%s %s %s %s %s %s %s\n' "$mark" "$1" $size $alive "$pid" "$begun" "$ended"
    [ ! -r "$4" ] || [ $size -le "$3" ] || tail -c "+$(($3 + 1))" <"$4" | dd bs=65536 count=64 2>/dev/null
    echo
    if [ "$5" != - ] && [ -f "peer_$1.err" ] && [ -r "peer_$1.err" ]; then
        size=$(($(wc -c <"peer_$1.err"))) from=$5
        [ $size -ge "$from" ] || from=0
        [ $((size - from)) -le 65536 ] || from=$((size - 65536))
        printf '%s err %s %s %s\n' "$mark" "$1" $size $from
        [ $size -le $from ] || tail -c "+$((from + 1))" <"peer_$1.err" | dd bs=4096 count=64 2>/dev/null
        echo
    fi
    shift 5
done
"#;

/// Sends the signal `$1` to the peers that follow and to the processes that they have started, if they are still the same.
/// Waits up to `$2` tenths of a second until the peers have exited. Prints the peers that are left.
///
/// SIGKILL would end the keeper, too, so the others in the group receive it only after the peer's exit was noted.
const SIGNAL: &str = r#"
signal=$1 rounds=$2
shift 2
is_alive() {
    { read -r pid was begun keeper kept own; } 2>/dev/null <"peer_$1.pid" || return 1
    # The empty name would lead to the machine's own /proc/stat.
    [ -n "$pid" ] || return 1
    identity "$pid"
    [ -n "$started" ] && [ "$started" = "$was" ]
}
killed=
for id; do
    is_alive "$id" || continue
    if [ "${own:--}" = - ] || [ "$own" != "$group" ]; then
        kill -s "$signal" "$pid"
    elif [ "$signal" != KILL ]; then
        kill -s "$signal" -- "-$own" || kill -s "$signal" "$pid"
    else
        kill -s KILL "$pid"
        killed="$killed $keeper $kept $own"
    fi 2>/dev/null
done
while :; do
    left=
    for id; do
        ! is_alive "$id" || left="$left $id"
    done
    [ -n "$left" ] && [ "$rounds" -gt 0 ] || break
    # Not every sleep knows parts of a second.
    sleep 0.1 2>/dev/null || { sleep 1 && rounds=$((rounds - 9)); }
    rounds=$((rounds - 1))
done
echo $left
set -- $killed
rounds=20
while [ $# -gt 2 ]; do
    while identity "$1" && [ "$started" = "$2" ] && [ "$rounds" -gt 0 ]; do
        sleep 0.1 2>/dev/null || sleep 1
        rounds=$((rounds - 1))
    done
    kill -s KILL -- "-$3" 2>/dev/null
    shift 3
done
"#;

/// Prints the names that are files, each with its size.
const LIST: &str = r#"
for name; do
    [ ! -f "$name" ] || printf '%s %s\n' "$(($(wc -c <"$name")))" "$name"
done
"#;

/// Prints the names from the second on that are files and not newer than the file `$1`.
const OLD: &str = r#"
begun=$1
shift
for name; do
    [ ! -f "$name" ] || [ "$name" -nt "$begun" ] || printf '%s\n' "$name"
done
"#;

/// Prints the SHA-256 of the file `$1` by any program that this host has; prints nothing if it has none.
const DIGEST: &str = r#"
if command -v sha256sum >/dev/null; then sha256sum <"$1"
elif command -v shasum >/dev/null; then shasum -a 256 <"$1"
elif command -v openssl >/dev/null; then openssl dgst -sha256 -r <"$1"
fi
"#;

/// Makes the swarm's directory `$1`, and in it the directory of each peer whose ID follows. It refuses a directory with a
/// configuration other than `$2` and `$3`, unless `swarm` made it. Prints the system and the machine's kind in a line, then
/// the files that were sent before; see `supply`. This script starts in the login's directory.
const PREPARE: &str = r#"
case $1 in */*) [ -z "${1%/*}" ] || [ -d "${1%/*}" ] || exit 93 ;; esac
[ -d "$1" ] || mkdir -- "$1" || [ -d "$1" ] || exit 92
cd -- "$1" || exit 91
if [ ! -e swarm.sent ]; then
    # What `$(...)` returns lacks the newlines at its end.
    [ ! -e Common.cfg ] || [ "$(cat Common.cfg)" = "$(printf %s "$2")" ] || exit 95
    [ ! -e PeerInfo.cfg ] || [ "$(cat PeerInfo.cfg)" = "$(printf %s "$3")" ] || exit 95
    [ ! -e peer_process ] || [ -e Common.cfg ] || exit 95
fi
shift 2
shift
for id; do
    mkdir -p "peer_$id" || exit 92
done
uname -sm
[ ! -r swarm.sent ] || cat swarm.sent
"#;

/// Tries whether the program `$1` runs.
const TRY: &str = r#"
"$1" --version >/dev/null || exit 94
"#;

/// Takes the file `$2` of the directory `$1` from its stdin, gives it the mode `$3` and notes `$4`, which begins with its size.
/// It is one line, because a login shell of any kind must pass it on.
///
/// When the connection breaks, its stdin ends as if the file were complete, so it checks the size. Until then the file has a
/// name that ends with `$5`, because hosts may share a home directory and receive files at the same time.
pub const TAKE: &str = r#"cd -- "$1" && { rm -f -- "$2.$5"; case $2 in */*) [ ! -h "${2%/*}" ] || [ ! -e "$2" ] || { echo "${2%/*} is a link, so swarm does not replace $2" >&2; exit 96; } ;; esac; cat >"$2.$5" && [ "$(($(wc -c <"$2.$5")))" = "${4%% *}" ] && chmod -- "$3" "$2.$5" && mv -f -- "$2.$5" "$2" && { [ ! -h swarm.sent ] || rm -f swarm.sent; } && printf "%s\n" "$4" | cat >>swarm.sent || { rm -f -- "$2.$5"; exit 92; }; }"#;

/// Prints [`READY`] and the file `$2` of the directory `$1`.
pub const GIVE: &str = r#"cd -- "$1" && echo swarm: ready && exec cat <"$2""#;

/// A request to a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Job {
    /// See [`START`].
    Start,
    /// See [`LOOK`].
    Look,
    /// See [`SIGNAL`].
    Signal,
    /// See [`FIND`].
    Find,
    /// See [`LIST`].
    List,
    /// See [`CHECK`].
    Check,
    /// See [`REMOVE`].
    Remove,
    /// See [`BEGIN`].
    Begin,
    /// See [`HEADS`].
    Heads,
    /// See [`OLD`].
    Old,
    /// See [`DIGEST`].
    Digest,
    /// See [`PREPARE`].
    Prepare,
    /// See [`TRY`].
    Try,
}

impl Job {
    /// Returns the whole script, for this directory and with these arguments. The shell reads it to its end before it begins.
    pub fn script(self, dir: &str, arguments: &[&str]) -> String {
        let body = match self {
            Self::Start => START,
            Self::Look => LOOK,
            Self::Signal => SIGNAL,
            Self::Find => FIND,
            Self::List => LIST,
            Self::Check => CHECK,
            Self::Remove => REMOVE,
            Self::Begin => BEGIN,
            Self::Heads => HEADS,
            Self::Old => OLD,
            Self::Digest => DIGEST,
            Self::Prepare => PREPARE,
            Self::Try => TRY,
        };
        let logs = if matches!(self, Self::Look | Self::Find | Self::Begin) { LOGS } else { "" };
        let guard = if matches!(self, Self::Start | Self::Check | Self::Remove) { GUARD } else { "" };
        let functions = quoted(&[IDENTITY, FILL].concat());
        let (dir, arguments) = (quoted(dir), all_quoted(arguments));
        format!(
            "{{\necho swarm: ready\nFUNCTIONS={functions}\neval \"$FUNCTIONS\"\nunset CDPATH\ncd -- {dir} 2>/dev/null || exit {NO_DIRECTORY}\n\
             set --{arguments}\n{guard}{logs}{body}\nexit 0\n}}\n"
        )
    }
}
