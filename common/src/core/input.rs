//! The bytes that have come from a client and are not yet decoded.
//!
//! ```text
//!   buffer:  ▒▒▒▒▒▒▒▒▒▒▒▒████████████████████
//!            └ taken ───┘└ bytes() ──────────┘      take(n) moves the border right;
//!                                                   the taken part is given back when all is taken
//! ```

/// Undecoded bytes of one connection, taken from the front.
#[derive(Debug, Default)]
pub struct Input {
    buffer: Vec<u8>,
    taken: usize,
    ended: bool,
}

/// Buffers up to this size are kept by an idle connection for its next bytes; larger ones are given back, or ten
/// thousand idle clients would each hold the largest request they ever sent.
const KEEP: usize = 4 * 1024;

/// From this length on a buffer grows by an eighth, not to twice its size.
pub(crate) const GENTLE: usize = 1 << 20;

impl Input {
    /// What has come and is not taken.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.taken..]
    }

    /// Whether the client has ended its stream: no byte will follow those in [`bytes`](Input::bytes).
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// Takes the first `count` bytes.
    ///
    /// # Panics
    /// When fewer are there: a decoder looks before it takes.
    #[must_use]
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        assert!(count <= self.bytes().len(), "a decoder takes only what is there");
        if self.taken == 0 && count == self.buffer.len() {
            return std::mem::take(&mut self.buffer); // all of it, as it mostly is: no copy
        }
        let bytes = self.bytes()[..count].to_vec();
        self.skip(count);
        bytes
    }

    /// Drops the first `count` bytes.
    ///
    /// # Panics
    /// When fewer are there.
    pub fn skip(&mut self, count: usize) {
        assert!(count <= self.bytes().len(), "a decoder skips only what is there");
        self.taken += count;
        if self.taken == self.buffer.len() {
            self.taken = 0;
            if self.buffer.capacity() > KEEP {
                self.buffer = Vec::new();
            } else {
                self.buffer.clear();
            }
        }
    }

    /// How much memory it holds, bytes.
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// How much memory it will hold when `count` more bytes have come. A long request does not double its buffer: of 150 MiB
    /// that would be 300.
    pub(crate) fn capacity_for(&self, count: usize) -> usize {
        let needed = self.buffer.len() + count;
        if needed <= self.buffer.capacity() {
            return self.buffer.capacity();
        }
        if needed < GENTLE { needed.next_power_of_two() } else { needed + needed / 8 }
    }

    /// More bytes have come.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        // Move the rest to the front only when the taken part is the larger one: each byte moves at most once per
        // time it is outweighed, so that a thousand requests in one packet cost a thousand steps and not a million.
        if self.taken > self.buffer.len() / 2 {
            self.buffer.drain(..self.taken);
            self.taken = 0;
        }
        let capacity = self.capacity_for(bytes.len());
        self.buffer.reserve_exact(capacity - self.buffer.len());
        self.buffer.extend_from_slice(bytes);
    }

    /// The client has ended its stream.
    pub(crate) fn end(&mut self) {
        self.ended = true;
    }

    /// Lends an emptied buffer for the next bytes, so that a quiet exchange allocates nothing.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.buffer.capacity() == 0 && buffer.capacity() <= KEEP {
            buffer.clear();
            self.buffer = buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_from_the_front_in_order() {
        let mut input = Input::default();
        input.extend(b"abc");
        assert_eq!(input.take(1), b"a");
        input.extend(b"de");
        assert_eq!(input.take(2), b"bc");
        input.skip(1);
        assert_eq!(input.bytes(), b"e");
        assert_eq!(input.take(1), b"e");
        assert_eq!(input.bytes(), b"");
    }

    #[test]
    fn gives_back_a_large_buffer_when_it_is_empty() {
        let mut input = Input::default();
        input.extend(&[0; 10 * KEEP]);
        input.skip(10 * KEEP);
        assert_eq!(input.buffer.capacity(), 0);
    }
}
