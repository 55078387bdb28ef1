//! The datagrams of a call: questions go to the server, answers come back. One datagram a message.
//!
//! ```text
//! ┌─────────┬───────────────────────────────┬─────────┐
//! │ version │ frame: length, then bincode   │ CRC-32  │     at most 1200 bytes, which every path carries in one piece
//! │ 1 byte  │ of one `Message`              │ 4 bytes │
//! └─────────┴───────────────────────────────┴─────────┘
//!
//! Bind  nonce                                                ──▶   Bound  nonce, incarnation, client id, lease, slots
//! Call  (client, sequence), transmission, handling, body     ──▶   Done | InProgress | Refused
//! Probe (client, sequence), transmission, incarnation        ──▶   Done | InProgress | NotSeen | Refused
//! ```
//!
//! The check is there because UDP's own protects each hop and not the whole way: a bit that a box flips in its memory turns the text of
//! a call into another text. A damaged datagram counts as lost.
//!
//! What cannot be read gets no answer, and an answer is never answered: two servers must not talk to each other for ever. So
//! [`decode`] has no error that says more than "this is no message".

use common::protocol::frame;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The first byte of every datagram.
pub const VERSION: u8 = 1;
/// Bytes of the check at the end.
const CHECK: usize = 4;
/// The longest datagram, bytes.
pub const LONGEST: usize = 1200;
/// The longest body, of a call or of its answer, bytes. What is left is room for the rest of the datagram.
pub const LONGEST_BODY: usize = 1024;

/// One call. The same number for every transmission of it, and never for another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CallId {
    /// The client: its lease, where the server remembers calls; else a random number.
    pub client: u64,
    /// Counts the calls of the client, from 1.
    pub sequence: u64,
}

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Question {
    /// Asks for a binding: the name of the server's memory, and an id for the client.
    Bind {
        /// Comes back in the answer.
        nonce: u64,
    },
    /// Run this.
    Call {
        /// Which call it is.
        id: CallId,
        /// Counts the datagrams of this call, from 1. Comes back in the answer, so that a round trip can be measured.
        transmission: u32,
        /// Whether the server looks the call up before it runs it.
        handling: Handling,
        /// The method and its argument.
        body: Vec<u8>,
    },
    /// What has become of this call? The argument is not sent again.
    Probe {
        /// Which call.
        id: CallId,
        /// As in `Call`.
        transmission: u32,
        /// The memory that the call was sent to.
        incarnation: u64,
    },
}

/// What the server does with a call that it may have seen before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handling {
    /// Runs it. Nothing is looked up and nothing is kept.
    Plain,
    /// Runs it unless it has.
    Once {
        /// The memory that the client means. One that has another incarnation refuses.
        incarnation: u64,
        /// The client has the answers of all its calls before this one, and their records can go.
        first_incomplete: u64,
    },
}

/// What a server sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// To `Bind`.
    Bound {
        /// Of the question.
        nonce: u64,
        /// Names the server's memory of calls. A server that has lost it has another.
        incarnation: u64,
        /// The client's id from now on.
        client: u64,
        /// The id is forgotten when no call came for so long, milliseconds.
        lease: u32,
        /// Most calls of one client at a time.
        slots: u32,
    },
    /// The call has been run.
    Done {
        /// Which call.
        id: CallId,
        /// The transmission that is answered.
        transmission: u32,
        /// Not run for this transmission: the answer was in the server's memory.
        again: bool,
        /// The result.
        body: Vec<u8>,
    },
    /// It is being run.
    InProgress {
        /// Which call.
        id: CallId,
        /// The transmission that is answered.
        transmission: u32,
    },
    /// To a probe: this server has not seen the call.
    NotSeen {
        /// Which call.
        id: CallId,
        /// The transmission that is answered.
        transmission: u32,
    },
    /// Not run for this transmission. Another one may have been run.
    Refused {
        /// Which call.
        id: CallId,
        /// The transmission that is answered.
        transmission: u32,
        /// Why.
        why: Refusal,
    },
}

/// Why a transmission was not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The client has said that it has the answer; the record is gone.
    Stale,
    /// The call was meant for a memory that this server does not have: it has been started again since.
    Restarted,
    /// The client's lease is over, or was never given.
    Expired,
    /// No room for another client, or for another one of this address, or for another call of this one.
    TableFull,
    /// The body is no call that this server knows. It will never run.
    NotUnderstood,
}

/// What is in a datagram.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// To a server.
    Question(Question),
    /// To a client.
    Answer(Answer),
}

/// These bytes are no message. They are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a message of version {VERSION}")]
pub struct NoMessage;

impl Question {
    /// The datagram.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        encode(&Message::Question(self))
    }
}

impl Answer {
    /// The datagram.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        encode(&Message::Answer(self))
    }

    /// The call that it is about.
    #[must_use]
    pub fn id(&self) -> Option<CallId> {
        match self {
            Answer::Bound { .. } => None,
            Answer::Done { id, .. }
            | Answer::InProgress { id, .. }
            | Answer::NotSeen { id, .. }
            | Answer::Refused { id, .. } => Some(*id),
        }
    }
}

fn encode(message: &Message) -> Vec<u8> {
    let mut datagram = vec![VERSION];
    frame::encode(message, (LONGEST - 1 - frame::HEADER - CHECK) as u32, &mut datagram)
        .expect("a body is not longer than LONGEST_BODY");
    sealed(datagram)
}

/// Adds the check to what is before it.
#[must_use]
pub fn sealed(mut checked: Vec<u8>) -> Vec<u8> {
    let check = check(&checked);
    checked.extend(check);
    checked
}

fn check(bytes: &[u8]) -> [u8; CHECK] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_be_bytes()
}

/// Reads a datagram.
///
/// # Errors
/// [`NoMessage`], whatever is wrong: another version, a flipped bit, a length that lies, a body over the limit, bytes left over.
pub fn decode(datagram: &[u8]) -> Result<Message, NoMessage> {
    let (checked, sum) = datagram.split_last_chunk::<CHECK>().ok_or(NoMessage)?;
    let (&version, rest) = checked.split_first().ok_or(NoMessage)?;
    if version != VERSION || datagram.len() > LONGEST || check(checked) != *sum {
        return Err(NoMessage);
    }
    let frame = frame::decode::<Message>(rest, LONGEST as u32).map_err(|_| NoMessage)?;
    let (message, _) = frame.filter(|(_, length)| *length == rest.len()).ok_or(NoMessage)?;
    let body = match &message {
        Message::Question(Question::Call { body, .. }) | Message::Answer(Answer::Done { body, .. }) => {
            body.len()
        }
        _ => 0,
    };
    if body > LONGEST_BODY { Err(NoMessage) } else { Ok(message) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: CallId = CallId { client: 7, sequence: 3 };

    #[test]
    fn the_bytes_are_these() {
        let bytes = Question::Bind { nonce: 9 }.encode();
        assert_eq!(bytes[..8], [1, 0, 0, 0, 3, 0, 0, 9]);
        assert_eq!(bytes[8..], check(&bytes[..8]));
        let handling = Handling::Once { incarnation: 5, first_incomplete: 2 };
        let call = Question::Call { id: ID, transmission: 1, handling, body: b"hi".to_vec() };
        assert_eq!(call.encode()[..16], [1, 0, 0, 0, 11, 0, 1, 7, 3, 1, 1, 5, 2, 2, b'h', b'i']);
    }

    #[test]
    fn no_flipped_bit_passes() {
        let good = Question::Bind { nonce: 9 }.encode();
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bad), Err(NoMessage), "bit {bit}");
        }
    }

    #[test]
    fn the_longest_of_each_fits() {
        let (id, body) = (CallId { client: u64::MAX, sequence: u64::MAX }, vec![0xff; LONGEST_BODY]);
        let handling = Handling::Once { incarnation: u64::MAX, first_incomplete: u64::MAX };
        let call = Question::Call { id, transmission: u32::MAX, handling, body: body.clone() }.encode();
        let done = Answer::Done { id, transmission: u32::MAX, again: true, body }.encode();
        assert!(call.len() <= LONGEST && done.len() <= LONGEST);
        assert!(decode(&call).is_ok() && decode(&done).is_ok());
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let good =
            Question::Call { id: ID, transmission: 1, handling: Handling::Plain, body: vec![1, 2] }.encode();
        for length in 0..good.len() {
            assert_eq!(decode(&good[..length]), Err(NoMessage), "cut to {length} bytes");
        }
        let mut longer = good[..good.len() - CHECK].to_vec();
        longer.push(0);
        assert_eq!(decode(&sealed(longer)), Err(NoMessage), "a byte left over");
        let mut other = good[..good.len() - CHECK].to_vec();
        other[0] = 2;
        assert_eq!(decode(&sealed(other)), Err(NoMessage), "another version");
        // A body that fits the datagram and not its own limit.
        let message = Message::Question(Question::Call {
            id: ID,
            transmission: 1,
            handling: Handling::Plain,
            body: vec![0; LONGEST_BODY + 1],
        });
        assert_eq!(decode(&encode(&message)), Err(NoMessage), "a body over the limit");
    }

    proptest! {
        #[test]
        fn any_bytes_do_no_harm(bytes: Vec<u8>, behind in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&bytes);
            let mut framed = vec![VERSION, 0, 0, 0, behind.len() as u8];
            framed.extend(&behind);
            let framed = sealed(framed);
            if let Ok(message) = decode(&framed) {
                // What is read is written in one way only, but for integers that could have been shorter.
                prop_assert!(encode(&message).len() <= framed.len());
            }
        }
    }
}
