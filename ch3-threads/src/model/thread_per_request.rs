//! A thread per request: one loop reads and writes for all clients, and each request gets a thread for as long as its
//! work takes (the notes, "Thread-per-request").
//!
//! ```text
//!   main ──► poll ──► read ──► a request is whole ──► spawn ──┐
//!             ▲  ▲─────────────────────────────────────────────┘
//!             │ waker                                 └──► thread: handle
//!             └── write ◄── answer ◄───────────────────────────────┘
//! ```
//!
//! - **Accepts, reads, writes:** the main thread. **Handles:** a thread per request.
//! - **Waits in:** main in `poll(2)` for clients and for answers; a thread in its work.
//! - **The price:** a thread is made and ended for every request, 35 µs where an echo takes one. At most [`AT_ONCE`] run;
//!   further requests wait in line.
//! - **Differs from `poll`:** a slow request stops nobody. **From `thread-per-connection`:** an idle client has no thread.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, poll};

use common::core::connection::{Interest, NonBlocking, Step, Waker, drain};
use common::core::limits::TICK;
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::service::Answer;
use common::core::work::Work;

use super::helpers::{READ_AT_ONCE, poll_timeout};
use super::slot::{Slot, Slots};

/// Requests handled at once.
pub const AT_ONCE: usize = 512;

/// Serves every client until the stop.
pub fn run(server: &Server, listener: Listener) -> io::Result<()> {
    let listener = listener.nonblocking()?;
    let answers = Waker::new()?;
    let pushes = Arc::new(Waker::new()?);
    let mut requests = Requests::default();
    let mut scratch = vec![0; READ_AT_ONCE];
    let mut accept_resumes = Instant::now();
    let mut now = Instant::now();
    let mut next_look = now + TICK;
    server.ready();
    thread::scope(|scope| {
        // After the stop it goes on until the last answer is there: what is in service is finished.
        while !server.stop.requested() || requests.running > 0 {
            let stopping = server.stop.requested();
            let accept_paused = stopping || Instant::now() < accept_resumes;
            let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
            let mut list = vec![readable(answers.as_fd()), readable(pushes.as_fd())];
            if !stopping {
                list.push(readable(server.stop.fd()));
                list.extend(requests.slots.by_fd.values().filter_map(|slot| match slot.interest {
                    Interest::Read => Some(readable(slot.connection.as_fd())),
                    Interest::Write => Some(PollFd::new(slot.connection.as_fd(), PollFlags::POLLOUT)),
                    // Left out: poll reports a reset even to those that ask for nothing, and would spin.
                    Interest::Nothing => None,
                }));
            }
            if !accept_paused {
                list.push(readable(listener.as_fd()));
            }
            let idle = next_look.saturating_duration_since(now);
            let timeout = requests.slots.timers.timeout(if accept_paused { ACCEPT_BACKOFF } else { idle });
            if poll(&mut list, poll_timeout(timeout)).is_err() {
                continue; // EINTR: the stop
            }
            now = Instant::now();
            let ready: Vec<RawFd> = list
                .iter()
                .filter(|entry| entry.any() == Some(true))
                .map(|entry| entry.as_fd().as_raw_fd())
                .collect();

            for (fd, answer) in answers.drain() {
                requests.answer(fd, answer);
                // After the stop no request gets another thread: what is left of a pipeline is handled in `drain`.
                if !stopping {
                    requests.advance(server, fd, &mut scratch, now);
                }
            }
            for &fd in &ready {
                requests.ready(fd);
                requests.advance(server, fd, &mut scratch, now);
            }
            for fd in pushes.drain() {
                requests.advance(server, fd, &mut scratch, now);
            }
            while let Some(fd) = requests.slots.timers.poll_due(now) {
                requests.advance(server, fd, &mut scratch, now);
            }
            if ready.contains(&listener.as_raw_fd()) {
                match server.accept(&listener)? {
                    AcceptOutcome::Accepted(stream, peer) => {
                        let connection = NonBlocking::open(server, stream, peer);
                        connection.wake_with(&pushes);
                        let fd = connection.as_raw_fd();
                        requests.slots.by_fd.insert(fd, Slot { connection, interest: Interest::Read });
                        requests.advance(server, fd, &mut scratch, now);
                    }
                    AcceptOutcome::Full => accept_resumes = now + ACCEPT_BACKOFF,
                    AcceptOutcome::WouldBlock | AcceptOutcome::Closed => {}
                }
            }
            while requests.running < AT_ONCE
                && let Some((fd, work)) = requests.line.pop_front()
            {
                let (peer, answers) = (work.peer, &answers);
                let run = move || answers.wake((fd, server.run(work)));
                match thread::Builder::new().name(format!("request-{fd}")).spawn_scoped(scope, run) {
                    Ok(_) => requests.running += 1,
                    Err(error) => {
                        tracing::warn!("client {peer} is disconnected: no thread for its request: {error}");
                        requests.remove(fd);
                    }
                }
            }
            if now >= next_look {
                next_look = now + TICK;
                for fd in requests.slots.overdue(now) {
                    requests.advance(server, fd, &mut scratch, now);
                }
            }
        }
        drain(server, requests.slots.into_connections());
        Ok(())
    })
}

/// The connections, and their requests on the way to a thread and back.
#[derive(Default)]
struct Requests {
    slots: Slots,
    /// Requests that wait for a thread.
    line: VecDeque<(RawFd, Work)>,
    /// Connections whose request is in the line or in a thread.
    out: BTreeSet<RawFd>,
    running: usize,
}

impl Requests {
    fn ready(&mut self, fd: RawFd) {
        if let Some(slot) = self.slots.by_fd.get_mut(&fd) {
            slot.connection.ready();
        }
    }

    fn answer(&mut self, fd: RawFd, answer: Answer) {
        self.running -= 1;
        self.out.remove(&fd);
        if let Some(slot) = self.slots.by_fd.get_mut(&fd) {
            slot.connection.answer(answer);
            slot.interest = Interest::Read;
        }
    }

    /// As far as it goes without waiting; a whole request goes to the end of the line.
    fn advance(&mut self, server: &Server, fd: RawFd, scratch: &mut [u8], now: Instant) {
        if self.out.contains(&fd) {
            // The pushes that woke it wait for the answer. Were it served now, it could end, and the answer would go to the next
            // client with its descriptor.
            return;
        }
        let Some(slot) = self.slots.by_fd.get_mut(&fd) else { return };
        let end = match slot.connection.advance(scratch, now) {
            Ok(Step::Request) => {
                self.line.push_back((fd, slot.connection.take_work()));
                self.out.insert(fd);
                slot.interest = Interest::Nothing;
                return;
            }
            Ok(Step::Blocked(interest)) => {
                slot.interest = interest;
                return self.slots.timers.set(fd, slot.connection.wake_at());
            }
            Ok(Step::Done) => Ok(()),
            Err(error) => Err(error),
        };
        server.log_disconnect(&slot.connection.peer(), end);
        self.remove(fd);
    }

    fn remove(&mut self, fd: RawFd) {
        self.slots.by_fd.remove(&fd);
        self.out.remove(&fd);
    }
}
