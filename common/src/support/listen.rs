//! Where a server listens: an address or a name, and what to do when the port is taken.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

/// Reads the address to listen on: IPv4, IPv6 with or without brackets, or a name, of which the first address is taken. For clap.
///
/// # Errors
/// A sentence for the user: no such name.
pub fn address(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Ok(address) = bare.parse() {
        return Ok(address);
    }
    first((bare, 0)).map(|address| address.ip()).ok_or_else(|| format!("`{text}` is no address and no name"))
}

/// Reads an address or a name with a port behind it. For clap.
///
/// # Errors
/// A sentence for the user: no port, no such name.
pub fn address_and_port(text: &str) -> Result<SocketAddr, String> {
    let no =
        || format!("`{text}` is no address with a port, as 127.0.0.1:7777, [::1]:7777 or localhost:7777");
    first(text).ok_or_else(no)
}

fn first(name: impl ToSocketAddrs) -> Option<SocketAddr> {
    name.to_socket_addrs().ok()?.next()
}

/// What bind(2) says, and what helps when another program has the port.
#[must_use]
pub fn refusal(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::AddrInUse => {
            io::Error::new(ErrorKind::AddrInUse, format!("{error}; port 0 (-p 0) takes any free one"))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_or_a_name() {
        for (text, expected) in [("127.0.0.1", "127.0.0.1"), ("::", "::"), ("[::1]", "::1")] {
            assert_eq!(address(text), Ok(expected.parse().unwrap()));
        }
        assert!(address("localhost").unwrap().is_loopback());
        assert!(address_and_port("localhost:80").unwrap().ip().is_loopback());
        assert!(address("a name.invalid").unwrap_err().contains("no name"));
        assert!(address_and_port("127.0.0.1").unwrap_err().contains("with a port"));
    }
}
