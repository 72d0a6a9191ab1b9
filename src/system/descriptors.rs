//! How many files and sockets this process may have open.

/// The limit as it is after [`raise`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Allowed {
    /// The number of descriptors; `None` means no limit.
    pub count: Option<u64>,
}

impl Allowed {
    /// Reports whether it allows this number.
    #[must_use]
    pub fn allows(self, count: usize) -> bool {
        self.count.is_none_or(|limit| limit >= count as u64)
    }
}

/// Raises the limit to this number, as far as the system lets a process do that itself. Never lowers it.
#[cfg(unix)]
#[must_use]
pub fn raise(wanted: usize) -> Allowed {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let before = Allowed { count: limit.current };
    if before.allows(wanted) {
        return before;
    }
    let raised = limit.maximum.map_or(wanted as u64, |maximum| maximum.min(wanted as u64));
    let raised = Rlimit { current: Some(raised), maximum: limit.maximum };
    // A system that refuses this leaves the limit as it was.
    setrlimit(Resource::Nofile, raised).map_or(before, |()| Allowed { count: raised.current })
}

/// Raises the limit to this number. Windows limits handles by the memory only.
#[cfg(windows)]
#[must_use]
pub fn raise(_wanted: usize) -> Allowed {
    Allowed { count: None }
}
