//! What a server is ready to hold, and the ledger that sees to it. Everything is checked before memory is taken.
//!
//! ```text
//!                 a client (one IPv4 address, or one /64 of IPv6)      all clients
//! sessions awake      64                                                 4096
//! sessions asleep   1024                                               16 384       a few hundred bytes each
//! message bytes      256 MiB                                             1 GiB
//! ```
//!
//! A client is an address without its port: ports cost nothing. Nor do the addresses of an IPv6 subnet, whose owner has 2^64 of
//! them; so there the first 64 bits are the client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// What a server is ready to hold.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest request, bytes.
    pub request: usize,
    /// Longest response, bytes.
    pub response: usize,
    /// Sessions of one client in which something is going on.
    pub sessions_per_client: usize,
    /// The same, of all clients.
    pub sessions: usize,
    /// Sessions of one client between two requests, or kept only so that a late duplicate runs nothing twice.
    pub asleep_per_client: usize,
    /// The same, of all clients.
    pub asleep: usize,
    /// Bytes of messages held for one client.
    pub bytes_per_client: usize,
    /// Bytes of messages held for all.
    pub bytes: usize,
    /// A session without a datagram for so long has ended.
    pub idle: Duration,
    /// A token is valid for one to two of these.
    pub token_period: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            request: 200 << 20,
            response: (200 << 20) + 256,
            sessions_per_client: 64,
            sessions: 4096,
            asleep_per_client: 1024,
            asleep: 16_384,
            bytes_per_client: 256 << 20,
            bytes: 1 << 30,
            idle: Duration::from_secs(30),
            token_period: Duration::from_secs(30),
        }
    }
}

/// What is held now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Sessions in which something is going on.
    pub awake: usize,
    /// Sessions in which nothing is.
    pub asleep: usize,
    /// Bytes of messages.
    pub bytes: usize,
}

/// Whom something is held for: an address without its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Holder(IpAddr);

impl Holder {
    /// The holder behind an address.
    pub fn of(address: IpAddr) -> Holder {
        Holder(match address.to_canonical() {
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            ip => ip,
        })
    }
}

/// No room: a limit would be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// Who holds what.
#[derive(Debug)]
pub struct Ledger {
    limits: Limits,
    total: Held,
    holders: HashMap<Holder, Held>,
}

impl Ledger {
    /// Nobody holds anything.
    pub fn new(limits: Limits) -> Ledger {
        Ledger { limits, total: Held::default(), holders: HashMap::new() }
    }

    /// What all hold together.
    pub fn total(&self) -> Held {
        self.total
    }

    /// One more session that is awake.
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed.
    pub fn wake(&mut self, holder: Holder) -> Result<(), NoRoom> {
        let (limits, held) = (self.limits, self.held(holder));
        if held.awake >= limits.sessions_per_client || self.total.awake >= limits.sessions {
            return Err(NoRoom);
        }
        self.change(holder, |held| held.awake += 1);
        Ok(())
    }

    /// One session fewer that is awake.
    pub fn rest(&mut self, holder: Holder) {
        self.change(holder, |held| held.awake -= 1);
    }

    /// Whether there is room for one more that is asleep. Asked before a session is made: it will sleep one day.
    ///
    /// # Errors
    /// [`NoRoom`]
    pub fn room_to_sleep(&self, holder: Holder) -> Result<(), NoRoom> {
        let (limits, held) = (self.limits, self.held(holder));
        let full = held.asleep >= limits.asleep_per_client || self.total.asleep >= limits.asleep;
        if full { Err(NoRoom) } else { Ok(()) }
    }

    /// One more session that is asleep.
    pub fn fall_asleep(&mut self, holder: Holder) {
        self.change(holder, |held| held.asleep += 1);
    }

    /// One fewer that is asleep.
    pub fn leave_sleep(&mut self, holder: Holder) {
        self.change(holder, |held| held.asleep -= 1);
    }

    /// So many more bytes.
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed.
    pub fn take(&mut self, holder: Holder, bytes: usize) -> Result<(), NoRoom> {
        let (limits, held) = (self.limits, self.held(holder));
        let fits = |held: usize, limit: usize| limit.checked_sub(held).is_some_and(|free| bytes <= free);
        if !fits(held.bytes, limits.bytes_per_client) || !fits(self.total.bytes, limits.bytes) {
            return Err(NoRoom);
        }
        self.change(holder, |held| held.bytes += bytes);
        Ok(())
    }

    /// So many bytes fewer.
    pub fn give_back(&mut self, holder: Holder, bytes: usize) {
        self.change(holder, |held| held.bytes -= bytes);
    }

    fn held(&self, holder: Holder) -> Held {
        self.holders.get(&holder).copied().unwrap_or_default()
    }

    fn change(&mut self, holder: Holder, change: impl Fn(&mut Held)) {
        change(&mut self.total);
        let held = self.holders.entry(holder).or_default();
        change(held);
        if *held == Held::default() {
            self.holders.remove(&holder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        request: 100,
        response: 100,
        sessions_per_client: 2,
        sessions: 3,
        asleep_per_client: 1,
        asleep: 2,
        bytes_per_client: 100,
        bytes: 150,
        idle: Duration::from_secs(30),
        token_period: Duration::from_secs(30),
    };

    fn holder(address: &str) -> Holder {
        Holder::of(address.parse().unwrap())
    }

    #[test]
    fn each_client_has_its_limit_and_so_have_all() {
        let (mut ledger, a, b) = (Ledger::new(LIMITS), holder("192.0.2.1"), holder("192.0.2.2"));
        assert_eq!(
            [a, a, a, b, b].map(|holder| ledger.wake(holder).is_ok()),
            [true, true, false, true, false]
        );
        assert_eq!(ledger.take(a, 101), Err(NoRoom));
        assert_eq!(ledger.take(a, usize::MAX), Err(NoRoom));
        assert_eq!(ledger.take(a, 100), Ok(()));
        assert_eq!(ledger.take(a, 1), Err(NoRoom));
        assert_eq!(ledger.take(b, 51), Err(NoRoom));
        assert_eq!(ledger.take(b, 50), Ok(()));
        assert_eq!(ledger.total(), Held { awake: 3, asleep: 0, bytes: 150 });
    }

    #[test]
    fn what_is_given_back_is_forgotten() {
        let (mut ledger, a) = (Ledger::new(LIMITS), holder("192.0.2.1"));
        ledger.wake(a).unwrap();
        ledger.take(a, 70).unwrap();
        ledger.give_back(a, 70);
        ledger.rest(a);
        ledger.fall_asleep(a);
        assert_eq!(ledger.room_to_sleep(a), Err(NoRoom));
        ledger.leave_sleep(a);
        assert_eq!(ledger.total(), Held::default());
        assert!(ledger.holders.is_empty());
    }

    #[test]
    fn a_subnet_is_one_holder() {
        assert_eq!(holder("2001:db8::1"), holder("2001:db8::ffff:2"));
        assert_ne!(holder("2001:db8::1"), holder("2001:db8:0:1::1"));
        assert_eq!(holder("::ffff:192.0.2.1"), holder("192.0.2.1"));
        assert_ne!(holder("192.0.2.1"), holder("192.0.2.2"));
    }
}
