//! What is set on a UDP socket besides what is usual: larger buffers, leave to fragment, and no more said than is asked.

#![expect(
    unsafe_code,
    reason = "setsockopt(2) with IP_MTU_DISCOVER and getsockopt(2) with IPV6_MTU, for which there are no safe calls"
)]

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;

use nix::libc;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{RcvBufForce, SndBufForce};
use socket2::SockRef;

/// The buffers that the kernel holds for a socket, in bytes as it counts them: its own overhead for each datagram included, so
/// that about half of it is contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Buffers {
    /// What has come and is not read.
    pub receive: usize,
    /// What is sent and has not left.
    pub send: usize,
}

/// Asks for buffers of so many bytes, beyond the system's limit if this process may (`CAP_NET_ADMIN`).
pub fn resize_buffers(socket: &UdpSocket, bytes: usize) -> io::Result<Buffers> {
    let reference = SockRef::from(socket);
    // Whoever asks for more than `net.core.rmem_max` gets that much, and is told nothing: so it is read back.
    if setsockopt(socket, RcvBufForce, &bytes).is_err() {
        reference.set_recv_buffer_size(bytes)?;
    }
    if setsockopt(socket, SndBufForce, &bytes).is_err() {
        reference.set_send_buffer_size(bytes)?;
    }
    Ok(Buffers { receive: reference.recv_buffer_size()?, send: reference.send_buffer_size()? })
}

/// A datagram longer than the path takes is sent in fragments, as is usual.
///
/// `quinn-udp` forbids it, because QUIC finds out for itself how long a packet may be. A board's PDU has up to 65504 bytes and
/// would never leave the machine.
pub fn allow_fragments(socket: &UdpSocket) -> io::Result<()> {
    let off = 0;
    if socket.local_addr()?.is_ipv6() {
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_WANT)?;
        set(socket, libc::IPPROTO_IPV6, libc::IPV6_DONTFRAG, off)?;
    }
    // Also for IPv6, which may carry IPv4.
    set(socket, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_WANT)
}

/// The longest datagram of a connected socket that leaves in one piece: what the kernel knows of the path, less the headers. At first
/// that is the interface's MTU, later what routers have reported (ip(7), `IP_MTU`).
pub fn longest_in_one_piece(socket: &UdpSocket) -> io::Result<usize> {
    let (level, option, headers) = match socket.peer_addr()? {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU, 20 + 8),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_MTU, 40 + 8),
    };
    let (mut mtu, mut length) = (0i32, size_of::<i32>() as libc::socklen_t);
    // SAFETY: the kernel writes an `int` to the address of one, and how long it was to that of its length; both live through the call.
    let result = unsafe {
        libc::getsockopt(socket.as_raw_fd(), level, option, (&raw mut mtu).cast(), &raw mut length)
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(usize::try_from(mtu).unwrap_or(0).saturating_sub(headers))
}

/// The kernel need not say with each datagram what nobody here asks: its traffic class and, unless `destination` is wanted,
/// which of our addresses it was sent to. `quinn-udp` asks for both; they cost a small datagram a tenth of its way.
pub fn leave_unsaid(socket: &UdpSocket, destination: bool) -> io::Result<()> {
    let off = 0;
    let mut options = vec![(libc::IPPROTO_IP, libc::IP_RECVTOS)];
    if !destination {
        options.push((libc::IPPROTO_IP, libc::IP_PKTINFO));
    }
    if socket.local_addr()?.is_ipv6() {
        options.push((libc::IPPROTO_IPV6, libc::IPV6_RECVTCLASS));
        if !destination {
            options.push((libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO));
        }
    }
    options.into_iter().try_for_each(|(level, option)| set(socket, level, option, off))
}

fn set(socket: &UdpSocket, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: the kernel reads an `int` from the address of one, which lives through the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of_val(&value) as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
