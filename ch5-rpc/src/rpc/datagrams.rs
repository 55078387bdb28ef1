//! A UDP socket that a task can wait for.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};

use common::net::datagram::{Arrivals, Endpoint};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// The socket, and the memory that it receives into.
#[derive(Debug)]
pub struct Datagrams {
    endpoint: Endpoint,
    /// The same socket once more: what the runtime waits for.
    readable: UdpSocket,
    arrivals: Box<Arrivals>,
}

impl Datagrams {
    /// A socket of this runtime.
    ///
    /// # Errors
    /// No descriptor for it.
    pub fn new(endpoint: Endpoint) -> io::Result<Datagrams> {
        let same = std::net::UdpSocket::from(endpoint.as_fd().try_clone_to_owned()?);
        Ok(Datagrams { endpoint, readable: UdpSocket::from_std(same)?, arrivals: Box::default() })
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// What getsockname(2) says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.endpoint.address()
    }

    /// Sends one datagram.
    ///
    /// # Errors
    /// What sendto(2) says; `ConnectionRefused` is about an earlier datagram.
    pub fn send(&self, to: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        self.endpoint.send(to, datagram.len(), datagram)
    }

    /// Waits for datagrams and takes those that have come.
    ///
    /// # Errors
    /// `ConnectionRefused`: nobody listens there, or did not when an earlier datagram came.
    pub fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        mut take: impl FnMut(SocketAddr, &[u8]),
    ) -> Poll<io::Result<()>> {
        loop {
            ready!(self.readable.poll_recv_ready(context))?;
            let (endpoint, arrivals) = (&mut self.endpoint, &mut self.arrivals);
            match self.readable.try_io(Interest::READABLE, || endpoint.receive(arrivals)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(()) => {
                    for arrival in self.arrivals.iter() {
                        arrival.datagrams().for_each(|datagram| take(arrival.from, datagram));
                    }
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}
