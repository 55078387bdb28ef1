//! Where `board-server` listens, and the line that says so.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::Context;
use common::core::socket_file::{SocketFile, remove_leftover};
use common::net::datagram::Endpoint;
use common::support::cli::stdout;
use common::support::listen::refusal;
use tokio::net::{TcpListener, UnixListener};

use crate::rpc::datagrams::Datagrams;

/// Listens on a port, and says so.
///
/// # Errors
/// What bind(2) says.
pub fn tcp(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listen = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    let listener = listen().map_err(refusal).with_context(|| format!("cannot listen on {address}"))?;
    announce(&listener.local_addr()?.to_string());
    Ok(listener)
}

/// Receives at a port of UDP, and says so.
///
/// # Errors
/// What bind(2) says.
pub fn udp(address: SocketAddr) -> anyhow::Result<Datagrams> {
    let socket = Endpoint::bind(address).map_err(refusal).and_then(Datagrams::new);
    let socket = socket.with_context(|| format!("cannot listen on {address}/udp"))?;
    announce(&socket.address()?.to_string());
    Ok(socket)
}

/// Listens at a socket file, and says so. The file goes with the second value.
///
/// # Errors
/// What bind(2) says; another server listens there; the file is no socket.
pub fn unix(path: &Path) -> anyhow::Result<(UnixListener, SocketFile)> {
    let bind = || {
        remove_leftover(path)?;
        let listener = UnixListener::bind(path)?;
        Ok::<_, std::io::Error>((listener, SocketFile::of(path)?))
    };
    let bound = bind().with_context(|| format!("cannot listen on {}", path.display()))?;
    announce(&format!("unix:{}", path.display()));
    Ok(bound)
}

/// The first line on stdout. With its stdout closed a server still serves.
fn announce(address: &str) {
    let _ = writeln!(stdout(), "LISTENING {address}");
    let _ = stdout().flush();
}
