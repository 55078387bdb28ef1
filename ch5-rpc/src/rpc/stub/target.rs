//! Where the server is, and how a connection is made. Nothing has been sent before there is one: what fails here is "no server".

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::support::terminal;
use tarpc::client::Config;
use tarpc::{ClientMessage, Response, Transport};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::sync::mpsc;
use tokio_util::codec::Framed;

use super::udp::UdpTransport;
use crate::misfit::what_is_silent;
use crate::rpc::board::CallError;
use crate::rpc::codec::{ClientCodec, Format};
use crate::rpc::interface::{BoardRpcClient, BoardRpcRequest, BoardRpcResponse};
use crate::rpc::memory::{MemoryServer, memory};
use crate::semantics::Semantics;

/// Where the server is.
#[derive(Debug, Clone)]
pub enum Target {
    /// Over TCP.
    Tcp {
        /// A name or an address.
        host: String,
        /// A port.
        port: u16,
        /// How messages are written.
        format: Format,
    },
    /// Over a Unix socket.
    Unix(PathBuf),
    /// Over UDP, one datagram a call.
    Udp {
        /// A name or an address.
        host: String,
        /// A port.
        port: u16,
        /// How a publication is called; all else is called at most once.
        semantics: Semantics,
    },
    /// In this process.
    Memory(mpsc::Sender<MemoryServer<BoardRpcRequest, BoardRpcResponse>>),
}

impl Target {
    /// Connects. `is_open` is cleared when the connection has ended.
    pub(super) async fn connect(
        &self,
        frame: usize,
        is_open: Arc<AtomicBool>,
    ) -> Result<BoardRpcClient, CallError> {
        match self {
            Target::Tcp { host, port, format } => {
                // All addresses of a name are tried, one after the other.
                let connected = TcpStream::connect((bare(host), *port)).await;
                let stream = connected.map_err(|error| self.no_server(&error))?;
                let _ = stream.set_nodelay(true);
                Ok(open(framed(stream, *format, frame), is_open))
            }
            Target::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(|error| self.no_server(&error))?;
                Ok(open(framed(stream, Format::Bincode, frame), is_open))
            }
            Target::Udp { host, port, semantics } => {
                let transport = udp(host, *port, *semantics).await;
                Ok(open(transport.map_err(|error| self.no_server(&error))?, is_open))
            }
            Target::Memory(server) => {
                let (client, other) = memory();
                let gone = |_| CallError::NoServer("the server in this process has ended".into());
                server.send(other).await.map_err(gone)?;
                Ok(open(client, is_open))
            }
        }
    }

    /// What is there, when nothing answers.
    pub(super) async fn what_is_silent(&self) -> Option<String> {
        let Target::Tcp { host, port, .. } = self else { return None };
        let (host, port) = (bare(host).to_owned(), *port);
        let asked = tokio::task::spawn_blocking(move || what_is_silent((&host, port)));
        asked.await.ok().flatten().map(str::to_owned)
    }

    fn no_server(&self, error: &io::Error) -> CallError {
        CallError::NoServer(format!("no board at {self}: {error}"))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Tcp { host, port, .. } => write!(f, "{} port {port}", terminal::line(host)),
            Target::Udp { host, port, .. } => write!(f, "{} port {port}/udp", terminal::line(host)),
            Target::Unix(path) => write!(f, "{}", terminal::line(&path.display().to_string())),
            Target::Memory(_) => f.write_str("this process"),
        }
    }
}

/// A host without the brackets of an IPv6 address.
fn bare(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// All addresses of a name are tried. Those of IPv4 first: over UDP a wrong guess may be answered by silence.
async fn udp(host: &str, port: u16, semantics: Semantics) -> io::Result<UdpTransport<BoardRpcResponse>> {
    let mut addresses: Vec<SocketAddr> = lookup_host((bare(host), port)).await?.collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    let mut refused = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match UdpTransport::connect(address, semantics).await {
            Ok(transport) => return Ok(transport),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}

fn framed<S>(stream: S, format: Format, frame: usize) -> Framed<S, ClientCodec<BoardRpcResponse>>
where
    S: AsyncRead + AsyncWrite,
{
    Framed::new(stream, ClientCodec::new(format, frame))
}

/// Starts the dispatch of tarpc, which sends the calls of all clones of the stub and brings each its answer.
fn open<T>(transport: T, is_open: Arc<AtomicBool>) -> BoardRpcClient
where
    T: Transport<ClientMessage<BoardRpcRequest>, Response<BoardRpcResponse>> + Send + 'static,
{
    let client = BoardRpcClient::new(Config::default(), transport);
    let dispatch = client.dispatch;
    tokio::spawn(async move {
        if let Err(error) = dispatch.await {
            tracing::debug!("the connection has failed: {error}");
        }
        is_open.store(false, Ordering::Release);
    });
    client.client
}
