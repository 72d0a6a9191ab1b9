//! `Logins`: the ssh processes that are logging in. One that is not logged in yet has no socket over which it could be ended.

use std::collections::HashSet;
use std::io::{self, ErrorKind};
use std::process::{Command, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

/// The logins under way, each a process group of its own.
#[derive(Debug, Default)]
pub struct Logins(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    groups: HashSet<Pid>,
    /// No login begins any more.
    ended: bool,
}

impl Logins {
    /// Runs a login in a process group of its own, and waits until it is logged in or has failed.
    ///
    /// # Errors
    /// When it cannot be started, or all logins were ended.
    pub fn run(&self, command: &mut Command) -> io::Result<ExitStatus> {
        let mut state = self.lock();
        if state.ended {
            return Err(ErrorKind::Interrupted.into());
        }
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process has a positive ID");
        state.groups.insert(pid);
        drop(state);
        // The ID stays ours until the child is collected below, under the lock.
        while waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
            .is_err_and(|error| error == rustix::io::Errno::INTR)
        {}
        let mut state = self.lock();
        state.groups.remove(&pid);
        child.wait()
    }

    /// Ends the logins under way; none begins any more.
    pub fn end(&self) {
        let mut state = self.lock();
        state.ended = true;
        for group in &state.groups {
            // One that has just ended needs no signal.
            _ = kill_process_group(*group, Signal::TERM);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn a_login_under_way_is_ended_and_no_other_begins() {
        let logins = Logins::default();
        assert!(logins.run(Command::new("true").process_group(0)).expect("it starts").success());
        thread::scope(|scope| {
            let (sender, status) = channel();
            let logins = &logins;
            scope.spawn(move || sender.send(logins.run(Command::new("sleep").arg("600").process_group(0))));
            while logins.lock().groups.is_empty() {
                thread::yield_now();
            }
            logins.end();
            let status = status.recv().expect("it has ended").expect("it was started");
            assert_eq!(status.signal(), Some(15));
        });
        assert!(logins.run(Command::new("true").process_group(0)).is_err());
    }
}
