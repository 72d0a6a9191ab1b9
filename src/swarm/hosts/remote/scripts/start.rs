//! The part of the scripts that starts a peer, and the function that makes files for all scripts.
//!
//! A host's disk may be full or read-only, or the directory may belong to another user. An error names the file and the
//! reason.

/// `fill FILE` makes a file from its stdin. If it cannot, it names the file and the reason, and leaves nothing of it.
///
/// No other command of the scripts makes a file by a redirection alone. If that fails at a special builtin (`: >file`), some
/// shells exit with a status of their own. Not every `printf` says why it cannot write, but every `cat` does.
pub const FILL: &str = r#"
fill() {
    why=$( { { cat || { rm -f "$1" 2>/dev/null; false; }; } >"$1"; } 2>&1 ) && return 0
    echo "cannot create $1: ${why##*: }" >&2
    return 1
}
"#;

/// Starts a peer: `$1` is its ID, `$2` its command for a shell. Prints its process ID.
///
/// The record is there before the command runs, under the ID that the command will have. The keeper waits until the peer
/// exits and notes that; it outlives this script. The script ends when it has read one line: the process ID, or the reason
/// for having none.
///
/// The record also names the process group, if this script leads it. Then the group has only the peer, the processes that the
/// peer starts (its command may be a script), and the keeper. The keeper ignores the signals for the others.
///
/// The record of a living process is never replaced, because then nobody would find that process. A new record must not exist
/// yet. The keeper notes an exit only in the record that names the keeper.
pub const START: &str = r#"
runs() {
    echo "peer $1 is already running: it is process $2" >&2
    exit 96
}
retire "$1" || runs "$1" "$pid"
# It is not written through a link: the link is deleted.
rm -f "peer_$1.err" && fill "peer_$1.err" </dev/null || exit 92
export FUNCTIONS
{
    {
        trap : HUP INT TERM
        if [ -r /proc/self/stat ]; then read -r own rest </proc/self/stat; else own=$(exec sh -c 'echo $PPID'); fi
        { sh -c 'eval "$FUNCTIONS"
            unset FUNCTIONS
            identity $PPID
            kept=$started
            identity $$
            [ "$group" = "$2" ] || group=-
            set -C
            printf "%s %s %s %s %s %s\n" $$ "$started" "$(date +%s)" $PPID "$kept" "$group" | fill "peer_$0.pid" 2>&3 || exit 92
            echo $$ >&3
            exec 3>&-
            exec sh -c "$1"' "$1" "$2" $$ </dev/null >>"peer_$1.err" 2>&1; } 2>&3
        status=$?
        trap '' HUP INT TERM
        keeper=
        { read -r pid was begun keeper rest; } 2>/dev/null <"peer_$1.pid"
        [ "$keeper" != "$own" ] || printf 'exit %s %s\n' "$status" "$(date +%s)" >>"peer_$1.pid"
    } 3>&1 >/dev/null 2>>"peer_$1.err" </dev/null &
} | {
    read -r told
    case $told in
        '' | *[!0-9]*) ;;
        *) echo "$told" && exit 0 ;;
    esac
    ! is_recorded "peer_$1.pid" || runs "$1" "$pid"
    # Or a shell that could not begin has printed it.
    [ -n "$told" ] || told=$(tail -n 1 <"peer_$1.err")
    echo "$told" >&2
    exit 92
} || exit
"#;
