//! The part of the scripts that deletes, and what it keeps from that: a peer at work, no matter who started it, and whatever is only reached
//! through a link.
//!
//! A peer of our own program holds `peer_ID.lock`; see the crate's `lock`. Where there is no `flock`, the process counts that the file
//! names. A script that deletes something of a peer holds that lock meanwhile, so that none begins in between.

/// `is_held ID` tells whether a process holds the lock of a peer, and sets `holder` to the one that the file names.
///
/// `hold ID` takes that lock, and fails if somebody else has it; `let_go` gives it back, and deletes the file, as each holder does.
///
/// `on_the_way NAME` sets `link` to the first directory on the way to a file that is a link, or to nothing.
///
/// `is_recorded FILE` tells whether the process lives that this file records, and sets `pid` to it.
///
/// `retire ID` deletes the record of a peer, and fails if the process lives. The record is moved away first and looked at again, for
/// somebody else may start the same peer at the same moment.
pub const GUARD: &str = r#"
is_held() {
    holder=
    [ -f "peer_$1.lock" ] && [ ! -h "peer_$1.lock" ] || return 1
    { read -r holder <"peer_$1.lock"; } 2>/dev/null || :
    case $holder in '' | *[!0-9]*) holder= ;; esac
    if command -v flock >/dev/null 2>&1; then
        # Who cannot open it has not asked, and not every shell tells the two apart.
        ( flock -n 9; exit $((40 + $?)) ) 9<"peer_$1.lock"
        case $? in 40) return 1 ;; 41) return 0 ;; esac
    fi 2>/dev/null
    [ -n "$holder" ] || return 1
    kill -0 "$holder" 2>/dev/null || ps -p "$holder" >/dev/null 2>&1 || return 1
    # Its number may be another one's by now; who has the file open is the holder.
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
        # Its holder may have deleted it by now, which would end some shells at a plain exec.
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

/// Tells what keeps from deleting: pairs of a peer's ID, or `-`, and a name. In lines: `link` and the first link on the way to a file
/// that is there; `held`, the ID and the process that holds the lock, or `-`. With `=` for the ID, the name is that of a directory:
/// `same`, it, and another one of a peer that it is a link to.
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

/// Deletes files: pairs of the ID of the peer whose it is, or `-`, and its name. What it finds in the way is told as a sentence.
pub const REMOVE: &str = r#"
last=-
while [ $# -gt 1 ]; do
    if [ "$1" != "$last" ]; then
        let_go
        last=$1
        [ "$1" = - ] || hold "$1" || {
            echo "peer $1 is at work: ${holder:+process }${holder:-another process} holds peer_$1.lock; end it first" >&2
            exit 96
        }
    fi
    on_the_way "$2"
    [ -z "$link" ] || { [ ! -e "$2" ] && [ ! -h "$2" ]; } || {
        echo "$link is a link, so nothing in it is deleted" >&2
        exit 96
    }
    if [ "$2" = "peer_$1.pid" ]; then
        retire "$1" || { echo "peer $1 is at work: it is process $pid; end it first" >&2 && exit 96; }
    elif [ "$2" != "peer_$1.lock" ] || [ -z "$held" ]; then
        # The lock that is held goes last: else another peer could hold one of the same name, and lose its files.
        rm -f -- "$2" || exit 92
    fi
    shift 2
done
let_go
"#;
