//! A connection per request: the whole stream up to our half-close is the request, the whole stream up to the server's end
//! the response. Notes, chapter 2, "TCP Application".
//!
//! ```text
//!   connect ──► send all ──► shutdown(SHUT_WR) ──► receive until the end ──► close
//! ```
//!
//! A client that gives up before it has sent all resets the connection: else the server would take a part for the whole.
//!
//! TCP repeats what is lost; what it cannot do is to say that a server is alive and merely silent. So there is a limit
//! to silence here too: `--timeout` times the attempts that UDP would make. A send queue that gets shorter is no silence.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use common::net::abort;
use common::net::datagram::{Woken, wait};
use common::net::send_queue::Silence;
use common::protocol::mboard::Transport;
use common::support::progress::Progress;
use nix::errno::Errno;
use nix::poll::PollFlags;
use socket2::{Domain, Protocol, Socket, Type};

use super::error::Error;
use super::retry::RetryPolicy;

/// How often the send queue is looked at while nothing else happens.
const LOOK: Duration = Duration::from_millis(100);

/// Read at once.
const CHUNK: usize = 256 * 1024;

/// A client that connects anew for each request.
pub struct TcpClient {
    server: SocketAddr,
    retry: RetryPolicy,
}

impl TcpClient {
    /// Nothing is connected yet.
    pub fn new(server: SocketAddr, retry: RetryPolicy) -> TcpClient {
        TcpClient { server, retry }
    }

    /// Sends the request and receives the response.
    pub fn ask(&mut self, request: &[u8]) -> Result<Vec<u8>, Error> {
        let mut stream = self.connect()?;
        // A server that refuses a long request answers before it has read all of it, and our sending fails. What it has
        // answered is still to be read.
        let sent = self.send(&mut stream, request);
        if matches!(sent, Err(Error::Interrupted | Error::Silence { .. })) {
            return sent.map(|()| Vec::new());
        }
        let response = self.receive(&mut stream)?;
        if response.is_empty() {
            sent?;
            return Err(
                self.network(io::Error::new(ErrorKind::UnexpectedEof, "it has hung up without an answer"))
            );
        }
        Ok(response)
    }

    fn connect(&self) -> Result<TcpStream, Error> {
        let socket = Socket::new(Domain::for_address(self.server), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        match socket.connect(&self.server.into()) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(Errno::EINPROGRESS as i32) => {
                self.wait(&socket, PollFlags::POLLOUT)?;
            }
            Err(error) => return Err(self.network(error)),
        }
        match socket.take_error()? {
            Some(error) => Err(self.network(error)),
            None => {
                abort::unless_finished(&socket)?;
                Ok(socket.into())
            }
        }
    }

    fn send(&self, stream: &mut TcpStream, request: &[u8]) -> Result<(), Error> {
        let mut rest = request;
        let mut progress = Progress::of_bytes("sending", request.len() as u64);
        while !rest.is_empty() {
            match stream.write(rest) {
                Ok(count) => {
                    rest = &rest[count..];
                    progress.at((request.len() - rest.len()) as u64);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(stream, PollFlags::POLLOUT)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(self.network(error)),
            }
        }
        abort::finish(stream).map_err(|error| self.network(error))
    }

    fn receive(&self, stream: &mut TcpStream) -> Result<Vec<u8>, Error> {
        let (mut response, mut chunk) = (Vec::new(), vec![0; CHUNK]);
        loop {
            match stream.read(&mut chunk) {
                Ok(0) => return Ok(response),
                Ok(count) if response.len() + count > Transport::Tcp.response_limit() => {
                    let error = io::Error::new(
                        ErrorKind::InvalidData,
                        "the answer is longer than the protocol allows",
                    );
                    return Err(self.network(error));
                }
                Ok(count) => response.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.wait(stream, PollFlags::POLLIN)?;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A reset after the answer: the server has not read all we have sent, and did not mean to.
                Err(error) if error.kind() == ErrorKind::ConnectionReset && !response.is_empty() => {
                    return Ok(response);
                }
                Err(error) => return Err(self.network(error)),
            }
        }
    }

    fn wait(&self, socket: &impl std::os::fd::AsFd, wanted: PollFlags) -> Result<(), Error> {
        let (mut silence, limit) = (Silence::begin(), self.retry.total());
        loop {
            let left = limit.saturating_sub(silence.length(socket));
            if left.is_zero() {
                return Err(Error::Silence { server: self.server, time: limit });
            }
            match wait(socket, wanted, Some(self.retry.stop.fd()), Some(left.min(LOOK)))? {
                Woken::Ready => return Ok(()),
                Woken::Stopped => return Err(Error::Interrupted),
                Woken::Timeout => {}
            }
        }
    }

    fn network(&self, error: io::Error) -> Error {
        Error::network(self.server, error)
    }
}
