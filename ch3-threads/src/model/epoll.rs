//! One loop over `epoll(7)`, or several: the kernel keeps the list, and names only those who are ready.
//!
//! ```text
//!   loop-0 ──► epoll_wait ──► serve those it named ──┐        (loop-1 … the same, each with connections of its own)
//!               ▲────────────────────────────────────┘
//! ```
//!
//! - **Accepts, answers:** each loop, for the connections it has accepted itself.
//! - **Waits in:** `epoll_wait(2)`.
//! - **The price:** a slow request stops everybody in its loop; a change of interest is a system call of its own.
//! - **Several loops** share the listening socket with `EPOLLEXCLUSIVE`, so that a client wakes one of them and not all.
//! - **Differs from `poll`:** a turn costs as much as there are ready clients, not as there are clients.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use common::core::connection::{Interest, NonBlocking, Timers, Waker, drain};
use common::core::limits::TICK;
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::trace::Event;

use super::helpers::{READ_AT_ONCE, keep_working};
use super::slot::Slot;

/// Connections taken in one turn, so that a flood of new clients does not starve those who are there.
const ACCEPT_AT_ONCE: usize = 16;
const EVENTS_AT_ONCE: usize = 256;

/// Serves every client in `loops` loops until the stop.
pub fn run(server: &Server, listener: Listener, loops: usize) -> io::Result<()> {
    let listener = &listener.nonblocking()?;
    if loops == 1 {
        server.ready();
        return turn_until_stop(server, listener);
    }
    thread::scope(|scope| {
        for number in 0..loops {
            keep_working(scope, server, format!("loop-{number}"), move || {
                if let Err(error) = turn_until_stop(server, listener) {
                    tracing::error!("{error}");
                    server.stop.request();
                }
            })?;
        }
        server.ready();
        Ok(())
    })
}

fn turn_until_stop(server: &Server, listener: &Listener) -> io::Result<()> {
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    let waker = Arc::new(Waker::new()?);
    let (listener_key, stop_key, waker_key) = (0, 1, 2); // of standard input, output and error: never a connection's
    let listener_ready = EpollFlags::EPOLLIN | EpollFlags::EPOLLEXCLUSIVE;
    epoll.add(listener, EpollEvent::new(listener_ready, listener_key))?;
    epoll.add(server.stop.fd(), EpollEvent::new(EpollFlags::EPOLLIN, stop_key))?;
    epoll.add(&*waker, EpollEvent::new(EpollFlags::EPOLLIN, waker_key))?;

    let mut connections = Connections { epoll: &epoll, slots: Vec::new(), timers: Timers::default() };
    let mut scratch = vec![0; READ_AT_ONCE];
    let mut events = [EpollEvent::empty(); EVENTS_AT_ONCE];
    let mut accept_resumes = None;
    let mut now = Instant::now();
    let mut next_look = now + TICK;
    'turns: while !server.stop.requested() {
        server.trace.record(Event::Wait, None);
        let idle = next_look.saturating_duration_since(now);
        let timeout =
            connections.timers.timeout(if accept_resumes.is_some() { ACCEPT_BACKOFF } else { idle });
        let Ok(count) = epoll.wait(&mut events, epoll_timeout(timeout)) else { continue }; // EINTR: the stop
        server.trace.record(Event::Turn, None);
        now = Instant::now();
        for event in &events[..count] {
            match event.data() {
                key if key == stop_key => break 'turns,
                key if key == waker_key => {
                    for fd in waker.drain() {
                        connections.serve(fd as usize, server, &mut scratch, now)?;
                    }
                }
                key if key == listener_key => {
                    for _ in 0..ACCEPT_AT_ONCE {
                        match server.accept(listener)? {
                            AcceptOutcome::Accepted(stream, peer) => {
                                let connection = NonBlocking::open(server, stream, peer);
                                connection.wake_with(&waker);
                                let Some(place) = connections.add(connection, server) else { continue };
                                connections.serve(place, server, &mut scratch, now)?; // its greeting
                            }
                            AcceptOutcome::Full => {
                                epoll.delete(listener)?; // level-triggered: it would wake us at once, again and again
                                accept_resumes = Some(now + ACCEPT_BACKOFF);
                                break;
                            }
                            AcceptOutcome::WouldBlock => break,
                            AcceptOutcome::Closed => break 'turns,
                        }
                    }
                }
                place => connections.serve_ready(place as usize, server, &mut scratch, now)?,
            }
        }
        while let Some(fd) = connections.timers.poll_due(now) {
            connections.serve(fd as usize, server, &mut scratch, now)?;
        }
        if accept_resumes.is_some_and(|resumes| now >= resumes) {
            accept_resumes = None;
            epoll.add(listener, EpollEvent::new(listener_ready, listener_key))?;
        }
        if now >= next_look {
            next_look = now + TICK;
            for place in 0..connections.slots.len() {
                if connections.slots[place].as_ref().is_some_and(|slot| slot.connection.is_overdue(now)) {
                    connections.serve(place, server, &mut scratch, now)?;
                }
            }
        }
    }
    drain(server, connections.slots.into_iter().flatten().map(|slot| slot.connection));
    Ok(())
}

/// The connections of one loop. The key of a connection is its descriptor, and so is its place: the kernel gives the lowest free
/// number, so the numbers lie close.
struct Connections<'a> {
    epoll: &'a Epoll,
    slots: Vec<Option<Slot>>,
    timers: Timers,
}

impl Connections<'_> {
    /// Adds one, and tells its place; `None` when the kernel cannot watch it.
    fn add(&mut self, connection: NonBlocking, server: &Server) -> Option<usize> {
        let place = connection.as_raw_fd() as usize;
        if let Err(error) = self.epoll.add(&connection, EpollEvent::new(EpollFlags::EPOLLIN, place as u64)) {
            // ENOSPC, ENOMEM: this client cannot be waited for, the others can.
            server.log_disconnect(&connection.peer(), Err(error.into()));
            return None;
        }
        if self.slots.len() <= place {
            self.slots.resize_with(place + 1, || None);
        }
        self.slots[place] = Some(Slot { connection, interest: Interest::Read });
        Some(place)
    }

    /// One whose socket is ready.
    fn serve_ready(
        &mut self,
        place: usize,
        server: &Server,
        scratch: &mut [u8],
        now: Instant,
    ) -> io::Result<()> {
        if let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) {
            slot.connection.ready();
        }
        self.serve(place, server, scratch, now)
    }

    /// Serves one as far as it goes, and tells the kernel what it waits for now, if that has changed.
    fn serve(&mut self, place: usize, server: &Server, scratch: &mut [u8], now: Instant) -> io::Result<()> {
        // None: it ended earlier in this turn, and the kernel had named it already.
        let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) else { return Ok(()) };
        match slot.connection.serve(server, scratch, now) {
            // Dropped, closed, and by that out of the kernel's list.
            None => self.slots[place] = None,
            Some(interest) => {
                self.timers.set(place as i32, slot.connection.wake_at());
                if interest != slot.interest {
                    slot.interest = interest;
                    let flags = match interest {
                        Interest::Read => EpollFlags::EPOLLIN,
                        Interest::Write => EpollFlags::EPOLLOUT,
                        // A reset is reported even to those that ask for nothing: once, and not at every turn.
                        Interest::Nothing => EpollFlags::EPOLLET,
                    };
                    self.epoll.modify(slot.connection.as_fd(), &mut EpollEvent::new(flags, place as u64))?;
                }
            }
        }
        Ok(())
    }
}

/// Rounded up: a wait that ends a little too early would be made again and again.
fn epoll_timeout(timeout: Duration) -> EpollTimeout {
    EpollTimeout::try_from(timeout + Duration::from_micros(999))
        .expect("a tick fits into epoll's milliseconds")
}
