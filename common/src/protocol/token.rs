//! Tokens: proof that a client receives at the address it sends from, without a byte of memory for it.
//!
//! ```text
//! client                             server
//!   │ ── a?0000000000000001 ───────▶   │   token = n ‖ SipHash(secret; address, port, ⌊now / 30 s⌋, n)
//!   │ ◀───── 1?8f3a… ───────────────   │   and forgets it
//!   │ ── D … token … ──────────────▶   │   computes it again: the same, so the client has read the answer
//!
//! ┌───────────┬────────────────────┐
//! │ n: 16 bit │ 48 bits of hash    │
//! └───────────┴────────────────────┘
//! ```
//!
//! The number n counts the tokens given out. Without it a program that begins anew on the same port would get the same token, and
//! would be taken for its predecessor, whose requests have all been run.
//!
//! A sender's address is easily forged in UDP. Who forges one never sees the answer, and so cannot know the token: nothing is
//! kept and nothing bigger is sent for him. TCP does the same with SYN cookies (RFC 4987, section 3.6) and QUIC with Retry
//! (RFC 9000, section 8.1). SipHash-2-4 is made for this: a keyed hash that is fast for short inputs and that nobody can predict
//! without the key.

use std::hash::Hasher;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use siphasher::sip::SipHasher24;

/// Bits of a token that cannot be guessed.
const HASH_BITS: u32 = 48;

/// Makes and checks tokens.
#[derive(Debug, Clone)]
pub struct Tokens {
    secret: [u8; 16],
    /// Length of the time that a token is made for.
    period: Duration,
    /// The next token's n.
    next: u16,
}

impl Tokens {
    /// Tokens that are valid in their period and the next one: between one and two periods.
    pub fn new(secret: [u8; 16], period: Duration) -> Tokens {
        Tokens { secret, period: period.max(Duration::from_millis(1)), next: 0 }
    }

    /// A new token for a client at this address.
    pub fn issue(&mut self, now: Duration, client: SocketAddr) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.compute(self.number(now), client, self.next)
    }

    /// Until when this token of this client is valid; `None` if it is not.
    pub fn valid_until(&self, now: Duration, client: SocketAddr, token: u64) -> Option<Duration> {
        let current = self.number(now);
        [Some(current), current.checked_sub(1)]
            .into_iter()
            .flatten()
            .find(|&number| self.compute(number, client, (token >> HASH_BITS) as u16) == token)
            .map(|number| Duration::from_millis((number + 2) * self.period_millis()))
    }

    fn number(&self, now: Duration) -> u64 {
        now.as_millis() as u64 / self.period_millis()
    }

    fn period_millis(&self) -> u64 {
        self.period.as_millis() as u64
    }

    fn compute(&self, number: u64, client: SocketAddr, n: u16) -> u64 {
        let mut hasher = SipHasher24::new_with_key(&self.secret);
        match client.ip() {
            IpAddr::V4(ip) => hasher.write(&ip.octets()),
            IpAddr::V6(ip) => hasher.write(&ip.octets()),
        }
        hasher.write_u16(client.port());
        hasher.write_u64(number);
        hasher.write_u16(n);
        u64::from(n) << HASH_BITS | hasher.finish() & ((1 << HASH_BITS) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_secs(30);

    fn client(port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], port))
    }

    #[test]
    fn a_token_is_valid_in_its_period_and_the_next() {
        let mut tokens = Tokens::new([7; 16], PERIOD);
        for (issued, last, first_not) in [(0, 59, 60), (29, 59, 60), (30, 89, 90), (45, 89, 90)] {
            let token = tokens.issue(Duration::from_secs(issued), client(1));
            let end = Some(Duration::from_secs(first_not));
            assert_eq!(tokens.valid_until(Duration::from_secs(issued), client(1), token), end);
            assert_eq!(tokens.valid_until(Duration::from_secs(last), client(1), token), end);
            assert_eq!(tokens.valid_until(Duration::from_secs(first_not), client(1), token), None);
        }
    }

    #[test]
    fn a_token_belongs_to_an_address_and_a_secret() {
        let (mut tokens, now) = (Tokens::new([7; 16], PERIOD), Duration::ZERO);
        let token = tokens.issue(now, client(1));
        assert_eq!(tokens.valid_until(now, client(2), token), None);
        assert_eq!(tokens.valid_until(now, "[2001:db8::1]:1".parse().unwrap(), token), None);
        assert_eq!(Tokens::new([8; 16], PERIOD).valid_until(now, client(1), token), None);
        assert_eq!(tokens.valid_until(now, client(1), token ^ 1), None);
        assert_eq!(tokens.valid_until(now, client(1), token ^ 1 << 63), None);
    }

    #[test]
    fn no_token_is_given_out_twice() {
        let (mut tokens, now) = (Tokens::new([7; 16], PERIOD), Duration::ZERO);
        let (first, second) = (tokens.issue(now, client(1)), tokens.issue(now, client(1)));
        assert_ne!(first, second);
        assert!(tokens.valid_until(now, client(1), first).is_some());
        assert!(tokens.valid_until(now, client(1), second).is_some());
    }
}
