//! How a client comes to its server, and notices that it is gone.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::core::keep_alive;
use crate::support::cli::duration;
use anyhow::Context;
use clap::Args;

/// Where the server is.
#[derive(Debug, Clone, Args)]
pub struct ConnectArgs {
    /// Where the server is
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    pub host: String,
    /// The server's port
    #[arg(short, long, default_value_t = 7777)]
    pub port: u16,
    /// A server that has been silent for so long is asked by the kernel whether it is still there, and is gone if it does not say
    /// so in as long again (TCP keep-alive); 0 asks never
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub keep_alive: Duration,
}

impl ConnectArgs {
    /// Connects to the first of the host's addresses that answers, each within `timeout`. `server` is what should be there, and
    /// `command` starts one.
    ///
    /// # Errors
    /// No such host, or nobody listens there.
    pub fn connect(
        &self,
        timeout: Option<Duration>,
        server: &str,
        command: &str,
    ) -> anyhow::Result<TcpStream> {
        let host = bare(&self.host);
        let addresses =
            (host, self.port).to_socket_addrs().with_context(|| format!("no host is called {host}"))?;
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            let connected = match timeout {
                Some(timeout) => TcpStream::connect_timeout(&address, timeout),
                None => TcpStream::connect(address),
            };
            match connected {
                // Where nobody listens, a port that the kernel gives out to clients can be given to this one: it then talks to itself
                // (the simultaneous open of RFC 9293). Who tries again and again will meet it.
                Ok(stream) if stream.local_addr()? == stream.peer_addr()? => {
                    last = io::ErrorKind::ConnectionRefused.into();
                }
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    if !self.keep_alive.is_zero() {
                        keep_alive::set(&stream, self.keep_alive)?;
                    }
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
        }
        Err(last).with_context(|| {
            format!("no {server} at {host} port {}; start one with `cargo ch4 {command}`", self.port)
        })
    }
}

/// Reads how long to wait for an answer: a [`duration`] above zero, because in no time no server can answer. For clap.
///
/// # Errors
/// A sentence for the user.
pub fn timeout(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("in no time nobody can answer: give it some, for example 500ms or 15s".into()),
        timeout => Ok(timeout),
    }
}

/// An IPv6 address without the brackets that it has in a URL.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn an_ipv6_address_may_have_brackets() {
        assert_eq!(["[::1]", "::1", "[::1", "a.b"].map(bare), ["::1", "::1", "[::1", "a.b"]);
    }

    #[test]
    fn the_kernel_asks_a_server_that_is_silent_unless_it_shall_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (host, port) = ("127.0.0.1".to_owned(), listener.local_addr().unwrap().port());
        for (seconds, asks) in [(0, false), (1, true), (60, true)] {
            let args = ConnectArgs { host: host.clone(), port, keep_alive: Duration::from_secs(seconds) };
            let stream = args.connect(None, "server", "command").unwrap();
            let socket = socket2::SockRef::from(&stream);
            assert_eq!(socket.keepalive().unwrap(), asks);
            if asks {
                let silence = Duration::from_secs(seconds.max(6));
                assert_eq!(socket.tcp_keepalive_time().unwrap(), silence);
                assert_eq!(socket.tcp_keepalive_interval().unwrap() * 6, silence);
                assert_eq!(socket.tcp_user_timeout().unwrap(), Some(silence * 2));
            }
        }
    }

    #[test]
    fn no_time_is_explained() {
        assert_eq!(timeout("250ms"), Ok(Duration::from_millis(250)));
        assert!(timeout("0").unwrap_err().contains("give it some"));
        assert!(timeout("5").unwrap_err().contains("unit"));
    }
}
