//! Which of our addresses each peer has written to, so that it is answered from there.
//!
//! ```text
//!   peer ── to 127.0.0.2 ──► socket at 0.0.0.0 ── from 127.0.0.1 ──► peer: who is that? (it has asked 127.0.0.2)
//! ```
//!
//! TCP has no such question, since an accepted connection has both addresses. Here they come with each datagram, as a control
//! message (ip(7), `IP_PKTINFO`), and go with each answer.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

/// Peers to remember. When there are more all are forgotten: whoever writes again is known again.
const PEERS: usize = 8192;

/// The address that each of the latest peers has written to.
#[derive(Debug, Default)]
pub struct ReturnPath {
    peers: HashMap<SocketAddr, IpAddr>,
}

impl ReturnPath {
    /// A datagram has come from `peer` to our address `to`.
    pub fn remember(&mut self, peer: SocketAddr, to: Option<IpAddr>) {
        // An answer to a group's datagram cannot come from the group.
        let Some(to) = to.filter(|to| !to.is_multicast()) else { return };
        if self.peers.len() >= PEERS && !self.peers.contains_key(&peer) {
            self.peers.clear();
        }
        self.peers.insert(peer, to);
    }

    /// Where `peer` expects its answer from.
    pub fn to(&self, peer: SocketAddr) -> Option<IpAddr> {
        self.peers.get(&peer).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_the_latest_and_never_too_many() {
        let mut path = ReturnPath::default();
        let peer = |number: u32| SocketAddr::from((number.to_be_bytes(), 1));
        let ours = |last| IpAddr::from([127, 0, 0, last]);
        path.remember(peer(1), Some(ours(2)));
        path.remember(peer(1), Some(ours(3)));
        path.remember(peer(1), None);
        path.remember(peer(1), Some(IpAddr::from([239, 1, 1, 1])));
        assert_eq!((path.to(peer(1)), path.to(peer(2))), (Some(ours(3)), None));
        for number in 0..3 * PEERS as u32 {
            path.remember(peer(number), Some(ours(4)));
            assert!(path.peers.len() <= PEERS);
            assert_eq!(path.to(peer(number)), Some(ours(4)));
        }
    }
}
