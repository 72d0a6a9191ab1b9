//! The part of the scripts that deletes. It spares the files of running peers, no matter who started them, and files behind a
//! link.
//!
//! A peer of our own program holds `peer_ID.lock`; see the crate's `lock`. On hosts without `flock`, the process that the file
//! names counts as the holder. A script that deletes a peer's files holds that lock, so that the peer cannot start at the
//! same time.

/// `is_held ID` reports whether a process holds the lock of a peer, and sets `holder` to the process that the file names.
///
/// `hold ID` takes that lock, and fails if another process has it. `let_go` releases it and deletes the file, as each holder
/// does.
///
/// `on_the_way NAME` sets `link` to the first directory in a file's path that is a link, or to nothing.
///
/// `is_recorded FILE` reports whether the process that this file records is alive, and sets `pid` to it.
///
/// `retire ID` deletes the record of a peer, and fails if the process is alive. It moves the record away first and looks
/// again, because another process may start the same peer at the same moment.
pub const GUARD: &str = r#"
is_held() {
    holder=
    [ -f "peer_$1.lock" ] && [ ! -h "peer_$1.lock" ] || return 1
    { read -r holder <"peer_$1.lock"; } 2>/dev/null || :
    case $holder in '' | *[!0-9]*) holder= ;; esac
    if command -v flock >/dev/null 2>&1; then
        # A failure to open the file is not an answer, and not every shell distinguishes the two.
        ( flock -n 9; exit $((40 + $?)) ) 9<"peer_$1.lock"
        case $? in 40) return 1 ;; 41) return 0 ;; esac
    fi 2>/dev/null
    [ -n "$holder" ] || return 1
    kill -0 "$holder" 2>/dev/null || ps -p "$holder" >/dev/null 2>&1 || return 1
    # Another process may have its ID by now. The holder is the process that has the file open.
    [ -r "/proc/$holder/fd" ] && [ -x "/proc/$holder/fd" ] || return 0
    for open in "/proc/$holder/fd"/*; do
        [ ! "$open" -ef "peer_$1.lock" ] || return 0
    done
    return 1
}
hold() {
    held=
    for try in 1 2 3; do
        ! is_held "$1" || return 1
        [ ! -h "peer_$1.lock" ] || { echo "peer_$1.lock is a link, so it is not used as a lock; delete it" >&2 && exit 96; }
        command -v flock >/dev/null 2>&1 && true 2>/dev/null >>"peer_$1.lock" || return 0
        # Its holder may have deleted it by now. Then a plain exec would end some shells.
        { command exec 9<"peer_$1.lock"; } 2>/dev/null || continue
        flock -n 9 2>/dev/null
        case $? in
            0) [ -e /dev/fd/9 ] && [ ! /dev/fd/9 -ef "peer_$1.lock" ] || { held=$1 && return 0; } ;;
            1) ;;
            *) exec 9<&- && return 0 ;;
        esac
        exec 9<&-
    done
    holder=
    return 1
}
let_go() {
    [ -z "$held" ] || { rm -f "peer_$held.lock" && exec 9<&-; }
    held=
}
on_the_way() {
    link= path= rest=$1
    while :; do
        case $rest in */*) ;; *) return ;; esac
        path=$path${rest%%/*} rest=${rest#*/}
        [ ! -h "$path" ] || { link=$path && return; }
        path=$path/
    done
}
is_recorded() {
    pid= was= tries=10
    while :; do
        { read -r pid was rest; } 2>/dev/null <"$1"
        # It may have been made this very moment.
        [ -z "$pid" ] && [ -f "$1" ] && [ ! -s "$1" ] && [ $tries -gt 0 ] || break
        tries=$((tries - 1))
        sleep 0.1 2>/dev/null || { sleep 1 && tries=0; }
    done
    [ -n "$pid" ] && identity "$pid" && [ -n "$started" ] && [ "$started" = "$was" ]
}
retire() {
    ! is_recorded "peer_$1.pid" || return 1
    old=peer_$1.pid.$$
    [ -e "peer_$1.pid" ] || [ -h "peer_$1.pid" ] || return 0
    mv -f "peer_$1.pid" "$old" || { [ ! -e "peer_$1.pid" ] && return 0 || exit 92; }
    if is_recorded "$old"; then
        [ -e "peer_$1.pid" ] || mv -f "$old" "peer_$1.pid"
        rm -f "$old"
        return 1
    fi
    rm -f "$old"
}
"#;

/// Prints the reasons not to delete files. Its arguments are pairs of a peer's ID, or `-`, and a name. A line is one of:
///
/// - `link` and the first link in the path of an existing file;
/// - `held`, the ID, and the process that holds the lock, or `-`;
/// - `same`, a directory, and another peer's directory that it is a link to. Here the pair has `=` for the ID.
pub const CHECK: &str = r#"
last=
while [ $# -gt 1 ]; do
    if [ "$1" = = ]; then
        [ ! -h "$2" ] || for other in peer_*; do
            [ -h "$other" ] || ! [ "$other" -ef "$2" ] || printf 'same %s %s\n' "$2" "$other"
        done
    else
        on_the_way "$2"
        [ -z "$link" ] || { [ ! -e "$2" ] && [ ! -h "$2" ]; } || printf 'link %s\n' "$link"
        if [ "$1" != - ] && [ "$1" != "$last" ]; then
            last=$1
            ! is_held "$1" || printf 'held %s %s\n' "$1" "${holder:--}"
        fi
    fi
    shift 2
done
"#;

/// Deletes files. Its arguments are pairs of the ID of the peer that owns a file, or `-`, and the name. An obstacle is
/// reported in a sentence.
pub const REMOVE: &str = r#"
last=-
while [ $# -gt 1 ]; do
    if [ "$1" != "$last" ]; then
        let_go
        last=$1
        [ "$1" = - ] || hold "$1" || {
            echo "peer $1 is running: ${holder:+process }${holder:-another process} holds peer_$1.lock; stop it first" >&2
            exit 96
        }
    fi
    on_the_way "$2"
    [ -z "$link" ] || { [ ! -e "$2" ] && [ ! -h "$2" ]; } || {
        echo "$link is a link, so swarm deletes nothing in it" >&2
        exit 96
    }
    if [ "$2" = "peer_$1.pid" ]; then
        retire "$1" || { echo "peer $1 is running: it is process $pid; stop it first" >&2 && exit 96; }
    elif [ "$2" != "peer_$1.lock" ] || [ -z "$held" ]; then
        # The held lock is deleted last. Otherwise another process could take a lock of the same name, and lose its files.
        rm -f -- "$2" || exit 92
    fi
    shift 2
done
let_go
"#;
