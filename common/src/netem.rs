//! The lossy link: a bad network between a client and a server, whose every fault follows from a seed.
//!
//! Neither a loopback nor a laboratory's Ethernet loses datagrams, so a program that cannot bear a loss seems to work until the
//! day it is shown. This link loses, duplicates, reorders, delays, corrupts and cuts, and does it again in the same way.
//!
//! ```text
//! profile ── what may happen, how often             parse ── the same, from a command line
//!    │
//!  fate, segment ── what happens to datagram (or segment) i: a function of (seed, link, i) alone
//!    │
//!  wire, stream ─── one direction of a flow in virtual time: delay, rate, queue, cuts
//!    │      │
//!    │      └──── tests in virtual time: no socket, no clock, a minute of network in a millisecond
//!    │
//!  udp, tcp ─────── the same between real sockets: relay, which `cargo ch2 link` runs
//!    │
//! recording ─ what happened ──▶ recorder ──▶ picture, ladder
//! ```
//!
//! In a program that loses datagrams inside itself: [`Fates`]. In virtual time: [`Wire`] and [`Channel`]. Between real sockets of a
//! test or a benchmark:
//!
//! ```
//! use common::netem::{Profile, Relay, Settings};
//!
//! let server = std::net::UdpSocket::bind("127.0.0.1:0")?;
//! let settings = Settings::new(server.local_addr()?, Profile::default(), 1);
//! let relay = Relay::bind(&settings)?.start(Default::default())?;
//! std::net::UdpSocket::bind("127.0.0.1:0")?.send_to(b"hello", relay.address())?;
//! let mut buffer = [0; 16];
//! assert_eq!(server.recv(&mut buffer)?, 5);
//! assert_eq!(relay.stop()?.udp.unwrap_or_default().up.delivered, 1);
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod counts;
mod events;
pub mod fate;
pub mod ladder;
pub mod parse;
pub mod picture;
pub mod profile;
pub mod recorder;
pub mod recording;
pub mod relay;
pub mod segment;
pub mod settings;
mod sockets;
pub mod stream;
mod tcp;
pub mod totals;
mod udp;
pub mod wire;

pub use counts::Counts;
pub use fate::{Fate, Fates, Passage, fate};
pub use profile::{Blocked, Cut, Direction, Profile, Span};
pub use recorder::Recorder;
pub use recording::{Arrival, Carrier, LinkEvent, Outcome};
pub use relay::{Relay, RunningRelay};
pub use segment::{SegmentFate, segment_fate};
pub use settings::Settings;
pub use stream::{Channel, Piece};
pub use totals::{Summary, Totals};
pub use wire::Wire;
