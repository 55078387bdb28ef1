//! What the engine asks of a protocol: bytes to write, and what the bytes that came say. No socket, no clock.
//!
//! Messages are numbered from 0. The number is in the first eight bytes of a body; each consumer gets all of them, in order, once.

use std::ops::Range;

use anyhow::ensure;

/// The protocol of one connection.
pub trait Wire {
    /// Appends the publications with these numbers.
    fn publish(&mut self, numbers: Range<u64>, out: &mut Vec<u8>);

    /// Reads all that is whole, and says how many bytes that was.
    ///
    /// # Errors
    /// A message that is not the next one, a confirm for nothing, a refusal, bytes that are not this protocol.
    fn read(&mut self, bytes: &[u8], seen: &mut Seen) -> anyhow::Result<usize>;

    /// Appends what the server waits for: acknowledgements, an answer to a ping, the next question. Asked once before anything was
    /// read, too.
    fn answer(&mut self, out: &mut Vec<u8>);
}

/// What was seen on a connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The messages below this number were delivered.
    pub delivered: u64,
    /// The publications that were confirmed since this was last emptied.
    pub confirmed: Vec<Range<u64>>,
}

impl Seen {
    /// A body came: that of the next message?
    ///
    /// # Errors
    /// One is lost, came twice, or comes before another.
    pub fn body(&mut self, body: &[u8]) -> anyhow::Result<()> {
        ensure!(body.len() >= 8, "a body of {} bytes has no number", body.len());
        let number = u64::from_be_bytes(std::array::from_fn(|index| body[index]));
        ensure!(
            number == self.delivered,
            "message {number} came where message {} was expected",
            self.delivered
        );
        self.delivered += 1;
        Ok(())
    }
}

/// A publication as bytes: only the number in its body changes.
#[derive(Debug, Clone)]
pub struct Template {
    bytes: Vec<u8>,
    number_at: usize,
}

impl Template {
    /// `before` the body, the body of `size` bytes, and `behind` it.
    ///
    /// # Panics
    /// The body is too short for its number.
    #[must_use]
    pub fn new(before: &[u8], size: usize, behind: &[u8]) -> Template {
        assert!(size >= 8, "a body begins with its number");
        Template { bytes: [before, &vec![b'x'; size], behind].concat(), number_at: before.len() }
    }

    /// Appends it once for each number.
    pub fn write(&self, numbers: Range<u64>, out: &mut Vec<u8>) {
        for number in numbers {
            let at = out.len() + self.number_at;
            out.extend_from_slice(&self.bytes);
            out[at..at + 8].copy_from_slice(&number.to_be_bytes());
        }
    }
}
