//! `swarm invite`: waits until each line of `PeerInfo.cfg` has its machine, and gives all of them the same files.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use peer_process::config::PEER_INFO;
use peer_process::output::console::counted;
use peer_process::output::stderr;
use peer_process::protocol::peer_id::{self, PeerId};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};

use super::bundle::{Bundle, Content};
use super::code::{Code, Guard};
use super::lines::{Table, own_lines};
use super::message::{FromInviter, encode};
use super::visit::{FILES_PATIENCE, Phase, Shared, State, receive};
use super::{folder, places, told};
use crate::cli::InviteArgs;
use crate::fault::Usage;
use crate::files::new_file::{Signal, Stopped};
use crate::hosts::{is_this_machine, locks};
use crate::out::{FAILED, print, say};
use crate::swarm_dir::SwarmDir;
use crate::words::shell_word;

/// How often a signal is looked for.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// Number of callers without a line, beside one for each line.
const SPARE_CALLERS: usize = 32;
/// How long members may take to hear that there are no files.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
/// The slowest network that is waited for, in bytes a second.
const LEAST_RATE: u64 = 100_000;

/// Carries out `swarm invite`.
///
/// # Errors
/// One sentence for the fault, or the signal that came. Then nobody has new files.
pub fn invite(args: &InviteArgs) -> Result<ExitCode> {
    let signal = Signal::watch()?;
    let dir = &args.dir.dir;
    let swarm = SwarmDir::open(dir)?;
    let (bundle, content) = folder::read(dir).map_err(|error| Usage::error(format!("{error:#}")))?;
    let wanted: Vec<_> = args.ids.iter().filter_map(|id| PeerId::new(*id)).collect();
    let has_copy = |id| swarm.path_of(&swarm.copy_name(id)).is_file();
    let own = own_lines(&content.peers, &wanted, is_this_machine, has_copy).map_err(Usage::error)?;
    // Held to the end: a peer that runs would go on with the old file.
    let _locks = locks::lock_peers(dir, own.iter().copied())?;
    let listener = places::listen(args.port)?;
    let mut rng = StdRng::try_from_rng(&mut SysRng).context("the system has no random numbers")?;
    let code = Code::random(&mut rng);
    let table = Table::new(&content.peers, &own);
    announce(&code, &listener, &bundle, &content, (&own, &table.free()), args.time)?;
    let until = Instant::now() + args.time;
    let digest = bundle.manifest.as_deref().map(folder::digest);
    let shared = Arc::new(Shared::new(Guard::new(code), table, bundle, until));
    listen(&shared, listener, content.peers.len() + SPARE_CALLERS, digest)?;
    wait_for_enter(&shared)?;
    match gather(&shared, &signal) {
        Ok(()) => finish(&shared, dir, &own, &signal),
        Err(error) => {
            let why = if error.is::<Stopped>() { "the inviter was stopped" } else { "nobody joined in time" };
            call_off(&shared, why);
            Err(error)
        }
    }
}

/// Prints what to type on the other machines, and what it does.
fn announce(
    code: &Code,
    listener: &TcpListener,
    bundle: &Bundle,
    content: &Content,
    (own, free): (&[PeerId], &[PeerId]),
    time: Duration,
) -> Result<()> {
    let port = listener.local_addr().context("cannot read the address of a socket")?.port();
    let addresses = places::addresses();
    if addresses.is_empty() {
        say("this machine is in no network, so only programs on it can join");
        print(&format!("swarm join {}", told::place(code, std::net::Ipv4Addr::LOCALHOST.into(), port)))?;
    }
    for (number, (card, address)) in addresses.iter().enumerate() {
        let note = if addresses.len() == 1 { String::new() } else { format!("  # {card}") };
        let or = if number == 0 { "On each other machine:" } else { "or, if it does not answer there:" };
        print(&format!("{or}\n  swarm join {}{note}", told::place(code, *address, port)))?;
    }
    let (mine, others) = (peer_id::list(own), peer_id::list(free));
    say(&format!("{mine} {} this machine's; free: {others}", told::are(own)));
    say(&format!("anyone who has the code can read {}; nothing else is served", bundle.named(content)));
    say(&format!("it ends when all lines are taken, when you press Enter, or in {}", told::time(time.as_secs())));
    Ok(())
}

/// Accepts callers in a thread, each of which gets a thread of its own. At most `most` are there at a time.
fn listen(shared: &Arc<Shared>, listener: TcpListener, most: usize, digest: Option<String>) -> Result<()> {
    let shared = Arc::clone(shared);
    let digest = Arc::new(digest);
    let accepting = move || {
        loop {
            let Ok((stream, _)) = listener.accept() else {
                // The system may have no descriptor for a moment.
                drop(shared.wait_while(LOOK_INTERVAL, |_| true));
                continue;
            };
            let has_room = shared.change(|state| {
                let has_room = state.callers < most;
                state.callers += usize::from(has_room);
                has_room
            });
            if !has_room {
                continue;
            }
            let (of_caller, digest) = (Arc::clone(&shared), Arc::clone(&digest));
            let visiting = move || {
                visit(&of_caller, stream, digest.as_deref());
            };
            if thread::Builder::new().name("caller".into()).spawn(visiting).is_err() {
                shared.change(|state| state.callers -= 1);
            }
        }
    };
    thread::Builder::new().name("callers".into()).spawn(accepting).context("cannot start a thread")?;
    Ok(())
}

fn visit(shared: &Shared, stream: TcpStream, digest: Option<&str>) {
    receive(shared, stream, digest);
    shared.change(|state| state.callers -= 1);
}

/// Notes in a thread when somebody presses Enter. The end of the input is no Enter.
fn wait_for_enter(shared: &Arc<Shared>) -> Result<()> {
    let shared = Arc::clone(shared);
    let reading = move || {
        if io::stdin().read_line(&mut String::new()).is_ok_and(|count| count > 0) {
            shared.change(|state| state.enter = true);
        }
    };
    thread::Builder::new().name("enter".into()).spawn(reading).context("cannot start a thread")?;
    Ok(())
}

/// Waits until the files can be given out: all lines are taken, or Enter was pressed, or the time is over. Each member must have
/// answered since then.
fn gather(shared: &Shared, signal: &Signal) -> Result<()> {
    loop {
        let mut state = shared.wait_while(LOOK_INTERVAL, |state| !is_ready(state));
        signal.check()?;
        let is_asked = state.enter || Instant::now() >= state.until;
        if is_asked && state.table.members().next().is_none() {
            return Err(anyhow!("nobody has joined, so nothing has changed"));
        }
        if is_ready(&mut state) {
            return Ok(());
        }
        let is_full = state.table.free().is_empty();
        let phase = match state.phase {
            Phase::Open if is_full || is_asked => {
                state.question += 1;
                Phase::Closed
            }
            // A machine that does not answer has lost its line.
            Phase::Closed if !is_full && !is_asked => Phase::Open,
            _ => continue,
        };
        drop(state);
        shared.change(|state| state.phase = phase);
    }
}

/// Reports whether nobody else can come, and each member was there a moment ago.
fn is_ready(state: &mut State) -> bool {
    let was_there = |number| state.answered.get(&number) == Some(&state.question);
    let is_asked = state.enter || Instant::now() >= state.until;
    matches!(state.phase, Phase::Closed)
        && (is_asked || state.table.free().is_empty())
        && state.table.members().next().is_some()
        && state.table.members().all(was_there)
}

/// Tells the members that they get no files, and waits a moment until they know it.
fn call_off(shared: &Shared, why: &str) {
    shared.change(|state| state.phase = Phase::Over(why.to_owned()));
    drop(shared.wait_while(LAST_PATIENCE, |state| state.table.members().next().is_some()));
}

/// Writes the files here, gives them to all, and says how it went.
fn finish(shared: &Shared, dir: &Path, own: &[PeerId], signal: &Signal) -> Result<ExitCode> {
    let settled = shared.lock().table.settle(true);
    let bundle = shared.bundle(settled.text);
    let content = bundle.read().context("the new files cannot be read, which is a fault of this program")?;
    if let Err(error) = folder::write(dir, &bundle, &content) {
        call_off(shared, "the inviter cannot write its own files");
        return Err(error);
    }
    let message = encode(&FromInviter::Files(bundle.clone()));
    let patience = FILES_PATIENCE + Duration::from_secs(message.len() as u64 / LEAST_RATE);
    shared.change(|state| state.phase = Phase::Files(Arc::new(message)));
    let until = Instant::now() + patience;
    let is_missing = |state: &State| state.table.members().any(|number| !state.outcomes.contains_key(&number));
    while signal.check().is_ok() && Instant::now() < until && is_missing(&shared.lock()) {
        drop(shared.wait_while(LOOK_INTERVAL, |state| is_missing(state)));
    }
    if !settled.left_out.is_empty() {
        let (ids, are) = (peer_id::list(&settled.left_out), told::are(&settled.left_out));
        say(&format!("{ids} {are} left out: nobody took that line, and its host means each machine itself"));
    }
    if !settled.untaken.is_empty() {
        let (ids, are) = (peer_id::list(&settled.untaken), told::are(&settled.untaken));
        say(&format!("{ids} {are} as before: nobody took that line; the files have to be brought to its host by hand"));
    }
    for note in &settled.notes {
        say(note);
    }
    let state = shared.lock();
    let mut missing = 0;
    let members: Vec<_> = state.table.members().collect();
    for number in &members {
        let why = match state.outcomes.get(number) {
            Some(Ok(())) => continue,
            Some(Err(why)) => why.as_str(),
            None => "it has not said that it has them",
        };
        missing += 1;
        say(&format!("{} may lack the files: {why}; invite it again", peer_id::list(&state.table.of(*number))));
    }
    drop(state);
    if missing == 0 {
        say(&format!("{} and this one have the same files", counted(members.len(), "other machine")));
    }
    stderr::flush(stderr::LAST_PATIENCE);
    let path = dir.join(PEER_INFO);
    print(&format!("{} is now:", path.display()))?;
    for line in told::ending(&bundle, &content, own) {
        print(&line)?;
    }
    print(&next(dir, own, false))?;
    signal.check()?;
    Ok(if missing == 0 { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Returns what to type next. Behind a router the peer's host is not this machine's address, so the IDs must be named.
pub fn next(dir: &Path, own: &[PeerId], is_behind: bool) -> String {
    let ids: Vec<_> = own.iter().map(ToString::to_string).collect();
    let here = if is_behind { format!("--here={}", ids.join(",")) } else { "--here".into() };
    let (at, of) = if dir == Path::new(".") {
        (String::new(), String::new())
    } else {
        (format!(" {}", shell_word(dir)), format!(" -C {}", shell_word(dir)))
    };
    let by_hand: Vec<_> = ids.iter().map(|id| format!("peer_process {id}{of}")).collect();
    format!("Next: swarm start {here}{at}\n  or: {}", by_hand.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_next_can_be_typed() {
        let own: Vec<_> = [1002, 1003].into_iter().filter_map(PeerId::new).collect();
        let here = next(Path::new("."), &own[..1], false);
        assert_eq!(here, "Next: swarm start --here\n  or: peer_process 1002");
        let there = next(Path::new("my lab"), &own, true);
        let by_hand = "peer_process 1002 -C 'my lab'; peer_process 1003 -C 'my lab'";
        assert_eq!(there, format!("Next: swarm start --here=1002,1003 'my lab'\n  or: {by_hand}"));
    }
}
