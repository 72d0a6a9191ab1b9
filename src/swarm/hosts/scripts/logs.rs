//! The part of the scripts that finds logs: public peers write them under more names and in more places than the course says.
//!
//! It tells what may be a log; `logs::finding` decides which of them is one. A log that somebody else writes is never deleted when a run
//! begins, and some go on at its end in the next run: so the beginning of a run notes the length and the end of each that is there. What
//! goes on behind the same end is this run's; a log that was written again from its start is this run's as a whole.

/// `logs WHICH ID GLOB` tells what may be the log of a peer, one file in a line: `$mark`, `log`, the ID, how many bytes of it are of earlier runs,
/// and its name. With `all` as `WHICH` the files of earlier runs, too.
///
/// A file of the same age as the beginning counts as newer: not every shell and file system knows parts of a second, and a short run would
/// have no logs there.
pub const LOGS: &str = r#"
nl='
'
# What is right before the place $2 of the file $1, in one line.
before() {
    from=1 count=$2
    [ "$2" -le 200 ] || from=$(($2 - 199)) count=200
    ( unset IFS; set -f; printf '%s ' $(tail -c "+$from" <"$1" | dd bs=1 count="$count" 2>/dev/null) )
}
logs() {
    IFS= listed=
    for name in log_peer_*"$2"*.log log/log_peer_*"$2"*.log logs/log_peer_*"$2"*.log "peer_$2"/log_peer_*"$2"*.log $3; do
        [ -f "$name" ] && [ -s "$name" ] || continue
        case $name in *"$nl"*) continue ;; esac
        skip=0
        if [ "$1" != all ]; then
            ! [ swarm.begun -nt "$name" ] || continue
            [ ! -s swarm.begun ] || while read -r length && read -r noted && read -r end; do
                [ "$noted" != "$name" ] || [ "$length" -ge $(($(wc -c <"$name"))) ] ||
                    [ "$(before "$name" "$length")" != "$end" ] || skip=$length
            done <swarm.begun
        fi
        printf '%s log %s %s %s\n' "$mark" "$2" "$skip" "$name"
        listed=1
    done
    # One that has nothing in it yet is better than none.
    [ -n "$listed" ] || [ ! -f "log_peer_$2.log" ] || [ -s "log_peer_$2.log" ] || [ swarm.begun -nt "log_peer_$2.log" ] ||
        printf '%s log %s 0 %s\n' "$mark" "$2" "log_peer_$2.log"
    unset IFS
}
"#;

/// Tells what may be the logs of peers: `$1` is `all` or `new`, then follow pairs of an ID and what else its log may be called, for the
/// shell to complete.
pub const FIND: &str = r#"
mark= which=$1
shift
while [ $# -gt 1 ]; do
    logs "$which" "$1" "$2"
    shift 2
done
"#;

/// Tells of each name from the second on, in two lines: whether it is `new`, that is not older than the file `$1`, or `old`, and the name;
/// then its first line, or the beginning of that.
pub const HEADS: &str = r#"
begun=$1
shift
for name; do
    age=old
    [ ! -e "$begun" ] || [ "$begun" -nt "$name" ] || age=new
    printf '%s %s\n' $age "$name"
    [ ! -r "$name" ] || dd bs=4096 count=1 <"$name" 2>/dev/null | head -n 1 | tr -d '\n'
    echo
done
"#;

/// Notes that a run begins, in the file `$1`, which nothing has that came before; the pairs that follow are those of [`FIND`].
///
/// The course's own name is not noted: either that log is deleted now, or its peer goes on with it.
pub const BEGIN: &str = r#"
mark= begun=$1
shift
rm -f "$begun" && while [ $# -gt 1 ]; do
    logs all "$1" "$2" | while read -r what id skip name; do
        [ "$name" = "log_peer_$id.log" ] || {
            length=$(($(wc -c <"$name")))
            printf '%s\n%s\n%s\n' "$length" "$name" "$(before "$name" "$length")"
        }
    done
    shift 2
done | fill "$begun" || exit 92
"#;
