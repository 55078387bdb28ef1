//! A UDP socket for those who send and receive much: many datagrams in one system call, and one place to wait.
//! Notes, chapter 2, "UDP"; udp(7), `UDP_SEGMENT` (GSO) and `UDP_GRO`.
//!
//! ```text
//!   send(to, 1400, 64 400 bytes)  ──► one sendmsg(2): the kernel cuts it into 46 datagrams
//!   receive(&mut arrivals)        ◄── one recvmmsg(2): up to 8 buffers, each of one datagram or, from one sender and
//!                                     of one size, of several glued together again: `Arrival::datagrams` cuts them
//!   wait(fd, …)                       one ppoll(2): the socket, the stop, a timeout
//! ```
//!
//! A system call costs as much as the copying of some thousand bytes, and a walk through the kernel's layers several times
//! that. With a datagram per call a program reaches some 4 Gbit/s; with segmentation done by the kernel (or the network
//! card), the layers are walked once per 64 KiB, and the same program reaches twenty times as much. A kernel or a card that
//! has no such thing says so (`EIO`, `EINVAL`): then each datagram is sent on its own, and nobody else notices.
//!
//! Errors that come from afar: an ICMP "port unreachable" is reported to a *connected* socket only, as `ECONNREFUSED` of a later call
//! (udp(7)). So a client that connects hears at once that nobody listens, and a server, which does not, is never disturbed
//! by a client that has left.

mod options;
mod return_path;

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket, Type};

pub use options::Buffers;
use return_path::ReturnPath;

/// The most bytes that the kernel glues together, and the longest datagram of all.
const BUFFER: usize = 1 << 16;

/// How many of these one system call fills.
const BUFFERS: usize = 8;

/// The most bytes in one call of `sendmsg(2)`: what an IPv4 packet carries besides its own header and that of UDP.
const MOST: usize = 65_507;

/// How long a full send buffer is waited for. It empties at the speed of the interface, so that a longer wait means that the
/// interface is dead; then the datagram is dropped, as it would be a step further on.
const FULL: Duration = Duration::from_millis(100);

/// A UDP socket, non-blocking.
#[derive(Debug)]
pub struct Endpoint {
    socket: UdpSocket,
    state: UdpSocketState,
    return_path: Option<ReturnPath>,
}

impl Endpoint {
    /// A socket at this address (port 0: any free one). At `::` it takes IPv4 as well, where the system is set up so.
    ///
    /// At `0.0.0.0` or `::` it answers each peer from the address which that peer has written to. Left to itself the kernel
    /// takes the address of the interface that the answer leaves by, and the peer ignores the answer of a stranger.
    ///
    /// # Errors
    /// What bind(2) says: `EADDRINUSE`, `EACCES` for a port below 1024, `EADDRNOTAVAIL`.
    pub fn bind(address: SocketAddr) -> io::Result<Endpoint> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.bind(&address.into())?;
        let return_path = address.ip().is_unspecified().then(ReturnPath::default);
        Endpoint::over(socket.into(), return_path)
    }

    /// A socket at any free port that speaks with `server` and nobody else: the kernel drops what others send to it, and
    /// reports `ConnectionRefused` when the server's system says that nobody listens there.
    ///
    /// # Errors
    /// What connect(2) says: `ENETUNREACH`, say.
    pub fn connect(server: SocketAddr) -> io::Result<Endpoint> {
        let socket = Socket::new(Domain::for_address(server), Type::DGRAM, Some(Protocol::UDP))?;
        socket.connect(&server.into())?;
        Endpoint::over(socket.into(), None)
    }

    fn over(socket: UdpSocket, return_path: Option<ReturnPath>) -> io::Result<Endpoint> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        options::allow_fragments(&socket)?;
        options::leave_unsaid(&socket, return_path.is_some())?;
        Ok(Endpoint { socket, state, return_path })
    }

    /// Where it is bound, with the port that was really taken.
    ///
    /// # Errors
    /// What getsockname(2) says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The longest datagram that the path takes in one piece, as far as the kernel knows. It knows the interface's MTU, and what
    /// routers report, which it tells with an `EMSGSIZE` of a later call. Ask then again.
    ///
    /// # Errors
    /// `ENOTCONN` if the socket is not connected.
    pub fn longest_in_one_piece(&self) -> io::Result<usize> {
        options::longest_in_one_piece(&self.socket)
    }

    /// Asks for buffers of so many bytes in the kernel, and tells what there is now: the system has a limit of its own.
    ///
    /// # Errors
    /// What getsockopt(2) says.
    pub fn resize_buffers(&self, bytes: usize) -> io::Result<Buffers> {
        options::resize_buffers(&self.socket, bytes)
    }

    /// How many datagrams one call may send; 1 when the kernel does not segment, which may turn out only by trying.
    #[must_use]
    pub fn segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    /// Sends `bytes` to one address, cut into datagrams of `segment` bytes each; the last may be shorter.
    ///
    /// Waits a little when the send buffer is full, and then drops what does not fit: this is UDP. Datagrams that are too long for
    /// the path leave in fragments; these the kernel does not cut for us, so each is sent on its own.
    ///
    /// # Errors
    /// `ConnectionRefused` on a connected socket, for a datagram sent before; `EMSGSIZE`, `ENETUNREACH`, `EPERM` (a
    /// firewall) and their kin, after which the next datagram may well succeed.
    pub fn send(&self, to: SocketAddr, segment: usize, bytes: &[u8]) -> io::Result<()> {
        let segment = segment.clamp(1, MOST);
        let (mut rest, mut cut_by_kernel) = (bytes, true);
        loop {
            let segments = if cut_by_kernel { self.segments() } else { 1 };
            let most = segment * segments.min(MOST / segment).max(1);
            let (now, later) = rest.split_at(most.min(rest.len()));
            match self.send_at_once(to, segment, now) {
                Ok(()) if later.is_empty() => return Ok(()), // an empty datagram is one, too
                Ok(()) => rest = later,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if wait(self, PollFlags::POLLOUT, None, Some(FULL))? == Woken::Timeout {
                        return Ok(());
                    }
                }
                // Several at once, and one of them is longer than the path's MTU. Or a router has reported that of an earlier one.
                Err(error) if now.len() > segment && error.raw_os_error() == Some(Errno::EMSGSIZE as i32) => {
                    cut_by_kernel = false;
                }
                // The kernel has just said that it does not segment; `segments` is 1 from now on.
                Err(_) if now.len() > segment && self.segments() == 1 => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn send_at_once(&self, to: SocketAddr, segment: usize, bytes: &[u8]) -> io::Result<()> {
        let segment_size = (bytes.len() > segment).then_some(segment);
        let src_ip = self.return_path.as_ref().and_then(|path| path.to(to));
        if segment_size.is_none() && src_ip.is_none() {
            return self.socket.send_to(bytes, to).map(drop); // no control message for the kernel to read
        }
        let transmit = Transmit { destination: to, ecn: None, contents: bytes, segment_size, src_ip };
        self.state.try_send(UdpSockRef::from(&self.socket), &transmit)
    }

    /// Takes what has come, up to eight buffers of it, and never waits.
    ///
    /// # Errors
    /// `WouldBlock` when nothing has come; `ConnectionRefused` as described above.
    pub fn receive(&mut self, arrivals: &mut Arrivals) -> io::Result<()> {
        arrivals.count = 0;
        let mut buffers = arrivals.memory.chunks_exact_mut(BUFFER);
        let mut slices: [IoSliceMut<'_>; BUFFERS] = std::array::from_fn(|_| {
            IoSliceMut::new(buffers.next().expect("there is memory for all of them"))
        });
        arrivals.count = self.state.recv(UdpSockRef::from(&self.socket), &mut slices, &mut arrivals.meta)?;
        if let Some(path) = &mut self.return_path {
            for meta in &arrivals.meta[..arrivals.count] {
                path.remember(meta.addr, meta.dst_ip);
            }
        }
        Ok(())
    }
}

impl AsFd for Endpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The memory that datagrams are received into, half a MiB of which only what is used costs anything; it is made once.
#[derive(Debug)]
pub struct Arrivals {
    memory: Vec<u8>,
    meta: [RecvMeta; BUFFERS],
    count: usize,
}

impl Default for Arrivals {
    fn default() -> Arrivals {
        Arrivals { memory: vec![0; BUFFERS * BUFFER], meta: [RecvMeta::default(); BUFFERS], count: 0 }
    }
}

impl Arrivals {
    /// Whether every buffer is filled, so that more may have come. If not, the socket is empty, and to wait for it costs
    /// less than to try in vain.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.count == BUFFERS
    }

    /// What the last [`Endpoint::receive`] has brought, in the order of its arrival.
    pub fn iter(&self) -> impl Iterator<Item = Arrival<'_>> {
        self.meta[..self.count].iter().zip(self.memory.chunks_exact(BUFFER)).map(|(meta, buffer)| Arrival {
            from: meta.addr,
            segment: meta.stride.max(1),
            bytes: &buffer[..meta.len],
        })
    }
}

/// One datagram, or several of one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'a> {
    /// Who has sent it.
    pub from: SocketAddr,
    /// The length of each datagram but the last, which may be shorter; at least 1.
    pub segment: usize,
    /// All of their bytes. Empty: one datagram without contents.
    pub bytes: &'a [u8],
}

impl<'a> Arrival<'a> {
    /// The datagrams, one by one.
    pub fn datagrams(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let empty = self.bytes.is_empty().then_some(self.bytes);
        self.bytes.chunks(self.segment).chain(empty)
    }
}

/// Why a wait is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Woken {
    /// The descriptor is ready, or has an error to tell.
    Ready,
    /// The stop has come, whatever else.
    Stopped,
    /// The time is over, or a signal came: look at the clock.
    Timeout,
}

/// Waits until `fd` is ready for what is wanted, or until `stop` is readable (see [`Stop::fd`](crate::core::stop::Stop::fd)), or for
/// the time given; `None` is for ever.
///
/// # Errors
/// What ppoll(2) says: `ENOMEM`.
pub fn wait(
    fd: &impl AsFd,
    wanted: PollFlags,
    stop: Option<BorrowedFd<'_>>,
    timeout: Option<Duration>,
) -> io::Result<Woken> {
    let beside = PollFd::new(stop.unwrap_or(fd.as_fd()), PollFlags::POLLIN);
    let mut fds = [PollFd::new(fd.as_fd(), wanted), beside];
    let watched = if stop.is_some() { &mut fds[..] } else { &mut fds[..1] };
    // Nanoseconds, not the milliseconds of poll(2): a round trip on loopback takes 30 µs.
    match ppoll(watched, timeout.map(TimeSpec::from_duration), None) {
        Ok(0) | Err(Errno::EINTR) => Ok(Woken::Timeout),
        Ok(_) if stop.is_some() && fds[1].any() == Some(true) => Ok(Woken::Stopped),
        Ok(_) => Ok(Woken::Ready),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
