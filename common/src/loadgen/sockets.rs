//! The sockets of the clients: a connection under way, the limits that thousands of them meet, and one way to read and
//! write that says what happened.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use super::error::SimError;

/// More connections than this from one address to one port exhaust the local ports: Linux has 28 232 for them
/// (`net.ipv4.ip_local_port_range`), and a closed connection keeps its port in TIME_WAIT.
const PER_ADDRESS: usize = 20_000;
/// Source addresses taken in turn then: 127.0.0.1 to 127.0.0.32.
const ADDRESSES: u8 = 32;

/// Raises the limit of open files so that this many clients fit, and `own` files besides: the soft limit, and where this process may do
/// that (CAP_SYS_RESOURCE), the hard one.
///
/// # Errors
/// [`SimError::TooFewFiles`], or what `getrlimit(2)` says.
pub fn allow_files(clients: u64, own: u64) -> Result<(), SimError> {
    let failed = |error: nix::Error| SimError::System("read the limit of open files", error.into());
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    let needed = clients + own;
    if needed > soft && setrlimit(Resource::RLIMIT_NOFILE, needed.max(hard), needed.max(hard)).is_err() {
        return Err(SimError::TooFewFiles { clients, needed, limit: hard });
    }
    Ok(())
}

/// Opens connections to one target.
#[derive(Debug)]
pub(super) struct Connector {
    target: SocketAddr,
    /// The last byte of the source address of the next connection, where addresses are taken in turn.
    source: Option<u8>,
}

impl Connector {
    /// For so many connections, all together.
    pub(super) fn new(target: SocketAddr, connections: usize) -> Connector {
        let loopback = matches!(target.ip(), IpAddr::V4(address) if address.is_loopback());
        Connector { target, source: (loopback && connections > PER_ADDRESS).then_some(1) }
    }

    /// Begins to connect and does not wait: the socket is writable when the connection is there, and its error says
    /// why it is not.
    pub(super) fn connect(&mut self, receive_buffer: Option<usize>) -> io::Result<TcpStream> {
        let socket = Socket::new(
            Domain::for_address(self.target),
            Type::STREAM.nonblocking().cloexec(),
            Some(Protocol::TCP),
        )?;
        socket.set_tcp_nodelay(true)?;
        if let Some(bytes) = receive_buffer {
            // Before connect, or the window has already been offered.
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(last) = &mut self.source {
            // The port is chosen at connect, when the target is known: one port serves for several targets then.
            setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
            socket.bind(&SocketAddr::from((Ipv4Addr::new(127, 0, 0, *last), 0)).into())?;
            *last = *last % ADDRESSES + 1;
        }
        match socket.connect(&self.target.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(nix::libc::EINPROGRESS) => {}
            Err(error) => return Err(error),
        }
        Ok(socket.into())
    }
}

/// What one read or write came to.
#[derive(Debug)]
pub(super) enum Moved {
    /// So many bytes, at least one.
    Bytes(usize),
    /// Nothing now.
    NotYet,
    /// The peer will send no more.
    End,
    /// The connection is broken.
    Broken(io::Error),
}

pub(super) fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> Moved {
    moved(stream.read(buffer))
}

pub(super) fn write(mut stream: &TcpStream, bytes: &[u8]) -> Moved {
    moved(stream.write(bytes))
}

fn moved(result: io::Result<usize>) -> Moved {
    match result {
        Ok(0) => Moved::End,
        Ok(bytes) => Moved::Bytes(bytes),
        // Level-triggered: after EINTR the socket is simply ready again.
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Moved::NotYet
        }
        Err(error) => Moved::Broken(error),
    }
}

/// Whether a connection under way has come about.
pub(super) fn established(stream: &TcpStream) -> io::Result<()> {
    match stream.take_error()? {
        None => Ok(()),
        Some(error) => Err(error),
    }
}

/// The end of stream came too early.
pub(super) fn hung_up() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up too early")
}
