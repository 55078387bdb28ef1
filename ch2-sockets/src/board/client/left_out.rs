//! What a list had no room for: an answer keeps the newest that its transport carries, and does not say that there are more.
//!
//! ```text
//!   2:0 ──► 0:8889:8890: … :20000      65 504 bytes: the ids before 8889 were left out
//!   5:0 ──► 0:150000042:…              200 MiB: of two messages of 150 MB, one
//! ```
//!
//! The rest is asked for one message at a time, as figure 2.4 has it for all of them.

use common::protocol::mboard::received::{self, Refused};
use common::protocol::mboard::response::Posted;
use common::protocol::mboard::{Id, Request, Transport};

use super::channel::Channel;
use super::error::Error;
use super::show::Screen;

/// More than any id takes in a list.
const LONGEST_ID: usize = ":18446744073709551615".len();

/// The ids that an answer to `LAST count` over datagrams had no room for: ids count from 0 without a gap.
pub fn ids(shown: &[Id], count: u64, response: &[u8]) -> std::ops::Range<u64> {
    let first = shown.first().map_or(0, |id| id.0);
    if response.len() + LONGEST_ID <= Transport::Udp.response_limit() {
        return first..first;
    }
    let missing = match count {
        0 => first,
        count => first.min(count.saturating_sub(shown.len() as u64)),
    };
    first - missing..first
}

/// Shows the messages that a list of texts over TCP had no room for: all of the last `count` before the first that it has.
///
/// # Errors
/// When they cannot be had.
pub fn show_before(
    first: Option<&Posted<'_>>,
    listed: usize,
    count: u64,
    channel: &mut Channel,
    screen: &mut Screen,
) -> Result<(), Error> {
    let Some(first) = first.filter(|_| count == 0 || (listed as u64) < count) else { return Ok(()) };
    let ids = received::ids(&channel.ask(Request::Last(count).encode())?)?;
    for id in ids.iter().take(ids.len().saturating_sub(listed)) {
        let response = channel.ask(Request::Get(*id).encode())?;
        match received::message(&response) {
            // The board has grown since the list was made.
            Ok(message) if message == *first => break,
            Ok(message) => screen.message(&message)?,
            Err(Refused::MessageNotFound) => tracing::warn!("the board no longer has message {id}"),
            Err(refused) => return Err(refused.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_answer_leaves_ids_out() {
        let (full, short) = (vec![b'0'; 65_500], vec![b'0'; 65_000]);
        let shown: Vec<Id> = (7..10).map(Id).collect();
        assert_eq!(ids(&shown, 0, &full), 0..7);
        assert_eq!(ids(&shown, 5, &full), 5..7);
        assert_eq!(ids(&shown, 3, &full), 7..7);
        assert_eq!(ids(&shown, 99, &full), 0..7);
        assert_eq!(ids(&shown, 0, &short), 7..7);
        assert_eq!(ids(&[], 0, &full), 0..0);
    }
}
