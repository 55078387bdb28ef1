//! From the output to the socket, through the layer below if there is one.

use std::io::{self, IoSlice};

use super::layer::Layered;
use super::{Conversation, GATHERED};

impl Conversation {
    /// What is to be sent next; empty when there is nothing. There may be more behind it: see [`gather`](Conversation::gather).
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        self.layer.as_ref().map_or_else(|| self.output.bytes(), Layered::bytes)
    }

    /// What is to be sent next, for one gathering write: how many of the slices are filled.
    #[must_use]
    pub fn gather<'a>(&'a self, slices: &mut [IoSlice<'a>; GATHERED]) -> usize {
        match &self.layer {
            None => self.output.gather(slices),
            Some(layer) => {
                slices[0] = IoSlice::new(layer.bytes());
                1
            }
        }
    }

    /// How many bytes wait to be sent.
    #[must_use]
    pub fn unsent(&self) -> usize {
        self.output.len() + self.layer.as_ref().map_or(0, |layer| layer.bytes().len())
    }

    /// `count` bytes were sent.
    pub fn handle_sent(&mut self, count: usize) {
        if count > 0 {
            self.clock.progress();
        }
        match &mut self.layer {
            None => self.advance(count),
            Some(layer) => layer.advance(count),
        }
    }

    /// `count` bytes of the output have left.
    pub(super) fn advance(&mut self, count: usize) {
        if let Some(empty) = self.output.advance(count) {
            self.input.recycle(empty);
        }
        let _ = self.reserve(self.input.capacity(), self.output.own()); // it never needs more than before
    }

    /// Has the layer seal what is to be sent, as far as the socket will soon take it.
    pub(super) fn seal(&mut self) -> io::Result<()> {
        while let Some(layer) = &mut self.layer
            && layer.has_room()
        {
            let count = layer.seal(self.output.bytes())?;
            if count == 0 {
                break;
            }
            self.advance(count);
        }
        Ok(())
    }

    /// Our sending half is shut down.
    pub fn handle_half_close(&mut self) {
        self.half_closed = true;
    }
}
