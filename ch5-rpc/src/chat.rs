//! The chat: remote objects. Notes, chapter 5: *Pyro application*, figures 5.6 and 5.7.
//!
//! ```text
//!   chat reference ── register('Ann') ──► reference to a User object of its own
//!                                           └── post, get, post_private, … ──► the room
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`room`] | users, messages and their limits |
//! | [`objects`] | the objects Chat, User and the read-only facet of a chat |
//! | [`server`] | `chat-server` |
//! | [`client`] | `chat-client`, at a terminal or from a script |

pub mod client;
pub mod objects;
pub mod room;
pub mod server;

use std::net::Ipv4Addr;

use crate::announce::Group;

/// Where chats announce themselves: the notes' group. Only bare references may be sent there.
pub const GROUP: Group = Group(Ipv4Addr::new(239, 1, 1, 1), 53124);
