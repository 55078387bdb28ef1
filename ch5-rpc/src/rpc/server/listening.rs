//! Where connections come from. All three carry the same calls: the notes' first advantage of RPC, independence of the transport.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::mpsc;

use crate::rpc::memory::MemoryServer;

/// A peer without an address of the network: it is on this machine, and has no port.
const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Where connections come from.
#[derive(Debug)]
pub enum Listening<M, R> {
    /// A port.
    Tcp(TcpListener),
    /// A socket file.
    Unix(UnixListener),
    /// This process.
    Memory(mpsc::Receiver<MemoryServer<M, R>>),
}

/// A connection that was accepted.
#[derive(Debug)]
pub enum Accepted<M, R> {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
    /// In memory.
    Memory(MemoryServer<M, R>),
}

impl<M, R> Listening<M, R> {
    /// Waits for a connection.
    ///
    /// # Errors
    /// What accept(2) says.
    pub async fn accept(&mut self) -> io::Result<(Accepted<M, R>, SocketAddr)> {
        match self {
            Listening::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // An answer leaves at once and does not wait for the next. An error is that of a connection that is gone already.
                let _ = stream.set_nodelay(true);
                Ok((Accepted::Tcp(stream), peer))
            }
            Listening::Unix(listener) => Ok((Accepted::Unix(listener.accept().await?.0), NOWHERE)),
            Listening::Memory(connections) => match connections.recv().await {
                Some(connection) => Ok((Accepted::Memory(connection), NOWHERE)),
                None => std::future::pending().await, // nobody is left to connect: the stop ends this
            },
        }
    }
}
