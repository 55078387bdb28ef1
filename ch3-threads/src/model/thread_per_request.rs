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

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::thread;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use common::core::connection::{Interest, NonBlocking, Step, TICK, Waker, drain};
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::service::Request;

use super::{READ_AT_ONCE, Slot};

/// Requests handled at once.
pub const AT_ONCE: usize = 512;

/// Serves every client until the stop.
pub fn run(server: &Server, listener: Listener) -> io::Result<()> {
    let listener = listener.nonblocking()?;
    let answers = Waker::new()?;
    let pushes = std::sync::Arc::new(Waker::new()?);
    let mut slots: BTreeMap<RawFd, Slot> = BTreeMap::new();
    let mut scratch = vec![0; READ_AT_ONCE];
    let (mut line, mut running) = (VecDeque::new(), 0);
    let mut accept_resumes = Instant::now();
    let mut next_look = Instant::now() + TICK;
    thread::scope(|scope| {
        // After the stop it goes on until the last answer is there: what is in service is finished.
        while !server.stop.requested() || running > 0 {
            let stopping = server.stop.requested();
            let accept_paused = stopping || Instant::now() < accept_resumes;
            let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
            let mut list = vec![readable(answers.as_fd()), readable(pushes.as_fd())];
            if !stopping {
                list.push(readable(server.stop.fd()));
                list.extend(slots.values().filter_map(|slot| match slot.interest {
                    Interest::Read => Some(readable(slot.connection.as_fd())),
                    Interest::Write => Some(PollFd::new(slot.connection.as_fd(), PollFlags::POLLOUT)),
                    // Left out: poll reports a reset even to those who ask for nothing, and would spin.
                    Interest::Nothing => None,
                }));
            }
            if !accept_paused {
                list.push(readable(listener.as_fd()));
            }
            let timeout = if accept_paused { ACCEPT_BACKOFF } else { TICK };
            let timeout = PollTimeout::try_from(timeout).expect("a tick fits into poll's milliseconds");
            if poll(&mut list, timeout).is_err() {
                continue; // EINTR: the stop
            }
            let ready: Vec<RawFd> = list
                .iter()
                .filter(|entry| entry.any() == Some(true))
                .map(|entry| entry.as_fd().as_raw_fd())
                .collect();

            for (fd, answer) in answers.answer() {
                running -= 1;
                if let Some(slot) = slots.get_mut(&fd) {
                    slot.connection.answer(answer);
                    slot.interest = Interest::Read;
                }
                // After the stop nobody gets another thread: what is left of a pipeline is handled with the goodbye.
                if !stopping {
                    advance(server, &mut slots, fd, &mut scratch, &mut line);
                }
            }
            for fd in pushes.answer().into_iter().chain(ready.iter().copied()) {
                advance(server, &mut slots, fd, &mut scratch, &mut line);
            }
            if ready.contains(&listener.as_raw_fd()) {
                match server.admit(&listener)? {
                    AcceptOutcome::Accepted(stream, client) => {
                        let connection = NonBlocking::open(server, stream, client);
                        connection.ring(&pushes);
                        let fd = connection.as_raw_fd();
                        slots.insert(fd, Slot { connection, interest: Interest::Read });
                        advance(server, &mut slots, fd, &mut scratch, &mut line);
                    }
                    AcceptOutcome::Full => accept_resumes = Instant::now() + ACCEPT_BACKOFF,
                    AcceptOutcome::WouldBlock | AcceptOutcome::Closed => {}
                }
            }
            while running < AT_ONCE
                && let Some((fd, request)) = line.pop_front()
            {
                let Some(client) = slots.get(&fd).map(|slot: &Slot| slot.connection.client()) else {
                    continue;
                };
                let answers = &answers;
                let work = move || answers.ring((fd, server.handle(&client, request)));
                match thread::Builder::new().name(format!("request-{fd}")).spawn_scoped(scope, work) {
                    Ok(_) => running += 1,
                    Err(error) => {
                        tracing::warn!("client {client} is hung up on: no thread for its request: {error}");
                        slots.remove(&fd);
                    }
                }
            }
            if Instant::now() >= next_look {
                next_look = Instant::now() + TICK;
                Slot::clear_expired(&mut slots, server);
            }
        }
        drain(server, slots.into_values().map(|slot| slot.connection));
        Ok(())
    })
}

/// As far as it goes without waiting; a whole request goes to the end of the line.
fn advance(
    server: &Server,
    slots: &mut BTreeMap<RawFd, Slot>,
    fd: RawFd,
    scratch: &mut [u8],
    line: &mut VecDeque<(RawFd, Request)>,
) {
    let Some(slot) = slots.get_mut(&fd) else { return };
    if slot.interest == Interest::Nothing {
        // Its request is out, and the pushes that woke it wait for the answer. Were it served now, it could end, and the
        // answer would go to the next client with its descriptor.
        return;
    }
    slot.connection.wake();
    let client = slot.connection.client();
    let end = match slot.connection.advance(scratch) {
        Ok(Step::Request(request)) => {
            line.push_back((fd, request));
            slot.interest = Interest::Nothing;
            return;
        }
        Ok(Step::Blocked(interest)) => {
            slot.interest = interest;
            return;
        }
        Ok(Step::Done) => Ok(()),
        Err(error) => Err(error),
    };
    server.log_disconnect(&client, end);
    slots.remove(&fd);
}
