//! The lossy link: a bad network between a client and a server, whose every fault follows from a seed.
//!
//! Neither a loopback nor a laboratory's Ethernet loses datagrams, so a program that cannot bear a loss seems to work until the
//! day it is shown. This link loses, duplicates, reorders, delays, corrupts and cuts, and does it again in the same way.
//!
//! ```text
//! profile ── what may happen, how often            parse ── the same, from a command line
//!    │
//!  fate ──── what happens to datagram i            (seed, link, i) alone: no state, no clock
//!    │
//!  wire ──── one direction of a flow, in virtual time: delay, rate, queue, cuts
//!    │
//! journal ── what happened
//! ```

pub mod counts;
pub mod fate;
pub mod journal;
pub mod ladder;
pub mod parse;
pub mod picture;
pub mod profile;
pub mod recorder;
pub mod relay;
pub mod rows;
pub mod stream;
mod tcp;
mod udp;
pub mod wire;

pub use counts::Counts;
pub use fate::{Fate, Fates, Passage, fate};
pub use journal::{Arrival, Carrier, Event, Outcome};
pub use profile::{Blocked, Cut, Direction, Profile, Span};
pub use recorder::Recorder;
pub use relay::{Relay, Running, Settings, Summary, Totals};
pub use stream::{Channel, Piece};
pub use wire::Wire;
