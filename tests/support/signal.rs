//! `signal`: gives a signal to a process, without the program `kill`: a bare Debian does not have it.

use rustix::process::{Pid, Signal, kill_process};

/// Gives a signal to a process; whether it was there and may be given one.
pub fn signal(pid: u32, name: &str) -> bool {
    let signal = match name {
        "CONT" => Signal::CONT,
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "QUIT" => Signal::QUIT,
        "STOP" => Signal::STOP,
        "TERM" => Signal::TERM,
        "TSTP" => Signal::TSTP,
        _ => panic!("{name} is a signal that no test has needed yet"),
    };
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process ID");
    kill_process(pid, signal).is_ok()
}
