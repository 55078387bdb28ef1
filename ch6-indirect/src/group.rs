//! Group communication: one sends, all members of the group deliver, and each layer promises one thing more. Notes, section 6.2.
//!
//! ```text
//!             the program            cast, deliver, views
//!     ─────────────────────────────────────────────────────────────────────────────────────────────
//!      5  one order, or none:        fifo │ causal │ total_sequencer │ total_agreed
//!      4  partition                  the side of the network that may go on
//!      3  membership                 views: who is in; all that stay deliver the same before a new view
//!      2  reliable                   what one member delivers, all do: numbers, NACK, retransmission, stability
//!     ─────────────────────────────────────────────────────────────────────────────────────────────
//!      1  the network                IP multicast: datagrams are lost, doubled and overtaken
//! ```
//!
//! Each layer is a state machine without I/O, in a file of its own: it takes what comes from above ([`Down`]) and from below
//! ([`Up`]), and says what it wants done in [`Layer::poll_output`]. A layer puts its header before the bytes from above and takes it
//! off again: so each can be read, tested and left out alone. [`stack`] passes on what they want. Time is an argument.
//!
//! | file | its promise |
//! |---|---|
//! | [`reliable`] | integrity, validity and agreement among those that stay |
//! | [`membership`] | views in one order; the same messages delivered in each (*view synchrony*) |
//! | [`partition`] | of two sides that cannot reach each other, one at most goes on |
//! | [`fifo`] | messages of one sender in the order in which it sent them |
//! | [`causal`] | no answer before its question, whoever sent them |
//! | [`total_sequencer`], [`total_agreed`] | all messages in one order: one member numbers them, or all agree |
//! | [`simulation`] | a group in virtual time, over a lossy link |
//! | [`check`] | what a recorded run kept of these promises, and what not |
//! | [`program`] | `cargo ch6 group` |

pub mod causal;
pub mod check;
pub mod fifo;
pub mod membership;
pub mod partition;
pub mod program;
pub mod reliable;
pub mod simulation;
pub mod stack;
pub mod total_agreed;
pub mod total_sequencer;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use common::protocol::frame;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Since the beginning of the run.
pub type Time = Duration;

/// The longest header, bytes: a report of what a member has, in a large group after heavy loss. It leaves room in a datagram.
const MOST_BYTES: u32 = 32 * 1024;

/// Names a member. One that comes back after it was excluded comes with a new name: its memory of the group is void.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MemberId(pub u32);

impl fmt::Display for MemberId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{}", self.0)
    }
}

/// Names a view. Two sides of a cut network may count alike, so the view's first member is part of the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ViewId {
    /// One more than in the view before.
    pub number: u64,
    /// Who proposed it.
    pub coordinator: MemberId,
}

/// Who is in the group, from now on until the next view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Its name.
    pub id: ViewId,
    /// The members, in the order in which they came: the first has been here longest.
    pub members: Vec<MemberId>,
    /// Whether this side may go on while the network is cut: see [`partition`].
    pub is_primary: bool,
}

/// Which messages of each sender a member has: all up to a number, and some beyond.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Received(pub BTreeMap<MemberId, (u64, Vec<u64>)>);

impl Received {
    /// Whether this message is among them.
    #[must_use]
    pub fn includes(&self, sender: MemberId, number: u64) -> bool {
        self.0.get(&sender).is_some_and(|(up_to, beyond)| number <= *up_to || beyond.contains(&number))
    }
}

/// From above to below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Down {
    /// To all members of the view, the sender too.
    Cast(Vec<u8>),
    /// To one of them.
    Send(MemberId, Vec<u8>),
    /// To everybody who listens, in the view or not, perhaps: for those that make views.
    Shout(Vec<u8>),
    /// From [`membership`] to [`reliable`]: say what you have; nothing new is cast in this view.
    Stop,
    /// From [`membership`] to [`reliable`]: have all of this, and say when.
    Reach(Received),
    /// From [`membership`] to all below it: the view has begun.
    Begin(View),
}

/// From below to above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Up {
    /// A message to the group.
    Cast {
        /// Who sent it.
        from: MemberId,
        /// What was sent.
        bytes: Vec<u8>,
    },
    /// A message to this member alone.
    Send {
        /// Who sent it.
        from: MemberId,
        /// What was sent.
        bytes: Vec<u8>,
    },
    /// What somebody shouted.
    Shout {
        /// Who.
        from: MemberId,
        /// What.
        bytes: Vec<u8>,
    },
    /// From [`reliable`]: what this member has.
    Have(Received),
    /// From [`reliable`]: all that was to be reached is here.
    Reached,
    /// The view is about to end: nothing is to be cast before the next.
    Block,
    /// A view has begun. Everything that came before it was delivered in the view before.
    View(View),
    /// This member was excluded, or its side of the network gave up: it will come back with a new name.
    Excluded,
}

/// What a layer wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// By the layer below it.
    Down(Down),
    /// By the layer above it.
    Up(Up),
}

/// One layer: a state machine.
pub trait Layer {
    /// Something from above.
    fn handle_down(&mut self, down: Down, now: Time);

    /// Something from below.
    fn handle_up(&mut self, up: Up, now: Time);

    /// The next thing that the layer wants done.
    fn poll_output(&mut self) -> Option<Output>;

    /// When [`handle_timeout`](Layer::handle_timeout) is to be called next.
    fn deadline(&self) -> Option<Time> {
        None
    }

    /// The deadline has come.
    fn handle_timeout(&mut self, _now: Time) {}
}

/// A layer's header before the bytes from above.
fn wrap<H: Serialize>(header: &H, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    frame::encode(header, MOST_BYTES, &mut out).expect("a header is short");
    out.extend_from_slice(bytes);
    out
}

/// The header and the bytes behind it; `None` for what is no such thing: it is dropped, as a lost datagram is.
fn unwrap<H: DeserializeOwned>(bytes: &[u8]) -> Option<(H, Vec<u8>)> {
    let (header, length) = frame::decode(bytes, MOST_BYTES).ok()??;
    Some((header, bytes[length..].to_vec()))
}
