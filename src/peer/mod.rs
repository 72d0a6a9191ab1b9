//! Every rule of the protocol, as a pure state machine: [`Peer::handle`] takes an [`Event`] and returns actions.
//!
//! There is no socket, file, thread, lock or clock here. All random choices come from one generator, seeded by the creator of
//! the `Peer`, so the same events give the same actions. The rules are those of the protocol's sections A6 to A10, with the
//! additions of section B; each method names its own. Connections and the end are here, messages are in `messages`, our own
//! pieces in `download`, and unchoking in `slots`.

mod event;
mod membership;

mod admission;
mod allowance;
mod choking;
mod pieces;
mod record;

mod neighbor;
mod rarity;

mod setup;

mod machine;

mod members;

mod download;
mod messages;
mod slots;
mod view;

pub use self::admission::{Admission, Newcomer, Present, Refusal, Stays, Way, admit, crossing};
pub use self::event::{Action, Ending, Event, Fault, LogEvent, Opener, Origin};
pub use self::machine::Peer;
pub use self::members::Holding;
pub use self::membership::Membership;
pub use self::setup::{Allowances, Select, Setup};
pub use self::view::{Awaited, NeighborView};
