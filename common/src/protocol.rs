//! What the bytes mean, and nothing else: no socket, no thread, no clock (`tests/it/pure.rs` checks it).
//!
//! A parser here is handed bytes and gives back values; the time, where a protocol has one, is an argument. So the same code
//! runs under every model, and in a test without a network, where each split and merge of the bytes can be tried.
//!
//! | file | bytes | where |
//! |---|---|---|
//! | [`mboard`] | `1:Hello` → `0` | message board over UDP and TCP, chapters 2 and 3 |
//! | [`textframe`] | `1:SGVsbG8=;` | notification board and guess-word game, chapter 4 |
//! | [`http`] | `GET / HTTP/1.1` | downloads, whiteboard, chapter 4 |
//! | [`random`] | `You requested some random bytes:…` | two random points, chapter 3: its server, client and simulator |
//! | [`frame`] | length, then bincode | our own protocols, where nobody else must be able to read them |
//! | [`rto`], [`token`] | – | when to send again, and a proof of an address: what protocols on UDP need |
//!
//! The two framings answer alike. `Ok(None)`: not all of it is here, read more and ask again. `Ok(Some((value, consumed)))`:
//! drop so many bytes from the front. `Err`: the stream is lost, because nobody knows where the next frame begins.

pub mod frame;
pub mod http;
pub mod mboard;
pub mod random;
pub mod rto;
pub mod textframe;
mod time;
pub mod token;

pub use time::{NotATime, UnixTime};
