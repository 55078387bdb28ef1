//! A capture of our own: a socket of family AF_PACKET gets a copy of every packet of an interface (packet(7)), as tcpdump has it.
//!
//! It takes CAP_NET_RAW: who may capture reads what all others send.

#![expect(unsafe_code, reason = "the address of an interface has no safe constructor")]

use std::io::{self, Read};
use std::time::{Duration, Instant};

use anyhow::Context;
use nix::errno::Errno;
use nix::libc;
use nix::net::if_::if_nametoindex;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};
use std::os::fd::AsFd;

/// Only IPv4 packets (`ETH_P_IP`, in network order, as socket(2) wants it here). So each packet on loopback comes once, as it arrives.
const IPV4: u16 = 0x0800u16.to_be();

/// A capture on loopback.
#[derive(Debug)]
pub struct Capture {
    socket: Socket,
}

impl Capture {
    /// Begins: what is sent from now on is captured.
    ///
    /// # Errors
    /// A sentence for who has no right to, with another way.
    pub fn begin() -> anyhow::Result<Capture> {
        // Type DGRAM: without the header of the link.
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(i32::from(IPV4))));
        let socket = socket.map_err(|error| match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
            Errno::EPERM | Errno::EACCES => anyhow::anyhow!(
                "to capture packets takes root or CAP_NET_RAW ({error}); \
                 or look with another program that has it: `tshark -i lo -f 'udp or tcp' -V`, or Wireshark on the interface lo"
            ),
            _ => anyhow::anyhow!("cannot capture packets: {error}"),
        })?;
        socket.bind(&loopback()?).context("cannot capture on the interface lo")?;
        Ok(Capture { socket })
    }

    /// Takes packets until `enough` says so, which is given each; at most for `limit`.
    ///
    /// # Errors
    /// What poll(2) and recv(2) say; not enough came in time.
    pub fn take(&mut self, limit: Duration, mut enough: impl FnMut(&[u8]) -> bool) -> anyhow::Result<()> {
        let end = Instant::now() + limit;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let left = end.saturating_duration_since(Instant::now());
            anyhow::ensure!(!left.is_zero(), "not all packets of the exchange were captured in time");
            let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
            match poll(&mut [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) | Err(Errno::EINTR) => continue,
                ready => ready?,
            };
            let length = self.socket.read(&mut buffer)?;
            if enough(&buffer[..length]) {
                return Ok(());
            }
        }
    }
}

/// The address of the interface `lo`, for IPv4 packets.
fn loopback() -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is the address of family AF_PACKET, and `storage` is zeroed.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = IPV4;
    address.sll_ifindex = if_nametoindex("lo")?.try_into().map_err(io::Error::other)?;
    let length = size_of::<libc::sockaddr_ll>();
    // SAFETY: `storage` holds a whole sockaddr_ll, and that is its length.
    Ok(unsafe { SockAddr::new(storage, length as libc::socklen_t) })
}
