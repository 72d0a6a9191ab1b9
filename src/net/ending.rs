//! Waiting and ending: what threads wait for, why the process ends, and how a finished peer leaves the swarm.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use anyhow::Error;

use super::end::End;
use super::shared::Shared;
use super::state::State;
use crate::peer::{Opener, Origin};
use crate::protocol::peer_id::PeerId;

impl Shared {
    /// Reports whether all threads must stop.
    pub fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Reports whether this peer has finished and every neighbor knows it, so that no neighbor needs to come back.
    pub fn has_told_all(&self) -> bool {
        let state = self.lock();
        state.is_finishing() && !state.peer.leaves_somebody_untold()
    }

    /// Waits until the neighbor has no link, needs one, and is not kept out for its faults. Returns false if the process is
    /// ending.
    ///
    /// A link that was made by a call instead does not count: once the neighbor can be reached, the caller may be a stranger. The
    /// peer decides whether the neighbor needs a call (protocol B).
    pub fn wait_until_wanted(&self, neighbor: PeerId) -> bool {
        let unneeded = |state: &mut State| {
            let settled = !state.peer.needs_call(neighbor, state.is_finishing());
            let is_dialed = state.links.get(&neighbor).is_some_and(|link| link.made.opened_by() == Opener::Us);
            !state.stopped && (settled || is_dialed)
        };
        loop {
            let state = self.links_changed.wait_while(self.lock(), unneeded).unwrap_or_else(PoisonError::into_inner);
            let (stopped, shut_until) = (state.stopped, state.shut_until(Some(neighbor), Origin::LISTED));
            drop(state);
            // After a pause the conditions may have changed, so they are checked again.
            match shut_until {
                Some(until) if !stopped => _ = self.wait_until(until),
                _ => return !stopped,
            }
        }
    }

    /// Waits for the first interested neighbor; returns `None` if the process ends before.
    pub fn wait_for_timers(&self) -> Option<Instant> {
        let idle = |state: &mut State| !state.stopped && state.timers_started.is_none();
        let state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        state.timers_started.filter(|_| !state.stopped)
    }

    /// Notes when the next selection of preferred neighbors is due; all earlier ones are done.
    pub fn note_preferred_due(&self, due: Instant) {
        self.lock().preferred_due = Some(due);
        self.changed.notify_all();
    }

    /// Waits until the selection of preferred neighbors due at this time is done; returns false if the process is ending.
    pub fn wait_for_preferred(&self, due: Instant) -> bool {
        let undone = |state: &mut State| !state.stopped && state.preferred_due.is_none_or(|next| next <= due);
        let state = self.changed.wait_while(self.lock(), undone).unwrap_or_else(PoisonError::into_inner);
        !state.stopped
    }

    /// Waits until all threads must stop.
    pub fn wait_until_stopped(&self) {
        drop(self.changed.wait_while(self.lock(), |state| !state.stopped));
    }

    /// Waits until `deadline`; returns false if the process is ending.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        loop {
            let patience = deadline.saturating_duration_since(Instant::now());
            if state.stopped || patience.is_zero() {
                return !state.stopped;
            }
            state = self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until `deadline`, for the code that starts threads. Returns false if the process is ending, or has a reason to end
    /// other than having finished.
    pub fn pause(&self, deadline: Instant) -> bool {
        let ends = |state: &State| state.stopped || matches!(&state.end, Some(end) if !matches!(end, End::Finished));
        let patience = deadline.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(self.lock(), patience, |state| !ends(state));
        !ends(&waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Ends the process with a fault.
    pub fn fail(&self, error: Error) {
        self.end(End::Failed(error));
    }

    /// Ends the process for this reason. A fault or a signal replaces having finished; otherwise the first reason counts.
    ///
    /// A thread that gives up may have looked before the last missing peer came and everything was finished. Then having
    /// finished counts.
    pub fn end(&self, end: End) {
        let mut state = self.lock();
        let counts = match &state.end {
            None => true,
            Some(End::Finished) => matches!(end, End::Failed(_) | End::Signal(_)),
            Some(_) => false,
        };
        if counts {
            state.end = Some(end);
        }
        drop(state);
        self.wake_all();
    }

    /// Waits until there is a reason to end. Having finished counts only when the links are closed.
    ///
    /// From the moment of finishing this takes at most `patience`. In that time the peer sends its queues and reads the rest. A
    /// neighbor whose connection broke before it knew that we are complete may come back.
    pub fn wait_for_end(&self, patience: Duration) -> End {
        let running = |state: &mut State| state.end.is_none();
        let mut state = self.changed.wait_while(self.lock(), running).unwrap_or_else(PoisonError::into_inner);
        if state.is_finishing() {
            state.links.values().for_each(|link| link.outbox.close());
            let parting = |state: &mut State| {
                state.is_finishing() && (!state.links.is_empty() || state.peer.leaves_somebody_untold())
            };
            let waited = self.links_changed.wait_timeout_while(state, patience, parting);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // This happens under the same lock: a thread that saw neither an end nor a stop would dial again.
        state.stopped = true;
        state.end.take().expect("one was waited for")
    }

    /// Stops all threads: shuts every connection and wakes all waiting threads.
    pub fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        for link in state.links.values() {
            link.stream.note_end("this peer ends");
            link.give_up();
        }
        drop(state);
        self.wake_all();
    }

    fn wake_all(&self) {
        self.changed.notify_all();
        self.links_changed.notify_all();
    }
}
