//! How much the stateless board sends to an address that nobody has proved: a limit for what a forged sender can do with us.
//!
//! ```text
//! attacker ── "from V: 2:0", 3 bytes ──▶ board ── 65 504 bytes ──▶ V, who has asked nothing
//! ```
//!
//! That is an amplifier (RFC 5358 tells the same of DNS), and the notes' protocol cannot help it: a stateless client never shows
//! that it reads what is sent to it. So each address has an account of what it got beyond what it sent. It is paid off by a
//! fixed rate, and while it stands at ten seconds' worth, answers are dropped, as UDP may. An address with a session, which proves
//! it, has no limit.
//!
//! **The default**, 1 MiB/s: a victim gets at most 8 Mbit/s from us, a tenth of an ordinary connection, and an attacker gains
//! nothing by a faster one of his own. An honest client asks for one message at a time: ten MiB come at once, 160 of the longest
//! messages or some 200 000 short ones; beyond that a long message comes each 63 ms.
//!
//! The accounts are a table of fixed size, found by a keyed hash, so that no flood of addresses takes memory or makes us forget.
//! **The price:** addresses that share an account share its limit.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

use crate::session::budget::Account;

/// Accounts, 16 bytes each.
const ACCOUNTS: usize = 16_384;
/// Seconds of the rate that an address may be ahead.
const BURST: u64 = 10;

/// What each address has got beyond what it has sent.
#[derive(Debug)]
pub struct UnprovedLimit {
    /// Bytes a second; 0 is no limit.
    rate: u64,
    hasher: RandomState,
    accounts: Vec<Excess>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Excess {
    bytes: u64,
    at: Duration,
}

impl UnprovedLimit {
    /// A limit for each address, in bytes a second; 0 is no limit.
    pub fn new(rate: u64) -> UnprovedLimit {
        let accounts = if rate == 0 { 0 } else { ACCOUNTS };
        UnprovedLimit { rate, hasher: RandomState::new(), accounts: vec![Excess::default(); accounts] }
    }

    /// Whether an answer may go to this address; if so, it is put on its account.
    pub fn allows(&mut self, now: Duration, to: IpAddr, request: usize, answer: usize) -> bool {
        let excess = answer.saturating_sub(request) as u64;
        if self.rate == 0 || excess == 0 {
            return true;
        }
        let index = self.hasher.hash_one(Account::of(to)) as usize % self.accounts.len();
        let account = &mut self.accounts[index];
        let paid = now.saturating_sub(account.at).as_secs_f64() * self.rate as f64;
        *account = Excess { bytes: account.bytes.saturating_sub(paid as u64), at: now };
        let allowed = account.bytes < self.rate.saturating_mul(BURST);
        if allowed {
            account.bytes += excess;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gets_ten_seconds_at_once_and_then_the_rate() {
        let mut limit = UnprovedLimit::new(1000);
        let victim = IpAddr::from([192, 0, 2, 1]);
        let mut sent = |seconds, to| {
            let now = Duration::from_secs(seconds);
            (0..1000).filter(|_| limit.allows(now, to, 3, 103)).count() * 100
        };
        assert_eq!(sent(5, victim), 10_000);
        assert_eq!(sent(5, victim), 0);
        assert_eq!(sent(7, victim), 2000);
        assert_eq!(sent(100, victim), 10_000);
        // Unless the two share an account: one of these does not.
        let others = [1, 2, 3, 4].map(|last| IpAddr::from([198, 51, 100, last]));
        assert!(others.into_iter().any(|other| sent(100, other) == 10_000));
    }

    #[test]
    fn a_short_answer_and_no_limit_are_free() {
        let address = IpAddr::from([192, 0, 2, 1]);
        let mut limit = UnprovedLimit::new(1);
        assert!((0..1000).all(|_| limit.allows(Duration::ZERO, address, 5, 5)));
        let mut none = UnprovedLimit::new(0);
        assert!((0..1000).all(|_| none.allows(Duration::ZERO, address, 3, 65_504)));
    }
}
