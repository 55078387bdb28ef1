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
//! | [`listeners`] | users that are told what is new |
//! | [`rooms`] | several chats in one server, by name |
//! | [`store`] | what a chat keeps on disk |
//! | [`sturdy`] | the same as a chat sees it |
//! | [`durable`] | chats whose references outlive their server: activation and deactivation |
//! | [`moving`] | a chat that moves to another server |
//! | [`relay`] | a chain of calls across servers |
//! | [`objects`] | the objects Chat, User and the read-only facet of a chat |
//! | [`server`] | `chat-server` |
//! | [`client`] | `chat-client`, at a terminal or from a script |

pub mod client;
pub mod durable;
pub mod listeners;
pub mod moving;
pub mod objects;
pub mod relay;
pub mod room;
pub mod rooms;
pub mod server;
pub mod store;
pub mod sturdy;

use std::net::Ipv4Addr;

use crate::announce::Group;

/// Where chats announce themselves: the notes' group. Only bare references may be sent there.
pub const GROUP: Group = Group(Ipv4Addr::new(239, 1, 1, 1), 53124);
