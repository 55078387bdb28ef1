//! Everybody who is connected, by address: the newest connection counts.
//!
//! A client that dies and comes again at once may have the port that it had, so two connections bear one address; and under a model
//! with several threads the new one may arrive before the end of the old one was seen. Whoever keeps a plain map by address then
//! forgets the new client when the old one leaves: it is deaf from then on, and nothing says so.
//!
//! ```text
//!   old arrives ──── old dies ┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈ old leaves: nobody is gone
//!                        new arrives ───────────────────────────────────── new leaves: now it is
//! ```

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What a service keeps of each client that is connected. Every [`arrive`](Connected::arrive) is followed by one
/// [`leave`](Connected::leave) of the same address, some time.
#[derive(Debug)]
pub struct Connected<T> {
    seats: BTreeMap<SocketAddr, Seat<T>>,
}

#[derive(Debug)]
struct Seat<T> {
    newest: T,
    /// Connections from the same address whose end was not seen yet.
    forerunners: u32,
}

impl<T> Default for Connected<T> {
    fn default() -> Self {
        Connected { seats: BTreeMap::new() }
    }
}

impl<T> Connected<T> {
    /// A client has come. Returned is what was kept of the connection that it had before, whose end was not seen yet: to be treated
    /// as gone, because nobody will say so any more.
    pub fn arrive(&mut self, address: SocketAddr, newest: T) -> Option<T> {
        let before = self.seats.remove(&address);
        let forerunners = before.as_ref().map_or(0, |seat| seat.forerunners + 1);
        self.seats.insert(address, Seat { newest, forerunners });
        before.map(|seat| seat.newest)
    }

    /// A connection of that address has ended. Returned is what was kept of the client, if it is gone with it.
    pub fn leave(&mut self, address: SocketAddr) -> Option<T> {
        match self.seats.get_mut(&address) {
            Some(seat) if seat.forerunners > 0 => {
                seat.forerunners -= 1;
                None
            }
            _ => self.seats.remove(&address).map(|seat| seat.newest),
        }
    }

    /// What is kept of a client.
    #[must_use]
    pub fn at(&self, address: SocketAddr) -> Option<&T> {
        self.seats.get(&address).map(|seat| &seat.newest)
    }

    /// The same, to be changed.
    pub fn at_mut(&mut self, address: SocketAddr) -> Option<&mut T> {
        self.seats.get_mut(&address).map(|seat| &mut seat.newest)
    }

    /// Everybody, by address.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &T)> {
        self.seats.iter().map(|(&address, seat)| (address, &seat.newest))
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (SocketAddr, &mut T)> {
        self.seats.iter_mut().map(|(&address, seat)| (address, &mut seat.newest))
    }

    /// How many clients there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn who_comes_and_goes_is_there_between() {
        let mut all = Connected::default();
        assert_eq!((all.arrive(address(1), "ann"), all.arrive(address(2), "bob")), (None, None));
        *all.at_mut(address(2)).unwrap() = "rob";
        assert_eq!(all.iter().collect::<Vec<_>>(), [(address(1), &"ann"), (address(2), &"rob")]);
        assert_eq!((all.leave(address(1)), all.leave(address(1)), all.len()), (Some("ann"), None, 1));
    }

    #[test]
    fn the_end_of_an_old_connection_takes_nobody_away() {
        let mut all = Connected::default();
        all.arrive(address(1), "first");
        assert_eq!(all.arrive(address(1), "second"), Some("first"));
        assert_eq!(all.arrive(address(1), "third"), Some("second"));
        assert_eq!((all.leave(address(1)), all.leave(address(1))), (None, None));
        assert_eq!(all.at(address(1)), Some(&"third"));
        assert_eq!((all.leave(address(1)), all.is_empty()), (Some("third"), true));
    }
}
