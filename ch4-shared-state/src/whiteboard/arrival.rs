//! The first policy: the server decides. Notes, chapter 4: *shared state* ("centrally coordinated").
//!
//! Every write that arrives gets the canvas's next number and wins: the last arrival stands, and the numbers are the one
//! order for all. Simple, and nobody has to trust a clock. The price: without the server there is no order, so who is cut
//! off can only wait; and what they send afterwards *arrives* last, and wins over newer work.

use super::canvas::{Canvas, Cell, Colour};
use super::clock::{Replica, Stamp};
use super::register::Write;

/// The server's canvas: the writes as they arrived.
#[derive(Debug, Default)]
pub struct Arrivals {
    pixels: Canvas<Write>,
    last: u64,
}

impl Arrivals {
    /// A write arrives from someone who had seen this canvas up to number `seen`. It wins; returned with it is whom it
    /// beat unseen.
    pub fn arrive(
        &mut self,
        cell: Cell,
        colour: Colour,
        by: Replica,
        seen: u64,
        at_ms: u64,
    ) -> (Write, Option<Write>) {
        self.last += 1;
        let beaten = self.pixels[cell];
        let stamp = Stamp { time: self.last, by };
        let write = Write { colour, stamp, over: beaten.stamp, at_ms };
        self.pixels[cell] = write;
        // One's own write is known to oneself, also before the server has sent it back.
        let collided = beaten.stamp.time > seen && beaten.stamp.by != by;
        (write, collided.then_some(beaten))
    }

    /// The number of the last write.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The pixels that were ever written.
    pub fn written(&self) -> impl Iterator<Item = (Cell, Write)> {
        self.pixels.iter().filter(|(_, write)| write.stamp.time > 0).map(|(cell, write)| (cell, *write))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_arrival_wins_and_numbers_have_no_gap() {
        let mut canvas = Arrivals::default();
        let cell = Cell::try_from(5).unwrap();
        let colour = |n| Colour::try_from(n).unwrap();
        let (first, none) = canvas.arrive(cell, colour(1), Replica(9), 0, 0);
        assert_eq!((first.stamp.time, none), (1, None));
        let (second, beaten) = canvas.arrive(cell, colour(2), Replica(3), 0, 0);
        assert_eq!((second.stamp.time, beaten), (2, Some(first)));
        let (third, none) = canvas.arrive(cell, colour(3), Replica(9), 2, 0);
        assert_eq!((third.over, none), (second.stamp, None));
        assert_eq!(canvas.written().collect::<Vec<_>>(), [(cell, third)]);
    }

    #[test]
    fn nobody_collides_with_themselves() {
        let mut canvas = Arrivals::default();
        let cell = Cell::try_from(5).unwrap();
        canvas.arrive(cell, Colour::default(), Replica(9), 0, 0);
        assert_eq!(canvas.arrive(cell, Colour::default(), Replica(9), 0, 0).1, None);
    }
}
