//! The listening socket: what `accept` says, sorted by what a server has to do about it.
//!
//! | `accept(2)` | [`AcceptOutcome`] | what a model does |
//! |---|---|---|
//! | a connection | `Accepted` | serves it |
//! | `EAGAIN`, `EINTR`, or an error of a connection that died in the queue | `WouldBlock` | looks again |
//! | `EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM` | `Full` | pauses accepting for [`ACCEPT_BACKOFF`]: retrying at once would spin, exiting would end everybody |
//! | `EINVAL` after `shutdown(2)` | `Closed` | stops |
//!
//! Clients that come meanwhile wait in the backlog; none is lost.

#![expect(
    unsafe_code,
    reason = "accept4(2): std's accept cannot set SOCK_NONBLOCK, which would cost a call per connection"
)]

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};

use crate::core::keep_alive;
use crate::core::limits::TICK;
use crate::core::service::{Peer, PeerAddress};
use crate::core::socket_file::remove_leftover;
use crate::core::stop::Stop;

/// How long a server without a free descriptor does not accept.
pub const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// The listening socket: of TCP, or a Unix socket.
///
/// Connections are `TcpStream`s in both cases. That type is a descriptor with read, write and shutdown, and a Unix socket has the
/// same three; only what is set on the listener differs.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    address: ListenAddress,
    nonblocking_connections: bool,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// An address and a port.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

impl ListenAddress {
    /// The address and the port; `None` for a Unix socket.
    #[must_use]
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            ListenAddress::Ip(address) => Some(*address),
            ListenAddress::Unix(_) => None,
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddress::Ip(address) => address.fmt(f),
            ListenAddress::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What came of an `accept`.
#[derive(Debug)]
pub enum AcceptOutcome {
    /// A connection, with `TCP_NODELAY` set and non-blocking as its listener is.
    Accepted(TcpStream, Peer),
    /// No connection is waiting, or the one that was is gone.
    WouldBlock,
    /// A connection may be waiting, but there is no descriptor or memory left.
    Full,
    /// The stop has closed the listener.
    Closed,
}

impl Listener {
    /// Listens on `address` (port 0: any free one) with room for `backlog` connections not yet accepted; the kernel
    /// caps it at `net.core.somaxconn`. With `reuse_port` several sockets may listen on one port, and the kernel
    /// spreads connections over them (socket(7), `SO_REUSEPORT`): see [`Listener::is_free`]. The stop will close the listener.
    ///
    /// # Errors
    /// What bind(2) and listen(2) say: `EADDRINUSE`, `EACCES` for a port below 1024, `EADDRNOTAVAIL`.
    pub fn open(address: SocketAddr, backlog: i32, reuse_port: bool, stop: Stop) -> io::Result<Listener> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A server that is started again must not wait a minute for the TIME-WAIT of its old connections (ip(7)).
        socket.set_reuse_address(true)?;
        socket.set_reuse_port(reuse_port)?;
        // Linux hands these options down to accepted connections, which saves three calls for each. An answer leaves at
        // once instead of waiting for the next; a read or a write that makes no progress returns now and then, to be judged.
        // (So does a blocking accept.)
        socket.set_tcp_nodelay(true)?;
        socket.set_read_timeout(Some(TICK))?;
        socket.set_write_timeout(Some(TICK))?;
        socket.bind(&address.into())?;
        socket.listen(backlog)?;
        let listener = TcpListener::from(socket);
        let address = ListenAddress::Ip(listener.local_addr()?);
        stop.watch_listener(listener.as_raw_fd())?;
        Ok(Listener { listener, address, nonblocking_connections: false })
    }

    /// Listens on a Unix socket (unix(7)) at `path`, which is made, with the permissions that the umask leaves. The file stays when the
    /// server ends: a [`SocketFile`](crate::core::socket_file::SocketFile) removes it. One that a dead server left behind is replaced.
    ///
    /// # Errors
    /// What bind(2) and listen(2) say: `EADDRINUSE` when a server listens there or the path is something else, `EACCES`, `ENOENT`;
    /// `EINVAL` for a path of more than 107 bytes.
    pub fn open_unix(path: &Path, backlog: i32, stop: Stop) -> io::Result<Listener> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        let address = SockAddr::unix(path)?;
        remove_leftover(path)?;
        socket.bind(&address)?;
        socket.listen(backlog)?;
        let listener = TcpListener::from(OwnedFd::from(socket));
        stop.watch_listener(listener.as_raw_fd())?;
        Ok(Listener {
            listener,
            address: ListenAddress::Unix(path.to_path_buf()),
            nonblocking_connections: false,
        })
    }

    /// Whether nobody listens on `address` yet. `SO_REUSEPORT` lets a second server of the same user share the port of a first, and each
    /// would get half of the clients; a trial without it is refused.
    ///
    /// # Errors
    /// As [`open`](Listener::open), without listening.
    pub fn is_free(address: SocketAddr) -> io::Result<()> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())
    }

    /// Where it listens, with the port that was really taken.
    #[must_use]
    pub fn address(&self) -> &ListenAddress {
        &self.address
    }

    /// From now on the kernel asks a client that has been silent for `silence` whether it is still there, and hangs up on one that
    /// is not: see [`keep_alive::set`].
    ///
    /// # Errors
    /// What setsockopt(2) says.
    pub fn keep_alive(&self, silence: Duration) -> io::Result<()> {
        keep_alive::set(&self.listener, silence)
    }

    /// From now on the kernel takes no more for a client than what is on its way and about so many bytes beyond
    /// (`TCP_NOTSENT_LOWAT`, tcp(7)). By itself it takes up to `net.ipv4.tcp_wmem`, 4 MiB, for one that reads nothing, and
    /// however little we mean to keep for that client, it is kept there.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    pub fn keep_unsent(&self, bytes: usize) -> io::Result<()> {
        SockRef::from(&self.listener).set_tcp_notsent_lowat(u32::try_from(bytes).unwrap_or(u32::MAX))
    }

    /// From now on [`accept`](Listener::accept) returns [`AcceptOutcome::WouldBlock`] rather than wait.
    ///
    /// # Errors
    /// What fcntl(2) says.
    pub fn nonblocking_accept(self) -> io::Result<Listener> {
        self.listener.set_nonblocking(true)?;
        Ok(self)
    }

    /// The same, and connections are non-blocking from their birth.
    ///
    /// # Errors
    /// As there.
    pub fn nonblocking(self) -> io::Result<Listener> {
        Ok(Listener { nonblocking_connections: true, ..self.nonblocking_accept()? })
    }

    /// Accepts a connection. A blocking listener waits for one.
    ///
    /// # Errors
    /// Only what cannot be served around: a bug, or a system that forbids the call.
    pub fn accept(&self) -> io::Result<AcceptOutcome> {
        match self.accept4() {
            Ok((stream, address)) => Ok(AcceptOutcome::Accepted(stream, Peer::at(address))),
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) && self.is_closed() => {
                Ok(AcceptOutcome::Closed)
            }
            Err(error) => Listener::outcome_of(&error).ok_or(error),
        }
    }

    /// What an error of accept(2) means for a server that was not told to stop; `None` when it cannot be served around. For servers that
    /// accept on a listener of a runtime's own.
    #[must_use]
    pub fn outcome_of(error: &io::Error) -> Option<AcceptOutcome> {
        match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
            Errno::EAGAIN | Errno::EINTR => Some(AcceptOutcome::WouldBlock),
            _ if Listener::is_full(error) => Some(AcceptOutcome::Full),
            // accept(2), "Error handling": errors already pending on the new socket are to be treated like
            // EAGAIN. EPERM is a firewall's word.
            Errno::ECONNABORTED
            | Errno::EPERM
            | Errno::EPROTO
            | Errno::ENETDOWN
            | Errno::ENOPROTOOPT
            | Errno::EHOSTDOWN
            | Errno::ENONET
            | Errno::EHOSTUNREACH
            | Errno::EOPNOTSUPP
            | Errno::ENETUNREACH => Some(AcceptOutcome::WouldBlock),
            _ => None,
        }
    }

    /// Whether an error says that there is no descriptor or memory left: to try again at once would spin.
    #[must_use]
    pub fn is_full(error: &io::Error) -> bool {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
        matches!(errno, Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM)
    }

    /// Whether `shutdown(2)`, in any process that shares the socket, has ended its listening, after `accept` returned `EINVAL`. A
    /// Unix socket then still says that it listens, but nothing else makes its accept return that.
    fn is_closed(&self) -> bool {
        match self.address {
            ListenAddress::Ip(_) => !SockRef::from(&self.listener).is_listener().unwrap_or(false),
            ListenAddress::Unix(_) => true,
        }
    }

    fn accept4(&self) -> io::Result<(TcpStream, PeerAddress)> {
        let flags = libc::SOCK_CLOEXEC | if self.nonblocking_connections { libc::SOCK_NONBLOCK } else { 0 };
        // SAFETY: the kernel fills at most `length` bytes of the storage it is given and says how many; the descriptor
        // it returns is new and nobody else's.
        let (stream, address) = unsafe {
            SockAddr::try_init(|storage, length| {
                let fd = libc::accept4(self.listener.as_raw_fd(), storage.cast(), length, flags);
                if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(TcpStream::from_raw_fd(fd)) }
            })?
        };
        match address.as_socket() {
            Some(address) => Ok((stream, PeerAddress::Ip(address))),
            None => {
                self.prepare(&stream)?;
                let address = PeerAddress::of(&stream)?;
                Ok((stream, address))
            }
        }
    }

    /// A connection of a Unix socket does not get the options of its listener: they are set here.
    ///
    /// # Errors
    /// What setsockopt(2) says.
    pub fn prepare(&self, stream: &TcpStream) -> io::Result<()> {
        if matches!(self.address, ListenAddress::Unix(_)) {
            stream.set_read_timeout(Some(TICK))?;
            stream.set_write_timeout(Some(TICK))?;
        }
        Ok(())
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.listener.as_raw_fd()
    }
}
