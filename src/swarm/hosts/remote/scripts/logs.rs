//! The part of the scripts that finds logs: public peers use more names and more places for them than the course does.
//!
//! It lists the files that may be logs, and `logs::finding` decides. The log of a foreign peer is never deleted when a run
//! begins, and some peers append to it in the next run. So the beginning of a run records the length and the end of each log.
//! If a log still has the same end there, the bytes after it are from this run. Otherwise the whole log is.

/// `logs WHICH ID GLOB` lists the files that may be the log of a peer, one in a line. A line has `$mark`, `log`, the ID, the
/// number of bytes from earlier runs, and the name. With `all` as `WHICH` it also lists files of earlier runs.
///
/// A file of the same age as the beginning counts as newer. Not every shell and file system knows parts of a second, and a
/// short run would have no logs there.
pub const LOGS: &str = r#"
nl='
'
# Prints the bytes right before the place $2 of the file $1, in one line.
before() {
    from=1 count=$2
    [ "$2" -le 200 ] || from=$(($2 - 199)) count=200
    ( unset IFS; set -f; printf '%s ' $(tail -c "+$from" <"$1" | dd bs=1 count="$count" 2>/dev/null) )
}
logs() {
    IFS= listed=
    for name in log_peer_*"$2"*.log log/log_peer_*"$2"*.log logs/log_peer_*"$2"*.log "peer_$2"/log_peer_*"$2"*.log $3 \
        "swarm.tap/$2"/log_peer_*"$2"*.log "swarm.tap/$2"/log/log_peer_*"$2"*.log "swarm.tap/$2"/logs/log_peer_*"$2"*.log \
        "swarm.tap/$2/"$3; do
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
    # An empty log is better than none.
    [ -n "$listed" ] || [ ! -f "log_peer_$2.log" ] || [ -s "log_peer_$2.log" ] || [ swarm.begun -nt "log_peer_$2.log" ] ||
        printf '%s log %s 0 %s\n' "$mark" "$2" "log_peer_$2.log"
    unset IFS
}
"#;

/// Lists the files that may be the logs of peers. `$1` is `all` or `new`. Then follow pairs of an ID and a pattern of other
/// names, which the shell expands.
pub const FIND: &str = r#"
mark= which=$1
shift
while [ $# -gt 1 ]; do
    logs "$which" "$1" "$2"
    shift 2
done
"#;

/// Prints two lines for each name from the second on. The first has `old` if the file is older than the file `$1`, otherwise
/// `new`, and the name. The second has the beginning of the file's first line.
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

/// Records that a run begins, in the new file `$1`. The pairs that follow are those of [`FIND`].
///
/// A log with the course's own name is not recorded: it is deleted now, or its peer resumes it.
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
