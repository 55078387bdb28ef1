//! What is to be simulated, and in whose words.

use std::net::SocketAddr;
use std::time::Duration;

/// One run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The server.
    pub target: SocketAddr,
    /// What it speaks.
    pub dialect: Dialect,
    /// Clients that fetch whatever is published.
    pub subscribers: usize,
    /// Clients that publish, and fetch nothing.
    pub publishers: usize,
    /// Clients that connect, ask for nothing and read nothing.
    pub stalled: usize,
    /// Length of a text, bytes; at least [`HEADER`].
    pub bytes: usize,
    /// How they are published.
    pub load: Load,
    /// How long before anything is counted.
    pub warm_up: Duration,
    /// How long is counted.
    pub time: Duration,
    /// Of the order in which publishers take turns.
    pub seed: u64,
}

/// What a text begins with: who publishes it and its how manieth it is, in hexadecimal.
pub const HEADER: usize = 16;

/// How texts are published.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Load {
    /// Closed loop: so many texts are on their way at once, until every subscriber has them.
    Window(u64),
    /// Open loop: so many per second, come what may; each is timed from when it was to be published.
    Rate(f64),
}

/// The wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Our board.
    Board,
    /// redis: `SUBSCRIBE` and `PUBLISH` on one channel (RESP).
    Redis,
}

impl Dialect {
    /// What a subscriber says first, and what it is answered before anything is published.
    pub fn subscribe(self) -> (&'static [u8], &'static [u8]) {
        match self {
            // Twice: it finds frames itself, and its messages need no time between them.
            Dialect::Board => (b"2:;2:;", b"1:;1:;"),
            Dialect::Redis => {
                (b"*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n", b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
            }
        }
    }

    /// Appends the request that publishes a text.
    pub fn publish(self, text: &[u8], out: &mut Vec<u8>) {
        match self {
            Dialect::Board => common::protocol::textframe::encode(b'1', [text], out),
            Dialect::Redis => {
                let head = format!("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n${}\r\n", text.len());
                out.extend_from_slice(head.as_bytes());
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// The byte of which every acknowledgement of a text has exactly one, and nothing else has any that a publisher reads.
    pub fn acknowledges(self) -> u8 {
        match self {
            Dialect::Board => b'0',
            Dialect::Redis => b':',
        }
    }

    /// Whether a publisher is told that something is wrong.
    pub fn refuses(self, bytes: &[u8]) -> bool {
        match self {
            Dialect::Board => bytes.contains(&b'2') || bytes.contains(&b'4'),
            Dialect::Redis => bytes.contains(&b'-'),
        }
    }
}
