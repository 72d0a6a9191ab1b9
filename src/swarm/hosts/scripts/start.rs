//! The part of the scripts that starts a peer, and what makes files for all of them.
//!
//! A host's disk may be full or read-only, or the directory somebody else's: whatever cannot be made is told by its name, with the reason.

/// `fill FILE` makes a file of what comes on its stdin, and says which one and why if it cannot: then nothing of it is left.
///
/// No other command of the scripts makes a file by a redirection alone. Where that fails at a special builtin (`: >file`), some shells end
/// with a status of their own; and not every `printf` says why it cannot write, but each `cat` does.
pub const FILL: &str = r#"
fill() {
    why=$( { { cat || { rm -f "$1" 2>/dev/null; false; }; } >"$1"; } 2>&1 ) && return 0
    echo "cannot create $1: ${why##*: }" >&2
    return 1
}
"#;

/// Starts a peer: `$1` its ID, `$2` its command for a shell. Tells its process ID.
///
/// The record is there before the command runs, under the ID that the command will have; and the keeper, which waits for
/// its end to note it, outlives this script. Only then is the line read that lets this end: the process ID, or why it has none.
///
/// The record also names the process group, if this script leads it: then nobody is in it but the peer, whatever that starts
/// (its command may be a script), and the keeper, who does not heed what is meant for them.
///
/// The record of a living process is never replaced: nobody would find that any more. The new one must not be there yet, and the keeper
/// notes the end only in the record that names itself.
pub const START: &str = r#"
runs() {
    echo "peer $1 was started already: it is process $2" >&2
    exit 96
}
retire "$1" || runs "$1" "$pid"
# Not written through a link: the link goes.
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
    # Or a shell has said it that could not begin.
    [ -n "$told" ] || told=$(tail -n 1 <"peer_$1.err")
    echo "$told" >&2
    exit 92
} || exit
"#;
