//! The board over UDP: one socket, one thread. What a datagram is tells its first byte.
//!
//! ```text
//!            ┌► 0 … 9, or empty   a request of the stateless board: answered at once, nothing remembered
//!   receive ─┤
//!            └► anything else     the sessions': a b c of the original block protocol, D K X of ours, z for the rest
//! ```
//!
//! The socket is drained before it is waited for: a wait is a system call that a busy server saves. A client's departure, which
//! UDP tells nobody, costs nothing; an error of one answer is the matter of the one who asked.
//!
//! **The price of being stateless:** `2:0` is three bytes and its answer may be 65504, sent to whoever the datagram claims to be from.
//! A spoofed address makes the server a weapon (an amplifier, RFC 5358 tells the same of DNS). The protocol is the notes',
//! so it stays; the sessions make each client prove its address first.

use std::io::{self, ErrorKind};
use std::time::SystemTime;

use common::board::{Board, Limits, answer_into};
use common::datagram::{Arrival, Arrivals, Endpoint, Woken, wait};
use common::protocol::UnixTime;
use common::protocol::mboard::Transport;
use common::stop::Stop;
use nix::poll::PollFlags;

/// Asked for in the kernel, each way: a burst of many clients, or a window of one, must find room while we are busy.
const BUFFER: usize = 4 << 20;

/// Serves until the stop.
pub fn serve(mut endpoint: Endpoint, stop: Stop, limits: Limits) -> io::Result<()> {
    let buffers = endpoint.resize_buffers(BUFFER)?;
    tracing::info!("the kernel holds {} bytes for us, {} for them", buffers.receive, buffers.send);
    let mut desk = Desk { board: Board::new(limits), response: Vec::new(), requests: 0 };
    let mut arrivals = Arrivals::default();
    while !stop.requested() {
        match endpoint.receive(&mut arrivals) {
            Ok(()) => {
                let now = SystemTime::now().into();
                for arrival in arrivals.iter() {
                    desk.serve(&endpoint, &arrival, now);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                if wait(&endpoint, PollFlags::POLLIN, Some(stop.fd()), None)? == Woken::Stopped {
                    break;
                }
            }
            // An error that the network has sent us is about an answer that nobody waits for any more.
            Err(error) => tracing::debug!("receive: {error}"),
        }
    }
    tracing::info!("Terminating: {} requests", desk.requests);
    Ok(())
}

/// The stateless half.
struct Desk {
    board: Board,
    response: Vec<u8>,
    requests: u64,
}

impl Desk {
    fn serve(&mut self, endpoint: &Endpoint, arrival: &Arrival<'_>, now: UnixTime) {
        for datagram in arrival.datagrams() {
            self.requests += 1;
            self.response.clear();
            answer_into(&mut self.response, datagram, Transport::Udp, &mut self.board, arrival.from, now);
            tracing::debug!(
                "{} asks {} bytes, {} answered",
                arrival.from,
                datagram.len(),
                self.response.len()
            );
            if let Err(error) = endpoint.send(arrival.from, self.response.len(), &self.response) {
                tracing::debug!("{} is not answered: {error}", arrival.from);
            }
        }
    }
}
