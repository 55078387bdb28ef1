//! What happened on the link, event by event: what the pictures are drawn from, and a file of JSON lines.
//!
//! ```text
//! {"at":{"secs":0,"nanos":81250},"carrier":"udp","flow":0,"direction":"up","index":0,"length":6,"label":"2hello","outcome":"passed","arrivals":[…]}
//! ```

use std::fmt;
use std::io::{self, BufRead, Write};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::profile::Direction;

/// Says in a few words what a datagram or a chunk is, if it can: the link itself knows no protocol.
pub type LabelDecoder = fn(&[u8]) -> Option<String>;

/// Decodes nothing: a label is then the first bytes.
#[must_use]
pub fn no_label(_bytes: &[u8]) -> Option<String> {
    None
}

/// Longest label, characters.
const LABEL: usize = 16;

/// What the link did with a datagram or a chunk, all things considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It arrives, once or twice.
    Passed,
    /// Lost by chance.
    Lost,
    /// The cable was pulled.
    Cut,
    /// No room to wait for the rate.
    QueueFull,
    /// Streams: the sender closed its half; the other side reads the end.
    Closed,
    /// Streams: the connection was reset here.
    Reset,
}

/// What carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// Datagrams.
    Udp,
    /// Streams.
    Tcp,
}

impl fmt::Display for Carrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Carrier::Udp => "UDP",
            Carrier::Tcp => "TCP",
        })
    }
}

/// One datagram or chunk, from its entry into the link to the arrival of its copies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkEvent {
    /// When it entered, since the link's start.
    pub at: Duration,
    /// What carried it.
    pub carrier: Carrier,
    /// The flow: a client's address, or a connection. Numbered from 0 for each carrier.
    pub flow: u64,
    /// Its way.
    pub direction: Direction,
    /// Its number in its flow and direction, from 0.
    pub index: u64,
    /// Its length, bytes.
    pub length: usize,
    /// What the decoder of labels says it is; else its first bytes, as far as they can be read; `·` is a byte that cannot.
    pub label: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Its copies.
    pub arrivals: Vec<Arrival>,
}

/// The arrival of one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrival {
    /// When, since the link's start.
    pub at: Duration,
    /// It was held back, for others to overtake it.
    pub reordered: bool,
    /// One of its bits is flipped.
    pub corrupted: bool,
}

impl LinkEvent {
    /// An event of a datagram, without arrivals.
    #[must_use]
    pub fn new(
        at: Duration,
        flow: u64,
        direction: Direction,
        index: u64,
        bytes: &[u8],
        outcome: Outcome,
    ) -> LinkEvent {
        let (length, label) = (bytes.len(), label(bytes, no_label));
        LinkEvent {
            at,
            carrier: Carrier::Udp,
            flow,
            direction,
            index,
            length,
            label,
            outcome,
            arrivals: vec![],
        }
    }

    /// The same event, with the label that `decoder` reads from its bytes.
    #[must_use]
    pub fn labelled(self, bytes: &[u8], decoder: LabelDecoder) -> LinkEvent {
        LinkEvent { label: label(bytes, decoder), ..self }
    }
}

/// Writes events, one JSON object a line.
///
/// # Errors
/// What the writer says.
pub fn write(events: &[LinkEvent], mut to: impl Write) -> io::Result<()> {
    for event in events {
        serde_json::to_writer(&mut to, event)?;
        to.write_all(b"\n")?;
    }
    to.flush()
}

/// Reads what [`write`](fn@write) wrote.
///
/// # Errors
/// What the reader says; `InvalidData` for a line that is no event.
pub fn read(from: impl BufRead) -> io::Result<Vec<LinkEvent>> {
    from.lines().map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

/// A time as the ladder and the picture write it.
pub(super) fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}

fn label(bytes: &[u8], decoder: LabelDecoder) -> String {
    let readable = |byte: &u8| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '·' };
    let label = decoder(bytes).unwrap_or_else(|| bytes.iter().take(LABEL + 1).map(readable).collect());
    if label.chars().count() <= LABEL {
        return label;
    }
    label.chars().take(LABEL - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut event = LinkEvent::new(
            Duration::from_nanos(1_500_000_001),
            3,
            Direction::Down,
            7,
            b"ab\0c",
            Outcome::Passed,
        );
        event.arrivals = vec![Arrival { at: Duration::from_secs(2), reordered: true, corrupted: false }];
        let events = [event, LinkEvent::new(Duration::ZERO, 0, Direction::Up, 0, b"", Outcome::Cut)];
        let mut file = Vec::new();
        write(&events, &mut file).unwrap();
        assert_eq!(file.iter().filter(|byte| **byte == b'\n').count(), 2);
        assert_eq!(read(file.as_slice()).unwrap(), events);
        assert_eq!(events[0].label, "ab·c");
    }

    #[test]
    fn a_line_that_is_no_event_is_an_error() {
        assert_eq!(read("{}\n".as_bytes()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn labels_are_short() {
        assert_eq!(label(&[b'x'; 16], no_label), "x".repeat(16));
        assert_eq!(label(&[b'x'; 17], no_label), "x".repeat(15) + "…");
    }
}
