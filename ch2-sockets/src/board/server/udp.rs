//! The board over UDP: one socket, one thread. What a datagram is, tells its first byte.
//!
//! ```text
//!            ┌► 0 … 9, or empty   a request of the stateless board: answered at once, nothing remembered
//!   receive ─┤
//!            └► anything else     the sessions': a b c of the original block protocol, D K X of ours
//!                                   whole requests come out of them, and their responses go back in
//! ```
//!
//! What is an answer itself, or cannot be read, gets none: see [`may_be_request`].
//!
//! The socket is drained before it is waited for: a wait is a system call that a busy server saves. A client's departure, which
//! UDP tells nobody, costs nothing; an error of one answer is the matter of the one who asked.
//!
//! **The price of being stateless:** `2:0` is three bytes and its answer may be 65504, sent to the address that the datagram claims
//! to be from. The protocol is the notes', so it stays, within a limit: [`unproved`](super::unproved). The sessions make each
//! client prove its address first.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant, SystemTime};

use crate::session::{self, Batch, Config, Server, is_stateless, may_be_request};
use common::board::{self, Board, answer, answer_into};
use common::core::stop::Stop;
use common::net::datagram::{Arrival, Arrivals, Endpoint, Woken, wait};
use common::protocol::UnixTime;
use common::protocol::mboard::Transport;
use common::support::count::count;
use nix::poll::PollFlags;

use super::answers::Answers;
use super::unproved::UnprovedLimit;

/// Asked for in the kernel, each way: a burst of many clients, or a window of one, must find room while we are busy.
const BUFFER: usize = 4 << 20;

/// Serves until the stop.
pub fn serve(
    mut endpoint: Endpoint,
    stop: Stop,
    board: board::Limits,
    limits: session::Limits,
    unproved: UnprovedLimit,
) -> io::Result<()> {
    let buffers = endpoint.resize_buffers(BUFFER)?;
    tracing::info!(
        "the kernel holds up to {} that have come, {} that go",
        count(buffers.receive, "byte"),
        buffers.send
    );
    // Half of what the kernel calls the buffer is its own overhead, and the clients are several.
    let config = Config { receive_window: buffers.receive / 4, ..Config::default() };
    let mut context = LoopContext {
        board: Board::new(board),
        answers: Answers::default(),
        sessions: Server::new(limits, config, rand::random()),
        batch: Batch::new(),
        began: Instant::now(),
        unproved,
        requests: 0,
        withheld: 0,
    };
    let mut arrivals = Arrivals::default();
    while !stop.requested() {
        match endpoint.receive(&mut arrivals) {
            Ok(()) => {
                let time = SystemTime::now().into();
                for arrival in arrivals.iter() {
                    context.serve(&endpoint, &arrival, time);
                }
                context.answers.flush(&endpoint);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // An error that the network has sent us is about an answer that nobody waits for any more.
            Err(error) => tracing::debug!("receive: {error}"),
        }
        context.serve_sessions(&endpoint);
        if !arrivals.is_full() {
            let woken = wait(&endpoint, PollFlags::POLLIN, Some(stop.fd()), context.timeout())?;
            if woken == Woken::Stopped {
                break;
            }
        }
    }
    let counted = context.sessions.statistics();
    if context.withheld > 0 {
        tracing::warn!(
            "withheld: {}; the addresses had got too much without proof",
            count(context.withheld, "answer")
        );
    }
    tracing::info!(
        "Terminating: {}, {} of them over sessions; {} sent, {} of them again",
        count(context.requests, "request"),
        counted.delivered,
        count(counted.blocks_sent, "block"),
        counted.retransmissions
    );
    Ok(())
}

/// What is behind the socket.
struct LoopContext {
    board: Board,
    answers: Answers,
    sessions: Server,
    batch: Batch,
    began: Instant,
    unproved: UnprovedLimit,
    requests: u64,
    /// Answers that were not sent, for the limit of their address.
    withheld: u64,
}

impl LoopContext {
    /// Takes in what has come from one client. Runs of the sessions' datagrams go to them as they came, in one piece.
    fn serve(&mut self, endpoint: &Endpoint, arrival: &Arrival<'_>, time: UnixTime) {
        let now = self.began.elapsed();
        let (mut run, mut end) = (0, 0);
        for datagram in arrival.datagrams() {
            if is_stateless(datagram) {
                self.receive_run(now, arrival, run..end);
                self.answer(endpoint, arrival, datagram, time);
                run = end + datagram.len();
            }
            end += datagram.len();
        }
        self.receive_run(now, arrival, run..end);
    }

    fn receive_run(&mut self, now: Duration, arrival: &Arrival<'_>, run: std::ops::Range<usize>) {
        if !run.is_empty() {
            self.sessions.handle_datagram(now, arrival.from, arrival.segment, &arrival.bytes[run]);
        }
    }

    fn answer(&mut self, endpoint: &Endpoint, arrival: &Arrival<'_>, request: &[u8], time: UnixTime) {
        if !may_be_request(request) {
            return tracing::debug!(
                "{} sends what is no request: {}",
                arrival.from,
                count(request.len(), "byte")
            );
        }
        self.requests += 1;
        tracing::debug!("{} asks {}", arrival.from, count(request.len(), "byte"));
        let (now, to) = (self.began.elapsed(), arrival.from.ip());
        self.answers.add(endpoint, arrival.from, |out| {
            let before = out.len();
            answer_into(out, request, Transport::Udp, &mut self.board, arrival.from, time);
            let length = out.len() - before;
            if !self.sessions.proves(to) && !self.unproved.allows(now, to, request.len(), length) {
                out.truncate(before);
                self.withheld += 1;
            }
        });
    }

    /// How long the sessions can be left alone.
    fn timeout(&self) -> Option<Duration> {
        self.sessions.deadline().map(|at| at.saturating_sub(self.began.elapsed()))
    }

    /// Runs what is complete, and sends what is due.
    fn serve_sessions(&mut self, endpoint: &Endpoint) {
        if self.timeout() == Some(Duration::ZERO) {
            self.sessions.handle_timeout(self.began.elapsed());
        }
        while let Some(incoming) = self.sessions.poll_request() {
            self.requests += 1;
            let time = SystemTime::now().into();
            let response =
                answer(&incoming.request, Transport::Session, &mut self.board, incoming.from, time);
            tracing::debug!(
                "{} asks {} in a session; the answer has {}",
                incoming.from,
                count(incoming.request.len(), "byte"),
                count(response.len(), "byte")
            );
            self.sessions.respond(self.began.elapsed(), incoming.exchange, response);
            self.sessions.recycle(incoming.request);
        }
        while self.sessions.poll_transmit(self.began.elapsed(), &mut self.batch) {
            if let Err(error) = endpoint.send(self.batch.to, self.batch.segment, &self.batch.bytes) {
                tracing::debug!("{} is not sent to: {error}", self.batch.to);
            }
        }
    }
}
