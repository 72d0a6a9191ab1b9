//! Whether another process lives.

/// Reports whether a process of this ID may live. On Windows it is not known, so each may.
#[cfg(unix)]
#[must_use]
pub fn may_live(pid: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};

    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return false };
    // A process of another user may refuse the signal, but it exists.
    test_kill_process(pid) != Err(rustix::io::Errno::SRCH)
}

/// Reports whether a process of this ID may live. On Windows it is not known, so each may.
#[cfg(windows)]
#[must_use]
pub fn may_live(pid: u32) -> bool {
    pid > 0
}
