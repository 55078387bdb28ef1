//! Where a command listens and where it sends: the flags of the notes' own programs, and what a refused `bind` means.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::Context;
use nix::errno::Errno;
use socket2::{Domain, Socket, Type};

use common::net::interface::own_addresses;

use crate::kernel::{self, Protocol};

/// Looks a host up: the first address of a name, or the address itself.
///
/// # Errors
/// A sentence for the user when the name means nothing.
pub fn resolve(host: &str, port: u16) -> anyhow::Result<SocketAddr> {
    (host, port)
        .to_socket_addrs()
        .with_context(|| format!("cannot look up the host `{host}`"))?
        .next()
        .with_context(|| format!("the host `{host}` has no address"))
}

/// A new socket of the family of `address`, not bound yet.
///
/// # Errors
/// What socket(2) says.
pub fn socket(address: SocketAddr, protocol: Protocol) -> io::Result<Socket> {
    let (kind, protocol) = match protocol {
        Protocol::Udp => (Type::DGRAM, socket2::Protocol::UDP),
        Protocol::Tcp => (Type::STREAM, socket2::Protocol::TCP),
    };
    Socket::new(Domain::for_address(address), kind, Some(protocol))
}

/// Binds, and says in a sentence why not.
///
/// # Errors
/// bind(2) in words: whose the address is, what a privileged port is, which addresses this machine has.
pub fn bind(socket: &Socket, address: SocketAddr, protocol: Protocol) -> anyhow::Result<()> {
    socket.bind(&address.into()).map_err(|error| anyhow::anyhow!(refusal(&error, address, protocol)))
}

/// The address a socket is bound to.
///
/// # Errors
/// What getsockname(2) says.
pub fn local(socket: &Socket) -> io::Result<SocketAddr> {
    internet(&socket.local_addr()?)
}

/// The Internet address in a socket address.
///
/// # Errors
/// When it is of another family, which a socket of ours never has.
pub fn internet(address: &socket2::SockAddr) -> io::Result<SocketAddr> {
    address.as_socket().ok_or_else(|| io::Error::other("an address that is neither IPv4 nor IPv6"))
}

/// Why `bind` was refused.
fn refusal(error: &io::Error, address: SocketAddr, protocol: Protocol) -> String {
    match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
        Errno::EACCES => {
            format!(
                "bind {address}: permission denied (EACCES): a port below {} \
                 (net.ipv4.ip_unprivileged_port_start) is only for root or a process with CAP_NET_BIND_SERVICE",
                first_unprivileged()
            )
        }
        Errno::EADDRINUSE => {
            format!(
                "bind {address}: address in use (EADDRINUSE): {}; port 0 (-p 0) is any free one",
                who_has(address, protocol)
            )
        }
        Errno::EADDRNOTAVAIL => format!(
            "bind {address}: not an address of this machine (EADDRNOTAVAIL); it has {}, and 0.0.0.0 and :: mean all",
            own_addresses().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
        _ => format!("bind {address}: {error}"),
    }
}

/// Whether binding this port takes a privilege; 0 is no port but a wish for any.
#[must_use]
pub fn is_privileged(port: u16) -> bool {
    port != 0 && port < first_unprivileged()
}

/// 1024 by tradition, and a setting since Linux 4.11 (ip(7)).
fn first_unprivileged() -> u16 {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

fn who_has(address: SocketAddr, protocol: Protocol) -> String {
    let overlaps = |other: SocketAddr| {
        let (a, b) = (address.ip(), other.ip());
        other.port() == address.port() && (a == b || a.is_unspecified() || b.is_unspecified())
    };
    let rows = kernel::rows(protocol).unwrap_or_default();
    match rows.iter().find(|row| overlaps(row.local)) {
        Some(row) => {
            let holder = kernel::holder(row.inode).unwrap_or_else(|| "a process we may not look into".into());
            format!("{holder} has {}, state {}", row.local, row.state)
        }
        None => "by a socket that is bound but in no table: a TCP socket that does not listen".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_a_sentence() {
        let address = "127.0.0.1:80".parse().unwrap();
        for (errno, words) in [
            (Errno::EACCES, "CAP_NET_BIND_SERVICE"),
            (Errno::EADDRNOTAVAIL, "it has 127.0.0.1"),
            (Errno::EADDRINUSE, "address in use"),
            (Errno::ENOBUFS, "bind 127.0.0.1:80"),
        ] {
            let text = refusal(&io::Error::from(errno), address, Protocol::Tcp);
            assert!(text.contains(words), "{text}");
        }
    }
}
