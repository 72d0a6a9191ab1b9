//! How a peer of an open swarm finds out that it has dialed itself: somebody may name its own address.
//!
//! Usually the listener sees the address from which its own call has left. But a router changes that address when it sends a call
//! back into its own network. Then both ends see only their own ID, just as two peers that share one by mistake do.
//!
//! So the side that has dialed says a password after the handshakes: a random row of `interested` and `not interested`. These mean
//! nothing between two peers with one ID, of which each turns the other away. The listener knows whether this peer has said it.

use std::net::SocketAddr;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rand::TryRng;
use rand::rngs::SysRng;

use crate::net::membership::own_call::OwnCall;
use crate::net::neighbor::{READ_TICK, is_pause};
use crate::net::shared::Shared;
use crate::net::state::State;
use crate::net::stream::Stream;
use crate::protocol::message::Message;
use crate::protocol::wire::encode;

/// Maximum time for a caller with our ID to say a password, and for our own listener to note that it has answered us.
const PATIENCE: Duration = Duration::from_secs(2);
/// Number of messages of a password.
const MESSAGE_COUNT: u32 = u64::BITS;
/// Number of bytes of each of its messages.
const MESSAGE_LEN: usize = 5;
const PASSWORD_LEN: usize = MESSAGE_COUNT as usize * MESSAGE_LEN;

impl Shared {
    /// Notes that this is our own end of a connection in which we shake hands with a found address.
    pub fn begin_own_call(&self, local: SocketAddr) {
        // Without random numbers it is empty. Then only a router that sends calls back is not understood.
        let bits = SysRng.try_next_u64().ok();
        let messages = bits.into_iter().flat_map(|bits| (0..MESSAGE_COUNT).map(move |place| bits >> place & 1 == 1));
        let mut password = Vec::with_capacity(PASSWORD_LEN);
        for is_set in messages {
            let message = if is_set { Message::Interested } else { Message::NotInterested };
            encode(&message, self.layout(), &mut password);
        }
        self.lock().own_calls.insert(local, OwnCall { password, is_answered: false });
    }

    /// Ends a call. Reports whether our own listener has answered it. If the other side has `our_id`, this says the password, and
    /// waits a little for the listener's thread.
    pub fn end_own_call(&self, local: SocketAddr, our_id: Option<&Stream>) -> bool {
        if let Some(stream) = our_id {
            let password = self.lock().own_calls.get(&local).map(|call| call.password.clone());
            // The listener may know already, and have closed the connection.
            _ = stream.write_all(&password.unwrap_or_default());
        }
        let patience = if our_id.is_some() { PATIENCE } else { Duration::ZERO };
        let is_open =
            |state: &mut State| !state.stopped && state.own_calls.get(&local).is_some_and(|call| !call.is_answered);
        let waited = self.links_changed.wait_timeout_while(self.lock(), patience, is_open);
        let ended = waited.unwrap_or_else(PoisonError::into_inner).0.own_calls.remove(&local);
        ended.is_some_and(|call| call.is_answered)
    }

    /// Reports whether it is this peer that has called, from this address. If so, the thread that has dialed is told.
    pub fn is_own_call(&self, from: SocketAddr) -> bool {
        self.answer_own_call(|local, _| *local == from)
    }

    /// Reports whether it is this peer that has called with its ID, by the password that the caller says next. If so, the thread
    /// that has dialed is told.
    pub fn hears_itself(&self, caller: &Stream) -> bool {
        hear_password(self, caller).is_some_and(|heard| self.answer_own_call(|_, call| call.password == heard))
    }

    fn answer_own_call(&self, is_it: impl Fn(&SocketAddr, &OwnCall) -> bool) -> bool {
        let mut state = self.lock();
        let call = state.own_calls.iter_mut().find(|(local, call)| is_it(local, call));
        let is_found = call.map(|(_, call)| call.is_answered = true).is_some();
        drop(state);
        if is_found {
            self.links_changed.notify_all();
        }
        is_found
    }
}

/// Reads as many bytes as a password has; `None` if they do not come in time.
fn hear_password(shared: &Shared, caller: &Stream) -> Option<[u8; PASSWORD_LEN]> {
    let deadline = Instant::now() + PATIENCE;
    let (mut bytes, mut filled) = ([0; PASSWORD_LEN], 0);
    while filled < PASSWORD_LEN {
        let patience = deadline.saturating_duration_since(Instant::now());
        if patience.is_zero() || shared.is_stopped() {
            return None;
        }
        caller.limit_reads(Some(patience.min(READ_TICK))).ok()?;
        match caller.read(&mut bytes[filled..]) {
            Ok(count @ 1..) => filled += count,
            Err(error) if is_pause(&error) => {}
            Ok(0) | Err(_) => return None,
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{Ipv4Addr, Shutdown};

    use super::*;
    use crate::net::rig::Rig;
    use crate::peer::Opener;

    #[test]
    fn a_caller_that_says_the_password_of_our_call_is_this_peer_and_a_twin_is_not() {
        let (rig, twin) = (Rig::open_seeder(), Rig::open_seeder());
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        rig.shared.begin_own_call(local);
        twin.shared.begin_own_call(local);
        let said = |by: &Rig| by.shared.lock().own_calls[&local].password.clone();
        let (own, of_twin) = (said(&rig), said(&twin));
        assert_eq!((own.len(), of_twin.len()), (PASSWORD_LEN, PASSWORD_LEN));
        let hears = |bytes: &[u8]| {
            let (link, mut theirs) = rig.connect(7, Opener::Them);
            theirs.write_all(bytes).expect("a socket");
            theirs.shutdown(Shutdown::Write).expect("a socket");
            let heard = rig.shared.hears_itself(&link.stream);
            rig.shared.disconnect(&link, crate::peer::Ending::Broken);
            heard
        };
        assert!(!hears(&of_twin) && !hears(&own[1..]) && !hears(b""));
        assert!(!rig.shared.lock().own_calls[&local].is_answered);
        assert!(hears(&own));
        assert!(rig.shared.end_own_call(local, None), "the thread that has dialed is told");
        assert!(!rig.shared.end_own_call(local, None));
    }
}
