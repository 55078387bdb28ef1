//! What a server that has no objects answers to a client of Pyro's.

use super::message::{Header, Kind, Version};
use super::serpent;

/// The refusal of a connection, in the version of its first bytes.
#[must_use]
pub fn refusal(first: &[u8], server: &str) -> Vec<u8> {
    let version = if first.get(4..6) == Some(&[0, 48]) { Version::Four } else { Version::Five };
    let words = format!("{server} is here and has no objects");
    Header::new(version, Kind::ConnectFail, 0, 0).frame(&serpent::write(&words.as_str().into()))
}
