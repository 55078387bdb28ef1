//! The bytes between two nodes, as text.
//!
//! ```text
//!   17 2 4                    datagram 17 of node 2: your messages up to 4 have come
//!   18 2 4 5 request 9 2      and my message 5 to you: may I have the pen? (9, 2)
//!   19 2 4 6 reply 8 0        and my message 6: you may, for (8, 0)
//! ```

use super::agreement::{Message, Stamp};

/// A datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram {
    /// Numbers what this node sends, again or not, for the picture.
    pub id: u64,
    pub from: usize,
    /// All messages up to this one have come.
    pub acknowledged: u64,
    /// A message, and its number.
    pub message: Option<(u64, Message)>,
}

impl Datagram {
    /// As text.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = format!("{} {} {}", self.id, self.from, self.acknowledged);
        if let Some((number, message)) = self.message {
            let (kind, stamp) = match message {
                Message::Request(stamp) => ("request", stamp),
                Message::Reply(stamp) => ("reply", stamp),
            };
            text += &format!(" {number} {kind} {} {}", stamp.time, stamp.node);
        }
        text.into_bytes()
    }

    /// Reads a datagram, where there are this many nodes. Bytes that are no datagram are dropped, as if they were lost.
    pub fn parse(bytes: &[u8], nodes: usize) -> Option<Datagram> {
        let words: Vec<&str> = str::from_utf8(bytes).ok()?.split(' ').take(8).collect();
        let number = |word: &str| word.parse::<u64>().ok();
        let node = |word: &str| word.parse::<usize>().ok().filter(|&node| node < nodes);
        let (head, message) = words.split_at_checked(3)?;
        let message = match message {
            [] => None,
            [count, kind, time, of] => {
                let stamp = Stamp { time: number(time).filter(|&time| time < u64::MAX)?, node: node(of)? };
                let message = match *kind {
                    "request" => Message::Request(stamp),
                    "reply" => Message::Reply(stamp),
                    _ => return None,
                };
                Some((number(count)?, message))
            }
            _ => return None,
        };
        Some(Datagram { id: number(head[0])?, from: node(head[1])?, acknowledged: number(head[2])?, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let stamp = Stamp { time: 9, node: 2 };
        for message in [None, Some((5, Message::Request(stamp))), Some((6, Message::Reply(stamp)))] {
            let datagram = Datagram { id: 18, from: 2, acknowledged: 4, message };
            assert_eq!(Datagram::parse(&datagram.encode(), 3), Some(datagram));
            assert_eq!(Datagram::parse(&datagram.encode(), 2), None, "there is no node 2");
        }
        let senseless = ["", "1 2", "1 2 3 4", "1 2 3 4 hello 5 1", "1 2 3 4 reply 5 1 7", "1 -2 3"];
        assert!(senseless.iter().all(|text| Datagram::parse(text.as_bytes(), 6).is_none()));
    }
}
