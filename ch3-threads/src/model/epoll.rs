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
use std::time::Instant;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use common::core::connection::{Interest, NonBlocking, TICK, Waker, drain};
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::trace::Event;

use super::{READ_AT_ONCE, Slot, keep_working};

/// Connections taken in one turn, so that a flood of new clients does not starve those who are there.
const ACCEPT_AT_ONCE: usize = 16;
const EVENTS_AT_ONCE: usize = 256;

/// Serves every client in `loops` loops until the stop.
pub fn run(server: &Server, listener: Listener, loops: usize) -> io::Result<()> {
    let listener = &listener.nonblocking()?;
    if loops == 1 {
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

    // The key of a connection is its descriptor, and so is its place here: the kernel gives the lowest free number, so
    // the numbers lie close.
    let mut slots: Vec<Option<Slot>> = Vec::new();
    let mut scratch = vec![0; READ_AT_ONCE];
    let mut events = [EpollEvent::empty(); EVENTS_AT_ONCE];
    let mut accept_resumes = None;
    let mut next_look = Instant::now() + TICK;
    'turns: while !server.stop.requested() {
        server.trace.record(Event::Wait, None);
        let timeout = if accept_resumes.is_some() { ACCEPT_BACKOFF } else { TICK };
        let timeout = EpollTimeout::try_from(timeout).expect("a tick fits into epoll's milliseconds");
        let Ok(count) = epoll.wait(&mut events, timeout) else { continue }; // EINTR: the stop
        server.trace.record(Event::Turn, None);
        for event in &events[..count] {
            match event.data() {
                key if key == stop_key => break 'turns,
                key if key == waker_key => {
                    for fd in waker.answer() {
                        serve(&epoll, &mut slots, fd as usize, server, &mut scratch)?;
                    }
                }
                key if key == listener_key => {
                    for _ in 0..ACCEPT_AT_ONCE {
                        match server.admit(listener)? {
                            AcceptOutcome::Accepted(stream, client) => {
                                let connection = NonBlocking::open(server, stream, client);
                                connection.ring(&waker);
                                let place = connection.as_raw_fd() as usize;
                                let wanted = EpollEvent::new(EpollFlags::EPOLLIN, place as u64);
                                if let Err(error) = epoll.add(&connection, wanted) {
                                    // ENOSPC, ENOMEM: this client cannot be waited for, the others can.
                                    server.log_disconnect(&client, Err(error.into()));
                                    continue;
                                }
                                if slots.len() <= place {
                                    slots.resize_with(place + 1, || None);
                                }
                                slots[place] = Some(Slot { connection, interest: Interest::Read });
                                serve(&epoll, &mut slots, place, server, &mut scratch)?; // its greeting
                            }
                            AcceptOutcome::Full => {
                                epoll.delete(listener)?; // level-triggered: it would wake us at once, again and again
                                accept_resumes = Some(Instant::now() + ACCEPT_BACKOFF);
                                break;
                            }
                            AcceptOutcome::WouldBlock => break,
                            AcceptOutcome::Closed => break 'turns,
                        }
                    }
                }
                place => serve(&epoll, &mut slots, place as usize, server, &mut scratch)?,
            }
        }
        let now = Instant::now();
        if accept_resumes.is_some_and(|opens| now >= opens) {
            accept_resumes = None;
            epoll.add(listener, EpollEvent::new(listener_ready, listener_key))?;
        }
        if now >= next_look {
            next_look = now + TICK;
            for slot in &mut slots {
                slot.take_if(|slot| slot.is_over(server));
            }
        }
    }
    drain(server, slots.into_iter().flatten().map(|slot| slot.connection));
    Ok(())
}

/// Serves one connection as far as it goes, and tells the kernel what it waits for now, if that has changed.
fn serve(
    epoll: &Epoll,
    slots: &mut [Option<Slot>],
    place: usize,
    server: &Server,
    scratch: &mut [u8],
) -> io::Result<()> {
    // Nobody there: it ended earlier in this turn, and the kernel had named it already.
    let Some(slot) = slots.get_mut(place).and_then(Option::as_mut) else { return Ok(()) };
    slot.connection.wake();
    match slot.connection.serve(server, scratch) {
        // Dropped, closed, and by that out of the kernel's list.
        None => slots[place] = None,
        Some(interest) if interest == slot.interest => {}
        Some(interest) => {
            slot.interest = interest;
            let flags = match interest {
                Interest::Read => EpollFlags::EPOLLIN,
                Interest::Write => EpollFlags::EPOLLOUT,
                Interest::Nothing => EpollFlags::empty(),
            };
            epoll.modify(slot.connection.as_fd(), &mut EpollEvent::new(flags, place as u64))?;
        }
    }
    Ok(())
}
