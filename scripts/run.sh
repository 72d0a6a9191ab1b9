#!/usr/bin/env bash
# Starts the peers of PeerInfo.cfg in its order, here or over ssh, waits for them, and tells how each of them ended.
# What the peers and this script have to say goes to stderr; the table at the end goes to stdout.
# shellcheck disable=SC2317,SC2329 # The functions that only a trap calls are reachable all the same.
set -u
# It would make `cd` talk, and go elsewhere.
unset CDPATH
# Where bash waits for a command, even in $(...), it may forget a SIGINT. So until the peers are watched this script runs
# commands only where it must, and in the background.
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

NAME=run.sh
# A peer ends within a second of a signal; one that does not is told harder after this many seconds.
PATIENCE=4
# The demo's file: its size leaves a last piece that is shorter than the others.
DEMO_FILE_SIZE=24301474

usage() {
    cat <<'END'
Usage: scripts/run.sh [--make-file] [--keep-going] [DIR] [-- PEER_OPTION...]
       scripts/run.sh --demo [DIR] [-- PEER_OPTION...]

Starts the peers of DIR/PeerInfo.cfg (DIR is the current directory unless given) in its order: those on this machine
directly, others over ssh. Waits for them, tells how each ended, and compares the copies of the file.
What a peer says is shown, and kept in DIR/peer_<ID>.err.

  --demo        make a fresh directory (DIR, or one under $TMPDIR) with a random file and six peers on localhost
  --make-file   make a random file of FileSize bytes for the seeders here that have none
  --keep-going  when a peer fails, leave the others running, so that it can be started again by hand
  -h, --help    show this
  -- OPTION...  give these options to each peer (-v, --seed N, ...)

PEER_PROCESS names the program; by default it is target/release/peer_process of this repository, which cargo builds.
PEER_PROCESS_REMOTE names it on other machines; by default it is peer_process in the PATH there, or else the same path as here.
PEER_DIR_REMOTE names the working directory on other machines; by default it is the same path as DIR.

Exit status: 0 every peer ended with 0 and all copies that can be compared are identical, 1 something failed,
2 usage or configuration, 129/130/143 ended by SIGHUP/SIGINT/SIGTERM.
END
}

say() { printf '%s: %s\n' "$NAME" "$*" >&2; }

# Ends with one sentence: die STATUS SENTENCE.
die() {
    local status=$1
    shift
    say "$@"
    exit "$status"
}

# ---- Arguments ----

demo=false make_file=false keep_going=false
dir='' dir_given=false
while (($# > 0)); do
    case $1 in
        -h | --help)
            usage
            exit 0
            ;;
        --demo) demo=true ;;
        --make-file) make_file=true ;;
        --keep-going) keep_going=true ;;
        --)
            shift
            break
            ;;
        -C* | --dir*) die 2 "'$1' is an option of the peers; this script takes the directory without it; see --help" ;;
        -[vq]* | --verbose | --quiet | --request-timeout* | --peer-timeout* | --fresh | --seed*)
            die 2 "'$1' is an option of the peers, and theirs go after '--'; see --help"
            ;;
        -*) die 2 "'$1' is not an option; see --help" ;;
        *)
            $dir_given && die 2 "'$1' is a second directory, only one can be run; see --help"
            dir=$1 dir_given=true
            ;;
    esac
    shift
done
peer_options=("$@")
$dir_given || dir=.
[ -n "$dir" ] || die 2 "the directory's name is empty; see --help"
$demo && $make_file && die 2 "--demo makes its own file, --make-file does not go with it; see --help"

# ---- The program ----

case ${BASH_SOURCE[0]} in
    */*) repository=${BASH_SOURCE[0]%/*}/.. ;;
    *) repository=.. ;;
esac
from=$PWD
cd -- "$repository" || exit 1
repository=$PWD
cd -- "$from" || exit 1

# Sets `program`, building it if need be. It is always given to cargo, so that it is never older than its source.
find_program() {
    if [ -n "${PEER_PROCESS:-}" ]; then
        # It is started from another directory.
        program=$PEER_PROCESS
        case $program in
            /*) ;;
            */*) program=$from/$program ;;
        esac
        type -P -- "$program" >/dev/null || die 2 "PEER_PROCESS names '$PEER_PROCESS', which cannot be run"
        return
    fi
    program=$built_program
    if type -P cargo >/dev/null; then
        [ -x "$program" ] || say "building peer_process with cargo, which takes a while the first time"
        (cd "$repository" && cargo build --release --locked --quiet) || die 1 "cargo could not build peer_process"
    fi
    [ -x "$program" ] || die 2 "there is neither cargo nor $program; install Rust, or name the program in PEER_PROCESS"
}

# Where cargo puts it: CARGO_TARGET_DIR is taken from the directory that cargo is started in.
built_program=$repository/target/release/peer_process
case ${CARGO_TARGET_DIR:-} in
    '') ;;
    /*) built_program=$CARGO_TARGET_DIR/release/peer_process ;;
    *) built_program=$repository/$CARGO_TARGET_DIR/release/peer_process ;;
esac

# ---- The demo's directory ----

# Whether nobody listens on this port of localhost.
port_is_free() { ! (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

make_demo() {
    if $dir_given; then
        mkdir -p -- "$dir" || die 2 "the directory '$dir' cannot be made"
        [ -z "$(ls -A -- "$dir")" ] || die 2 "the directory '$dir' is not empty, the demo needs a fresh one"
    else
        dir=$(mktemp -d "${TMPDIR:-/tmp}/peer_process-demo.XXXXXX") || die 1 "a fresh directory cannot be made"
    fi
    cat >"$dir/Common.cfg" <<END || die 1 "'$dir/Common.cfg' cannot be written"
NumberOfPreferredNeighbors 3
UnchokingInterval 1
OptimisticUnchokingInterval 2
FileName tree.jpg
FileSize $DEMO_FILE_SIZE
PieceSize 16384
END
    # Below the ports that the system gives to outgoing connections; from a random one, for two demos may run at once.
    local id=1001 port=$((20000 + RANDOM % 12000)) has_file=1
    while ((id <= 1006)); do
        ((port += 1))
        ((port < 32768)) || port=20000
        port_is_free "$port" || continue
        printf '%s localhost %s %s\n' "$id" "$port" "$has_file"
        ((id += 1))
        has_file=0
    done >"$dir/PeerInfo.cfg"
    make_file=true
    say "the demo runs in $dir: 1 peer with a random file of $DEMO_FILE_SIZE bytes, 5 without"
}

# ---- The two files ----

# Runs a command for each line of a configuration file, with its words as arguments and `number` set to the line's. A
# byte-order mark, carriage returns and blank lines are left out, and the last line needs no end.
for_each_line() {
    local file=$1 command=$2 line number=0 IFS=$' \t'
    set -f
    while IFS= read -r line || [ -n "$line" ]; do
        ((number += 1))
        ((number > 1)) || line=${line#$'\xef\xbb\xbf'}
        # Unquoted, to be cut into words.
        # shellcheck disable=SC2086
        set -- ${line%$'\r'}
        (($# == 0)) || "$command" "$@"
    done <"$file"
    set +f
}

# Takes what this script wants to know of Common.cfg.
take_setting() {
    case $1 in
        FileName)
            shift
            file_name=$*
            ;;
        FileSize) file_size=${2:-} ;;
    esac
}

# Takes a line of PeerInfo.cfg.
take_peer() {
    [[ $# = 4 && $1 =~ ^[0-9]+$ && $4 =~ ^[01]$ ]] ||
        die 2 "PeerInfo.cfg line $number: '$*' is not '<peer ID> <host> <port> <1 or 0>'"
    [[ " ${ids[*]-} " != *" $1 "* ]] || die 2 "PeerInfo.cfg line $number: peer ID '$1' is there twice"
    ids+=("$1") hosts+=("$2") seeds+=("$4")
}

# For each peer, in the order of PeerInfo.cfg.
ids=() hosts=() seeds=()
file_name='' file_size=''

read_configuration() {
    local name
    for name in Common.cfg PeerInfo.cfg; do
        [ -r "$dir/$name" ] || die 2 "$dir/$name cannot be read"
    done
    for_each_line "$dir/Common.cfg" take_setting
    for_each_line "$dir/PeerInfo.cfg" take_peer
    ((${#ids[@]} > 0)) || die 2 "PeerInfo.cfg: there is no peer in it"
}

# ---- Here or elsewhere ----

# Everything that this machine is called, which takes a while to ask.
names=''
own_names() {
    hostname
    hostname -s
    hostname -f
    # The first is Linux's, the second everybody's.
    hostname -I || ifconfig | awk '$1 ~ /^inet6?$/ { sub(/^addr:/, "", $2); sub(/[%\/].*/, "", $2); print $2 }'
}

is_here() {
    local host=$1 name status=1
    # Case makes no difference in the name of a host.
    shopt -s nocasematch
    case $host in
        localhost | 127.* | ::1 | "$HOSTNAME" | "${HOSTNAME%%.*}") status=0 ;;
        *)
            [ -n "$names" ] || names=$(own_names 2>/dev/null)
            for name in $names; do
                [[ $host != "$name" ]] || status=0
            done
            ;;
    esac
    shopt -u nocasematch
    return "$status"
}

# ---- Seeders' files ----

check_seeds() {
    # Where Common.cfg is wrong, the peers tell it better than this script could.
    [[ -n $file_name && $file_name != */* && $file_size =~ ^[0-9]+$ ]] || return 0
    local i path model=''
    for i in "${!ids[@]}"; do
        path=${copies[i]}
        if [ "${seeds[i]}" = 1 ] && ${here[i]} && [ -f "$path" ]; then
            model=$path
            break
        fi
    done
    for i in "${!ids[@]}"; do
        path=${copies[i]}
        if [ "${seeds[i]}" = 0 ] || ! ${here[i]} || [ -e "$path" ]; then
            continue
        fi
        $make_file || die 2 "peer ${ids[i]} starts with the file, but $path is missing:" \
            "put it there, or add --make-file for a random one of $file_size bytes"
        mkdir -p -- "${path%/*}" || die 1 "'${path%/*}' cannot be made"
        if [ -n "$model" ]; then
            cp -- "$model" "$path" || die 1 "'$path' cannot be written"
        else
            head -c "$file_size" /dev/urandom >"$path" || die 1 "'$path' cannot be written"
            model=$path
            $demo || say "made $path: $file_size random bytes"
        fi
    done
}

# ---- Starting ----

# For each peer: the process group that it runs in here (with ssh, if it runs elsewhere), empty once it ended; how it ended;
# and what shows its lines. `wires` are descriptors that hold open the stdin of each ssh, and NEWS is the one on which each
# end is reported.
pids=() statuses=() relays=() wires=()
NEWS=19
# While a peer is started: what its ssh reads, and the two ends of the pipe to its relay. They are opened here, because
# whoever opens one end of a named pipe by itself waits for ever if the other never comes.
STDIN=16 OUT=17 IN=18

# What runs on the other machine, in a `sh` of our own because the login shell may be any. The peer ends when a line with
# a signal's name comes through ssh, and when nothing can come any more: then run.sh or the connection is gone.
# shellcheck disable=SC2016 # It is expanded over there.
remote_script='dir=$1 program=$2 same=$3; shift 3; cd "$dir" || exit 2
command -v "$program" >/dev/null || [ ! -x "$same" ] || program=$same
exec 3<&0
"$program" "$@" 3<&- </dev/null & peer=$!
{ while read -r name; do kill -s "$name" "$peer"; done; kill -s TERM "$peer"; } <&3 >/dev/null 2>&1 & watch=$!
exec 3<&-
wait "$peer"; status=$?
kill "$watch" 2>/dev/null
exit "$status"'

# Words as a shell reads them back.
quoted() {
    local word
    for word; do
        printf " '%s'" "${word//\'/\'\\\'\'}"
    done
}

# Closes descriptors: those given, and those that only this script may hold open, for if it is killed each ssh must see the
# end of its stdin.
let_go() {
    local wire
    for wire in "$@" ${wires[@]+"${wires[@]}"}; do
        eval "exec $wire>&-"
    done
}

# Runs in the process that becomes the peer.
become_peer() {
    local i=$1
    local id=${ids[i]}
    let_go $IN $NEWS
    if ${here[i]}; then
        exec "$program" "$id" ${peer_options[@]+"${peer_options[@]}"} </dev/null
    fi
    local remote=${PEER_PROCESS_REMOTE:-peer_process} same=${PEER_PROCESS_REMOTE:-$built_program}
    # One connection for each peer, because a shared one outlives it; and what ssh itself has to say is told in our sentence.
    exec ssh -T -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ControlPath=none -E "$tmp/ssh.$id" \
        -- "${hosts[i]}" "exec sh -c$(quoted "$remote_script" sh "${PEER_DIR_REMOTE:-$dir}" "$remote" "$same" "$id" \
            ${peer_options[@]+"${peer_options[@]}"})" <&$STDIN
}

# Runs the peer and reports its end. It outlives the signals that are given to the whole group, to say what came of them.
run_peer() {
    # The shell's own remarks on how the peer ended are not wanted.
    exec 2>/dev/null
    trap : INT TERM HUP
    let_go $OUT
    (become_peer "$1") >&$IN 2>&1
    echo "$1 $?" >&$NEWS
}

# Shows what a peer says, all but its sums for each neighbor, and keeps all of it. No signal that is given to all, as a
# terminal does, may end this before the peer has had its last word.
relay() {
    trap '' INT TERM HUP
    exec <&$OUT
    let_go $STDIN $OUT $IN $NEWS
    tee "$dir/peer_$1.err" | grep --line-buffered -v -E '^peer [0-9]+: from [0-9]+ [0-9]+ bytes, to it ' >&2
}

start_peer() {
    local i=$1
    local id=${ids[i]} wire=$((20 + i))
    if ! ${here[i]}; then
        # It stays open for both, so that writing does no harm when nobody reads.
        eval "exec $wire<>\"\$tmp/in.\$id\" $STDIN<\"\$tmp/in.\$id\"" || return
        wires[i]=$wire
    fi
    # Nobody should take for his what an earlier run has left.
    : 2>/dev/null >"$dir/peer_$id.err"
    eval "exec $IN<>\"\$tmp/out.\$id\" $OUT<\"\$tmp/out.\$id\" $IN>\"\$tmp/out.\$id\"" || return
    relay "$id" &
    relays[i]=$!
    # With job control a process gets a group of its own, so that a terminal's Ctrl-C reaches this script alone, which passes
    # it on once; and it does not start with SIGINT ignored.
    set -m
    run_peer "$i" &
    pids[i]=$!
    # How it ends is told by this script, not by bash.
    disown "$!"
    set +m
    eval "exec $STDIN<&- $OUT<&- $IN>&-"
}

# ---- Ending ----

# The status to end with because a signal came or a peer failed; empty while all is well.
ending=''
signal=''
# 0 while the peers are to run, 1 when they were given that signal, 2 when it was SIGTERM, 3 and more when it was SIGKILL.
told=0
deadline=0

# Gives a signal to every peer that is still there: to its process group, which is its own, or at first through its ssh.
pass_on() {
    local i
    for i in "${!pids[@]}"; do
        [ -n "${pids[i]}" ] || continue
        if ${here[i]} || ((told > 1)); then
            kill -s "$1" -- "-${pids[i]}" 2>/dev/null
        else
            eval "printf '%s\n' $1 >&${wires[i]}"
        fi
    done
}

# Hears out the first peer before the others start: a fault of the configuration, which all of them would tell, is told
# once. Who says nothing (-q) does not hold the others up for long.
hear_first() {
    local err=$dir/peer_${ids[0]}.err line='' i status=''
    for i in 1 2 3 4 5 6 7 8 9 10; do
        [ -z "$ending" ] || return
        read -r line 2>/dev/null <"$err" && break
        # Nothing ever comes there, so this is a pause; an old bash has none so short, and goes on at once.
        ((BASH_VERSINFO[0] < 4)) || read -r -t 0.05 <>"$tmp/in.${ids[0]}"
    done
    # Who has said such a sentence is about to end.
    [[ $line == 'peer_process: '* ]] && read -r -t "$PATIENCE" -u "$NEWS" i status
    [ -n "$status" ] || return
    # Its last words come first.
    wait "${relays[i]}"
    if ((status == 2)); then
        pids[i]=''
        exit 2
    fi
    collect "$i" "$status"
}

# Ends the peers: stop STATUS SIGNAL. The first call counts, the next ones change nothing.
stop() {
    [ -z "$ending" ] || return 0
    ending=$1
    signal=$2
    told=1
    pass_on "$signal"
    deadline=$((SECONDS + PATIENCE))
}

# Who does not hear is told again, for a shell that is about to become a peer may swallow a signal, and then harder.
insist() {
    if ((SECONDS >= deadline)); then
        ((told += 1))
        deadline=$((SECONDS + PATIENCE))
    fi
    case $told in
        1) pass_on "$signal" ;;
        2) pass_on TERM ;;
        *) pass_on KILL ;;
    esac
}

on_signal() {
    if [ -n "$ending" ]; then
        say "the peers are already told to end"
    else
        say "SIG$2 came, the peers are ended"
        stop "$1" "$2"
    fi
}

# Whatever this script ends of, it leaves nothing behind. Most often nothing is left.
clean_up() {
    trap '' INT TERM HUP
    # If a signal came while the directory was being made.
    [ -z "${!:-}" ] || wait "$!"
    rm -rf -- "$tmp"
    local left=$PATIENCE
    told=2
    pass_on TERM
    while any_left && ((left > 0)); do
        sleep 1
        ((left -= 1))
    done
    pass_on KILL
} 2>/dev/null

any_left() {
    local i
    for i in "${!pids[@]}"; do
        [ -z "${pids[i]}" ] || ! kill -0 "${pids[i]}" || return 0
    done
    return 1
}

# What an exit status means, if it is not the peer's own sentence that says it.
meaning() {
    local i=$1 status=$2
    if ! ${here[i]} && ((status == 255)); then
        local reason
        reason=$(tail -n 1 "$tmp/ssh.${ids[i]}" 2>/dev/null | tr -d '\r')
        if [ -s "$dir/peer_${ids[i]}.err" ]; then
            echo "the connection to host '${hosts[i]}' was lost${reason:+ ($reason)}"
        else
            echo "host '${hosts[i]}' cannot be reached over ssh${reason:+ ($reason)}"
        fi
    elif ! ${here[i]} && ((status == 126 || status == 127)); then
        echo "host '${hosts[i]}' has no peer_process: put it in the PATH there, or name it in PEER_PROCESS_REMOTE"
    elif ((status > 128)) && kill -l "$((status - 128))" >/dev/null 2>&1; then
        echo "peer ${ids[i]} was ended by SIG$(kill -l "$((status - 128))") (status $status)"
    else
        echo "peer ${ids[i]} ended with status $status"
    fi
}

failed=false differs=false
sentences='|'

# Notes that a peer has ended: collect WHICH STATUS.
collect() {
    local i=$1 status=$2 sentence
    statuses[i]=$status
    pids[i]=''
    ((status != 0)) || return 0
    failed=true
    # What follows from this script's own signals is told by the table alone.
    if [ -n "$ending" ] && { ((told > 1)) || ((status == 129 || status == 130 || status == 143)); }; then
        return
    fi
    sentence=$(meaning "$i" "$status")
    # Several peers of a host that cannot be reached are one trouble.
    [[ $sentences == *"|$sentence|"* ]] || say "$sentence"
    sentences="$sentences$sentence|"
    if ! $keep_going && [ -z "$ending" ]; then
        ! any_left_to_collect || say "the others would wait for it, so they are ended too (--keep-going leaves them running)"
        stop 1 TERM
    fi
}

wait_for_peers() {
    local i status
    while any_left_to_collect; do
        # Not bash's `wait`: where a signal interrupts it, 5.2 may lose the status of a peer that ends at that moment. It
        # looks up each second, for an old bash runs a trap only then.
        if read -r -t 1 -u "$NEWS" i status; then
            collect "$i" "$status"
            continue
        fi
        for i in "${!pids[@]}"; do
            # Who was killed together with its group has reported nothing.
            [ -z "${pids[i]}" ] || kill -0 "${pids[i]}" 2>/dev/null || collect "$i" 137
        done
        [ -z "$ending" ] || insist
    done
    # Their last lines come before the table.
    for i in "${!relays[@]}"; do
        while kill -0 "${relays[i]}" 2>/dev/null; do
            wait "${relays[i]}"
        done
    done
}

any_left_to_collect() {
    local pid
    for pid in "${pids[@]}"; do
        [ -z "$pid" ] || return 0
    done
    return 1
}

# ---- The table ----

# The last number of seconds that a peer's lines give after these words.
seconds_after() {
    sed -n "s/^peer [0-9]*: .*$2 \\([0-9.]* s\\).*/\\1/p" "$dir/peer_$1.err" 2>/dev/null | tail -n 1
}

# Compares peer i's copy with the model; sets `verdict`.
compare() {
    local i=$1 path
    path=${copies[i]}
    if ! ${here[i]}; then
        verdict='elsewhere'
    elif [ "${statuses[i]}" != 0 ]; then
        verdict='-'
    elif [ ! -f "$path" ]; then
        verdict='MISSING'
        failed=true
    elif [ "$path" = "$model" ]; then
        verdict=$model_is
    elif cmp -s -- "$model" "$path"; then
        verdict='identical'
    else
        verdict='DIFFERENT'
        failed=true differs=true
    fi
}

show_table() {
    local i path model='' model_is='' verdict time starved width=4
    for i in "${!ids[@]}"; do
        ((${#hosts[i]} <= width)) || width=${#hosts[i]}
        path=${copies[i]}
        if ! ${here[i]} || [ "${statuses[i]}" != 0 ] || [ ! -f "$path" ]; then
            continue
        fi
        # Without a seeder here the first copy has to do.
        if [ -z "$model" ]; then
            model=$path model_is='compared with'
        fi
        if [ "${seeds[i]}" = 1 ]; then
            model=$path model_is='the original'
            break
        fi
    done
    printf '%-10s  %-*s  %6s  %8s  %18s  %s\n' peer "$width" host status time 'unchoked by nobody' file
    for i in "${!ids[@]}"; do
        compare "$i"
        starved=$(seconds_after "${ids[i]}" 'unchoked by nobody for')
        time=$(seconds_after "${ids[i]}" ' after')
        printf '%-10s  %-*s  %6s  %8s  %18s  %s\n' "${ids[i]}" "$width" "${hosts[i]}" "${statuses[i]}" \
            "${time:--}" "${starved:--}" "$verdict"
    done
}

# What to do about a copy that differs, and where to read on: only what is there.
show_places() {
    $differs && say "a copy that differs may be mixed from two files of the same size, the older one left by a run that was" \
        "killed: '-- --fresh' makes the peers start from nothing"
    local id said="what each peer said is in $dir/peer_<ID>.err"
    for id in "${ids[@]}"; do
        if [ -e "$dir/log_peer_$id.log" ]; then
            said="the logs are $dir/log_peer_<ID>.log; what each peer said is in peer_<ID>.err beside them"
            break
        fi
    done
    say "$said"
    ! $demo || say "this directory stays until you delete it: rm -r $(printf %q "$dir")"
}

# ---- The run ----

$demo && make_demo
cd -- "$dir" 2>/dev/null || die 2 "there is no directory '$dir'"
dir=$PWD
read_configuration
here=() copies=() all_elsewhere=true
for i in "${!ids[@]}"; do
    here[i]=false copies[i]=$dir/peer_${ids[i]}/$file_name
    if is_here "${hosts[i]}"; then
        here[i]=true all_elsewhere=false
    fi
done
check_seeds
program=''
$all_elsewhere || find_program

tmp=${TMPDIR:-/tmp}/peer_process-run.$$.$RANDOM
trap clean_up EXIT
(umask 077 && mkdir -- "$tmp" && mkfifo "$tmp/news" "${ids[@]/#/$tmp/out.}" "${ids[@]/#/$tmp/in.}") &
wait "$!" || die 1 "the directory '$tmp' cannot be made, with a pipe for each peer"
eval "exec $NEWS<>\"\$tmp/news\"" || die 1 "the pipe '$tmp/news' cannot be opened"
# Who reads our lines may go away; the peers' are kept all the same.
trap '' PIPE
trap 'on_signal 130 INT' INT
trap 'on_signal 143 TERM' TERM
trap 'on_signal 129 HUP' HUP
for i in "${!ids[@]}"; do
    # A signal may have come already.
    [ -z "$ending" ] || break
    start_peer "$i" || die 1 "peer ${ids[i]} cannot be started"
    if ((i == 0)) && ${here[0]} && ! $keep_going; then
        hear_first
    fi
done
# Those that a signal or a peer's fault has kept from starting.
for i in "${!ids[@]}"; do
    [ -n "${pids[i]:-}${statuses[i]:-}" ] || pids[i]='' statuses[i]=-
done
wait_for_peers
show_table
show_places
[ -z "$ending" ] || exit "$ending"
$failed && exit 1
exit 0
