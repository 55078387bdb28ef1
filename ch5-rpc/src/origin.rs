//! Whose share of a table an entry takes: one sender with a bug, or with bad intent, does not take the places of all others.
//!
//! A host with IPv4 has an address. One with IPv6 has 2^64 of them, which all have the first half in common.

use std::net::{IpAddr, Ipv6Addr};

use common::core::service::{Peer, PeerAddress};

/// What all addresses of one host have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Origin {
        Origin(match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
            }
            address => address,
        })
    }
}

impl Origin {
    /// That of a connection; `None` for one that came over no network.
    #[must_use]
    pub fn of(peer: &Peer) -> Option<Origin> {
        match peer.address {
            PeerAddress::Ip(address) => Some(address.ip().into()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_one_origin_however_many_addresses() {
        let origin = |text: &str| Origin::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(origin("192.0.2.1"), origin("::ffff:192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
        assert_eq!(origin("2001:db8::1"), origin("2001:db8::ffff:0:0:2"));
        assert_ne!(origin("2001:db8::1"), origin("2001:db8:0:1::1"));
        assert_ne!(origin("::1"), origin("::2"));
    }
}
