//! What a server holds, for each client and for all together. Everything is reserved here before memory is taken.
//!
//! A client is an address without its port: ports cost nothing. Nor do the addresses of an IPv6 subnet, whose owner has 2^64 of
//! them; so there the first 64 bits are the client.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

use super::limits::Limits;

/// What is held now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Sessions in which something is going on.
    pub active: usize,
    /// Sessions in which nothing is.
    pub idle: usize,
    /// Bytes of messages.
    pub bytes: usize,
}

/// For which client something is held: an address without its port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account(IpAddr);

impl Account {
    /// The account of an address.
    pub fn of(address: IpAddr) -> Account {
        Account(match address.to_canonical() {
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            ip => ip,
        })
    }
}

/// A message that is complete. What is reserved for it is to be released when it is handed out.
#[derive(Debug)]
pub struct Reserved {
    /// The message.
    pub message: Vec<u8>,
    /// Bytes reserved for it.
    pub bytes: usize,
}

/// No room: a limit would be passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

/// What is held, for each account and for all together.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    total: Held,
    accounts: HashMap<Account, Held>,
    /// Memory of a request that was run, for the next one.
    spare: Vec<u8>,
}

impl Budget {
    /// Nothing is held yet.
    pub fn new(limits: Limits) -> Budget {
        Budget { limits, total: Held::default(), accounts: HashMap::new(), spare: Vec::new() }
    }

    /// What may be held.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What is held for all together.
    pub fn total(&self) -> Held {
        self.total
    }

    /// One more active session.
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed.
    pub fn add_active(&mut self, account: Account) -> Result<(), NoRoom> {
        let (limits, held) = (self.limits, self.held(account));
        if held.active >= limits.active_sessions_per_client || self.total.active >= limits.active_sessions {
            return Err(NoRoom);
        }
        self.change(account, |held| held.active += 1);
        Ok(())
    }

    /// One active session fewer.
    pub fn remove_active(&mut self, account: Account) {
        self.change(account, |held| held.active -= 1);
    }

    /// Whether there is room for one more idle session. Asked before a session is made: it will be idle one day.
    ///
    /// # Errors
    /// [`NoRoom`]
    pub fn room_for_idle(&self, account: Account) -> Result<(), NoRoom> {
        let (limits, held) = (self.limits, self.held(account));
        let full = held.idle >= limits.idle_sessions_per_client || self.total.idle >= limits.idle_sessions;
        if full { Err(NoRoom) } else { Ok(()) }
    }

    /// One more idle session.
    pub fn add_idle(&mut self, account: Account) {
        self.change(account, |held| held.idle += 1);
    }

    /// One idle session fewer.
    pub fn remove_idle(&mut self, account: Account) {
        self.change(account, |held| held.idle -= 1);
    }

    /// Reserves so many bytes for the messages of an account.
    ///
    /// # Errors
    /// [`NoRoom`], and nothing has changed.
    pub fn reserve(&mut self, account: Account, bytes: usize) -> Result<(), NoRoom> {
        let (limits, held) = (self.limits, self.held(account));
        let fits = |held: usize, limit: usize| limit.checked_sub(held).is_some_and(|free| bytes <= free);
        if !fits(held.bytes, limits.bytes_per_client) || !fits(self.total.bytes, limits.bytes) {
            return Err(NoRoom);
        }
        self.change(account, |held| held.bytes += bytes);
        Ok(())
    }

    /// Releases so many bytes.
    pub fn release(&mut self, account: Account, bytes: usize) {
        self.change(account, |held| held.bytes -= bytes);
    }

    /// Keeps the memory of a request that was run, if it is bigger than what is kept already. It is not reserved meanwhile.
    pub fn recycle(&mut self, memory: Vec<u8>) {
        if memory.capacity() > self.spare.capacity() && memory.capacity() <= self.limits.request {
            self.spare = memory;
        }
    }

    /// The memory that is kept, reserved for this account, if its capacity suits and there is room.
    pub fn reuse(&mut self, account: Account, suits: impl Fn(usize) -> bool) -> Option<Vec<u8>> {
        let capacity = self.spare.capacity();
        let taken = suits(capacity) && self.reserve(account, capacity).is_ok();
        taken.then(|| std::mem::take(&mut self.spare))
    }

    /// Frees the memory that is kept once nothing is held.
    pub fn trim(&mut self) {
        if self.total == Held::default() {
            self.spare = Vec::new();
        }
    }

    /// Whether it has a session, active or idle.
    pub fn has_sessions(&self, account: Account) -> bool {
        self.accounts.get(&account).is_some_and(|held| held.active + held.idle > 0)
    }

    fn held(&self, account: Account) -> Held {
        self.accounts.get(&account).copied().unwrap_or_default()
    }

    fn change(&mut self, account: Account, change: impl Fn(&mut Held)) {
        change(&mut self.total);
        let held = self.accounts.entry(account).or_default();
        change(held);
        if *held == Held::default() {
            self.accounts.remove(&account);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: Limits = Limits {
        request: 100,
        response: 100,
        active_sessions_per_client: 2,
        active_sessions: 3,
        idle_sessions_per_client: 1,
        idle_sessions: 2,
        bytes_per_client: 100,
        bytes: 150,
        idle_timeout: Duration::from_secs(30),
        token_period: Duration::from_secs(30),
    };

    fn account(address: &str) -> Account {
        Account::of(address.parse().unwrap())
    }

    #[test]
    fn each_client_has_its_limit_and_so_have_all() {
        let (mut budget, a, b) = (Budget::new(LIMITS), account("192.0.2.1"), account("192.0.2.2"));
        assert_eq!(
            [a, a, a, b, b].map(|account| budget.add_active(account).is_ok()),
            [true, true, false, true, false]
        );
        assert_eq!(budget.reserve(a, 101), Err(NoRoom));
        assert_eq!(budget.reserve(a, usize::MAX), Err(NoRoom));
        assert_eq!(budget.reserve(a, 100), Ok(()));
        assert_eq!(budget.reserve(a, 1), Err(NoRoom));
        assert_eq!(budget.reserve(b, 51), Err(NoRoom));
        assert_eq!(budget.reserve(b, 50), Ok(()));
        assert_eq!(budget.total(), Held { active: 3, idle: 0, bytes: 150 });
    }

    #[test]
    fn what_is_released_is_forgotten() {
        let (mut budget, a) = (Budget::new(LIMITS), account("192.0.2.1"));
        budget.add_active(a).unwrap();
        budget.reserve(a, 70).unwrap();
        budget.release(a, 70);
        budget.remove_active(a);
        budget.add_idle(a);
        assert_eq!(budget.room_for_idle(a), Err(NoRoom));
        budget.remove_idle(a);
        assert_eq!(budget.total(), Held::default());
        assert!(budget.accounts.is_empty());
    }

    #[test]
    fn a_subnet_is_one_account() {
        assert_eq!(account("2001:db8::1"), account("2001:db8::ffff:2"));
        assert_ne!(account("2001:db8::1"), account("2001:db8:0:1::1"));
        assert_eq!(account("::ffff:192.0.2.1"), account("192.0.2.1"));
        assert_ne!(account("192.0.2.1"), account("192.0.2.2"));
    }
}
