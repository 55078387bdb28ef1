//! redis streams: XADD is confirmed by the id that answers it; a consumer of a group reads many at once, and acknowledges them by id.
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>
//!
//! ```text
//!   *5 $4 XADD $1 s $1 * $1 m $128 <body>        ──► $15 1700000000000-0
//!   *… XREADGROUP … COUNT 1000 BLOCK 0 STREAMS s > ──► *1 *2 $1 s *n (*2 $15 <id> *2 $1 m $128 <body>) …
//!   *… XACK s g <id> …                            ──► :n
//! ```

use std::net::{SocketAddr, TcpStream};
use std::ops::Range;

use anyhow::{bail, ensure};
use common::support::terminal::text;

use super::{Lines, line, number};
use crate::client::wire::{Seen, Template, Wire};

/// Messages that a consumer reads at once.
const COUNT: &str = "1000";

/// A connection.
///
/// # Errors
/// There is no server.
pub fn connect(server: SocketAddr) -> anyhow::Result<(TcpStream, Vec<u8>)> {
    Ok(Lines::connect(server)?.into_parts())
}

/// Makes an empty stream with a group that reads it.
///
/// # Errors
/// There is no server, or it refuses.
pub fn create(server: SocketAddr, stream: &str) -> anyhow::Result<()> {
    let mut lines = Lines::connect(server)?;
    lines.say(&command(&["XGROUP", "CREATE", stream, "g", "$", "MKSTREAM"]))?;
    lines.expect("+OK").map(drop)
}

/// Deletes a stream.
///
/// # Errors
/// There is no server, or it refuses.
pub fn delete(server: SocketAddr, stream: &str) -> anyhow::Result<()> {
    let mut lines = Lines::connect(server)?;
    lines.say(&command(&["DEL", stream]))?;
    lines.expect(":").map(drop)
}

/// How many messages are in a stream.
///
/// # Errors
/// There is no server, or it is loading its file.
pub fn length(server: SocketAddr, stream: &str) -> anyhow::Result<u64> {
    let mut lines = Lines::connect(server)?;
    lines.say(&command(&["XLEN", stream]))?;
    let line = lines.expect(":")?;
    Ok(number(&line.trim_end().as_bytes()[1..])? as u64)
}

fn command(words: &[&str]) -> Vec<u8> {
    let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect::<Vec<_>>();
    format!("*{}\r\n{}", words.len(), words.concat()).into_bytes()
}

/// A publisher.
#[derive(Debug)]
pub struct Publisher {
    template: Template,
    confirmed: u64,
}

impl Publisher {
    /// For bodies of so many bytes.
    pub fn new(stream: &str, size: usize) -> Publisher {
        let before = command(&["XADD", stream, "*", "m", ""]);
        // The last word is the body: its length stands in the place of `$0`.
        let before = [&before[..before.len() - 6], format!("${size}\r\n").as_bytes()].concat();
        Publisher { template: Template::new(&before, size, b"\r\n"), confirmed: 0 }
    }
}

impl Wire for Publisher {
    fn publish(&mut self, numbers: Range<u64>, out: &mut Vec<u8>) {
        self.template.write(numbers, out);
    }

    fn read(&mut self, bytes: &[u8], seen: &mut Seen) -> anyhow::Result<usize> {
        let (mut used, before) = (0, self.confirmed);
        while let Some((token, length)) = token(&bytes[used..])? {
            ensure!(matches!(token, Token::Bulk(_)), "{token:?} is no id of a message");
            self.confirmed += 1;
            used += length;
        }
        if self.confirmed > before {
            seen.confirmed.push(before..self.confirmed);
        }
        Ok(used)
    }

    fn answer(&mut self, _: &mut Vec<u8>) {}
}

/// A consumer.
#[derive(Debug)]
pub struct Consumer {
    stream: String,
    read: Vec<u8>,
    /// The ids of the messages that are to be acknowledged, as words of a command, and how many they are.
    ids: Vec<u8>,
    count: usize,
    expected: Expected,
}

/// What the next token must be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Expected {
    /// Nothing was asked.
    Nothing,
    /// So many tokens before the number of messages; answers to acknowledgements may come first.
    Start(u8),
    /// So many messages, and of the next one so many tokens.
    Message(usize, u8),
}

impl Consumer {
    /// Of the group, for this stream.
    pub fn new(stream: &str) -> Consumer {
        let words = ["XREADGROUP", "GROUP", "g", "c", "COUNT", COUNT, "BLOCK", "0", "STREAMS", stream, ">"];
        let stream = stream.to_owned();
        Consumer { stream, read: command(&words), ids: Vec::new(), count: 0, expected: Expected::Nothing }
    }

    fn token(&mut self, token: &Token<'_>, seen: &mut Seen) -> anyhow::Result<()> {
        self.expected = match (self.expected, token) {
            // The answer to XACK.
            (Expected::Start(3), Token::Integer) => self.expected,
            (Expected::Start(0), &Token::Array(count)) => Expected::Message(count, 5),
            (Expected::Start(left), Token::Array(_) | Token::Bulk(_)) if left > 0 => {
                Expected::Start(left - 1)
            }
            (Expected::Message(count, left), token) => {
                match (left, token) {
                    (5 | 3, Token::Array(2)) | (2, Token::Bulk(_)) => {}
                    (4, Token::Bulk(id)) => {
                        self.ids.extend_from_slice(format!("${}\r\n", id.len()).as_bytes());
                        self.ids.extend_from_slice(id);
                        self.ids.extend_from_slice(b"\r\n");
                        self.count += 1;
                    }
                    (1, Token::Bulk(body)) => seen.body(body)?,
                    _ => bail!("{token:?} where token {left} of a message was expected"),
                }
                match (count, left) {
                    (1, 1) => Expected::Nothing,
                    (_, 1) => Expected::Message(count - 1, 5),
                    _ => Expected::Message(count, left - 1),
                }
            }
            (expected, token) => bail!("{token:?} where {expected:?} was expected"),
        };
        Ok(())
    }
}

impl Wire for Consumer {
    fn publish(&mut self, _: Range<u64>, _: &mut Vec<u8>) {}

    fn read(&mut self, bytes: &[u8], seen: &mut Seen) -> anyhow::Result<usize> {
        let mut used = 0;
        while let Some((token, length)) = token(&bytes[used..])? {
            self.token(&token, seen)?;
            used += length;
        }
        Ok(used)
    }

    fn answer(&mut self, out: &mut Vec<u8>) {
        if self.expected != Expected::Nothing {
            return;
        }
        if self.count > 0 {
            let (count, length) = (self.count + 3, self.stream.len());
            let head = format!("*{count}\r\n$4\r\nXACK\r\n${length}\r\n{}\r\n$1\r\ng\r\n", self.stream);
            out.extend_from_slice(head.as_bytes());
            out.append(&mut self.ids);
            self.count = 0;
        }
        out.extend_from_slice(&self.read);
        self.expected = Expected::Start(3);
    }
}

/// A piece of an answer.
#[derive(Debug, PartialEq)]
enum Token<'a> {
    /// So many values follow.
    Array(usize),
    /// Bytes.
    Bulk(&'a [u8]),
    /// A number.
    Integer,
}

/// The first token, and how many bytes it has; `None` when it is not whole.
fn token(bytes: &[u8]) -> anyhow::Result<Option<(Token<'_>, usize)>> {
    let Some((head, length)) = line(bytes) else { return Ok(None) };
    Ok(match head.split_first() {
        Some((b'*', digits)) => Some((Token::Array(number(digits)?), length)),
        Some((b':', _)) => Some((Token::Integer, length)),
        Some((b'$', digits)) => {
            let size = number(digits)?;
            bytes[length..].get(..size + 2).map(|bulk| (Token::Bulk(&bulk[..size]), length + size + 2))
        }
        _ => bail!("the server says {}", text(head)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publication_is_a_command_and_its_id_the_confirm() {
        let (mut publisher, mut out, mut seen) = (Publisher::new("q", 8), Vec::new(), Seen::default());
        publisher.publish(1..2, &mut out);
        assert_eq!(out, b"*5\r\n$4\r\nXADD\r\n$1\r\nq\r\n$1\r\n*\r\n$1\r\nm\r\n$8\r\n\0\0\0\0\0\0\0\x01\r\n");
        let ids = b"$3\r\n1-0\r\n$3\r\n1-1\r\n$3\r\n1-";
        assert_eq!(publisher.read(ids, &mut seen).unwrap(), 18);
        assert_eq!(seen.confirmed.first(), Some(&(0..2)));
        let error = publisher.read(b"-MISCONF no\r\n", &mut seen).unwrap_err();
        assert_eq!(error.to_string(), "the server says -MISCONF no");
    }

    #[test]
    fn messages_are_counted_and_acknowledged_wherever_the_bytes_are_cut() {
        let entry = |number: u8| {
            let head = format!("*2\r\n$3\r\n1-{number}\r\n*2\r\n$1\r\nm\r\n$8\r\n");
            [head.as_bytes(), &[0, 0, 0, 0, 0, 0, 0, number], b"\r\n"].concat()
        };
        let bytes = [&b"*1\r\n*2\r\n$1\r\nq\r\n*2\r\n"[..], &entry(0), &entry(1)].concat();
        for cut in 0..bytes.len() {
            let (mut consumer, mut seen, mut out) = (Consumer::new("q"), Seen::default(), Vec::new());
            consumer.answer(&mut out);
            assert_eq!(out, consumer.read);
            out.clear();
            let used = consumer.read(&bytes[..cut], &mut seen).unwrap();
            consumer.answer(&mut out);
            assert_eq!(out, [0; 0], "it waits for the rest");
            assert_eq!(consumer.read(&bytes[used..], &mut seen).unwrap(), bytes.len() - used);
            assert_eq!(seen.delivered, 2, "cut at {cut}");
            consumer.answer(&mut out);
            let acks = command(&["XACK", "q", "g", "1-0", "1-1"]);
            assert_eq!(out, [&acks[..], &consumer.read].concat(), "cut at {cut}");
            // The answer to XACK, before the next messages.
            assert_eq!(consumer.read(b":2\r\n", &mut seen).unwrap(), 4);
        }
    }
}
