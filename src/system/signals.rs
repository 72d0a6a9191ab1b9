//! `Signals`: what asks this process to end, by the numbers that Unix has for it.
//!
//! Windows has events of the console in their place. Ctrl-C and Ctrl-Break count as SIGINT, and a closing console as SIGHUP.
//! The end of the session or of the system counts as SIGTERM. After a closing console or session, Windows ends the process as soon as
//! its handler returns, or after some seconds. The handler never returns, so an orderly end has these seconds.

pub use system::Signals;

/// Ctrl-C.
pub const INTERRUPT: i32 = 2;
/// The terminal is closed.
pub const HANG_UP: i32 = 1;
/// `kill`, or the end of the session.
pub const TERMINATE: i32 = 15;

#[cfg(unix)]
mod system {
    use std::io;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    use signal_hook::iterator;

    /// Receives them from now on. Until the process ends, none of them ends it.
    #[derive(Debug)]
    pub struct Signals(iterator::Signals);

    impl Signals {
        /// Starts to receive them.
        ///
        /// SIGXFSZ (a file exceeds its size limit) would end the process silently. It is ignored, too, and the failed write
        /// reports the fault.
        ///
        /// # Errors
        /// When the system cannot watch signals.
        pub fn watch() -> io::Result<Self> {
            iterator::Signals::new([SIGINT, SIGTERM, SIGHUP, SIGXFSZ]).map(Self)
        }

        /// Hands on each that comes, as long as the process lives.
        pub fn forever(mut self, mut hand_on: impl FnMut(i32)) {
            for signal in self.0.forever().filter(|&signal| signal != SIGXFSZ) {
                hand_on(signal);
            }
        }
    }
}

#[cfg(windows)]
mod system {
    use std::io;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};
    use std::thread::{self, Thread};

    use tokio::signal::windows::{
        CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_logoff,
        ctrl_shutdown,
    };

    use super::{HANG_UP, INTERRUPT, TERMINATE};

    /// Receives them from now on. Until the process ends, none of them ends it.
    #[derive(Debug)]
    pub struct Signals {
        interrupt: CtrlC,
        interrupt_key: CtrlBreak,
        close: CtrlClose,
        logoff: CtrlLogoff,
        shutdown: CtrlShutdown,
    }

    impl Signals {
        /// Starts to receive them.
        ///
        /// # Errors
        /// When the system cannot watch signals.
        pub fn watch() -> io::Result<Self> {
            Ok(Self {
                interrupt: ctrl_c()?,
                interrupt_key: ctrl_break()?,
                close: ctrl_close()?,
                logoff: ctrl_logoff()?,
                shutdown: ctrl_shutdown()?,
            })
        }

        /// Hands on each that comes, as long as the process lives.
        pub fn forever(mut self, mut hand_on: impl FnMut(i32)) {
            let waker = Waker::from(Arc::new(Unpark(thread::current())));
            let mut context = Context::from_waker(&waker);
            loop {
                match self.poll(&mut context) {
                    Poll::Ready(signal) => hand_on(signal),
                    Poll::Pending => thread::park(),
                }
            }
        }

        /// Takes one that has come, or asks to be woken by the next one.
        fn poll(&mut self, context: &mut Context<'_>) -> Poll<i32> {
            if self.interrupt.poll_recv(context).is_ready() || self.interrupt_key.poll_recv(context).is_ready() {
                Poll::Ready(INTERRUPT)
            } else if self.close.poll_recv(context).is_ready() {
                Poll::Ready(HANG_UP)
            } else if self.logoff.poll_recv(context).is_ready() || self.shutdown.poll_recv(context).is_ready() {
                Poll::Ready(TERMINATE)
            } else {
                Poll::Pending
            }
        }
    }

    /// Wakes the thread that waits.
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
}
