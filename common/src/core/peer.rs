//! A connected peer.

use std::fmt;
use std::io;
use std::net::{AddrParseError, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::{Deserialize, Serialize};
use socket2::SockRef;

/// A connected peer. Identifies one connection from accept to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Where the peer's end of the connection is bound: what people read. The port tells the connections of one host apart,
    /// also in the simulator's records.
    pub address: PeerAddress,
    /// Which connection it is: what a service keeps its clients by.
    pub id: PeerId,
}

impl Peer {
    /// A peer that has just connected from an address of IPv4 or IPv6.
    #[must_use]
    pub fn new(address: SocketAddr) -> Peer {
        Peer::at(PeerAddress::Ip(address))
    }

    /// A peer that has just connected.
    #[must_use]
    pub fn at(address: PeerAddress) -> Peer {
        static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
        Peer { address, id: PeerId(CONNECTIONS.fetch_add(1, Ordering::Relaxed)) }
    }
}

/// Tells one connection from every other of this process, in the order of their accepts.
///
/// An address does not: a client that dies and comes again at once may have the port that it had, and a server with several
/// threads may accept the new connection before it has seen the end of the old one. A service that keeps its clients by address
/// then forgets the new one when the old one leaves, or lets the last request of the old one act for the new one.
///
/// ```text
///   id 7, port 40001:  accept ──── dies ┈┈┈┈┈┈┈┈┈┈┈ its last request is handled ┈┈ its end is seen: 7 leaves
///   id 8, port 40001:                    accept ─────────────────────────────────────────────────── 8 stays
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

/// Where a peer's end of the connection is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PeerAddress {
    /// An address and a port of IPv4 or IPv6.
    Ip(SocketAddr),
    /// A Unix socket, which a client does not bind as a rule: the process that connected it is known instead (`SO_PEERCRED`,
    /// unix(7)).
    Unix {
        /// Its process id.
        process: i32,
    },
}

impl PeerAddress {
    /// The address of the peer of a connected socket.
    ///
    /// # Errors
    /// What getpeername(2) says: `ENOTCONN` when the peer is gone already.
    pub fn of(connection: &impl AsFd) -> io::Result<PeerAddress> {
        match SockRef::from(connection).peer_addr()?.as_socket() {
            Some(address) => Ok(PeerAddress::Ip(address)),
            None => {
                let process = getsockopt(connection, PeerCredentials)?.pid();
                Ok(PeerAddress::Unix { process })
            }
        }
    }

    /// For protocols that show an address and a port. The client of a Unix socket is on this host and has no port: 127.0.0.1, port 0.
    #[must_use]
    pub fn socket_address(self) -> SocketAddr {
        match self {
            PeerAddress::Ip(address) => address,
            PeerAddress::Unix { .. } => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }
}

impl From<SocketAddr> for PeerAddress {
    fn from(address: SocketAddr) -> PeerAddress {
        PeerAddress::Ip(address)
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PeerAddress::Ip(address) => address.fmt(f),
            PeerAddress::Unix { process } => write!(f, "unix:{process}"),
        }
    }
}

impl FromStr for PeerAddress {
    type Err = AddrParseError;

    fn from_str(text: &str) -> Result<PeerAddress, AddrParseError> {
        match text.strip_prefix("unix:").map(str::parse) {
            Some(Ok(process)) => Ok(PeerAddress::Unix { process }),
            _ => text.parse().map(PeerAddress::Ip),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        let (one, _other) = UnixStream::pair().unwrap();
        let unix = PeerAddress::of(&one).unwrap();
        assert_eq!(unix, PeerAddress::Unix { process: std::process::id() as i32 });
        for address in [unix, PeerAddress::Ip(([127, 0, 0, 1], 4711).into()), "[::1]:1".parse().unwrap()] {
            assert_eq!(address.to_string().parse(), Ok(address));
        }
        assert!("unix:me".parse::<PeerAddress>().is_err());
    }
}
