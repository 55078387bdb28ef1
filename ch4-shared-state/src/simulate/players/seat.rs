//! Who plays: a number for each joining, and the name that goes with it, so that a name that is heard says who it is.

use std::fmt;

/// A player, from its joining to its leaving; who comes again is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seat(pub usize);

impl Seat {
    /// The name of who sits there.
    pub fn name(self) -> String {
        self.to_string()
    }

    /// The seat with this name, and no other spelling of it.
    pub fn read(name: &str) -> Option<Seat> {
        let seat = Seat(name.strip_prefix('p')?.parse().ok()?);
        (seat.name() == name).then_some(seat)
    }
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}", self.0)
    }
}
