//! One loop over `io_uring(7)`: completion instead of readiness. The loop does not ask *may I read?* and then reads; it
//! says *read this*, and hears when it is done.
//!
//! ```text
//!   main ──► submit what is due, wait ──► for each completion: take it, say what is next ──┐
//!             ▲                                                                            │
//!             └──────────── accept · recv · send, one in flight per connection ◄───────────┘
//! ```
//!
//! - **Accepts, answers:** the one thread, in turns.
//! - **Waits in:** `io_uring_enter(2)`, which submits and waits in one call, for any number of connections.
//! - **The price:** the kernel reads and writes our buffers while we do other things. So a buffer must stay where it is
//!   until its completion, and a connection must not be dropped while an operation is in flight: the compiler does not
//!   check that, the state machine below must. And the system may forbid io_uring (containers mostly do).
//! - **Differs from `epoll`:** two system calls per request less.

#![expect(unsafe_code, reason = "the kernel is given pointers into our buffers")]

use std::io;
use std::mem::ManuallyDrop;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::sync::Arc;
use std::time::Instant;

use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::errno::Errno;
use nix::libc;

use common::core::connection::{LINGER, LINGER_BYTES, TICK, Waker};
use common::core::conversation::{Conversation, Next};
use common::core::listener::{ACCEPT_BACKOFF, Listener};
use common::core::server::Server;
use common::core::service::Peer;
use common::core::stop::STALL_AT_STOP;
use common::core::trace::Event;

/// Submissions that fit into the ring before the kernel must look at them.
const ENTRIES: u32 = 1024;
/// Read at once, per connection: every connection has a buffer of its own, because any may be read into at any time.
const CHUNK: usize = 4096;
/// The key of the accept operation; those of connections are their permits, from 0.
const ACCEPT: u64 = u64::MAX;
/// The key of the wait for the waker, which is rung with the place of a connection that bytes are pushed to.
const BELL: u64 = u64::MAX - 1;
/// The key of what takes a receive back.
const CANCEL: u64 = u64::MAX - 2;

/// One connection and the one operation that is in flight for it.
struct Slot {
    stream: TcpStream,
    conversation: Conversation,
    chunk: Box<[u8; CHUNK]>,
    in_flight: Flight,
    since: Instant,
    dropped: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Flight {
    Receive,
    Discard { brief: bool },
    Send,
}

/// Whether the system lets us use io_uring at all.
///
/// # Errors
/// `ENOSYS` or `EPERM` where the kernel or the container forbids it.
pub fn available() -> io::Result<()> {
    IoUring::new(1).map(drop)
}

/// A ring for one thread that takes its completions when it asks for them, which spares interrupting it in between
/// (Linux 6.1); where the kernel is older, a ring as it always was.
fn build() -> io::Result<IoUring> {
    IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .build(ENTRIES)
        .or_else(|_| IoUring::new(ENTRIES))
}

/// Serves every client in one loop until the stop.
pub fn run(server: &Server, listener: &Listener) -> io::Result<()> {
    let mut ring = build()?;
    let waker = Arc::new(Waker::new()?);
    // Never dropped: when an error ends this loop, operations may be in flight, and their buffers must outlive them.
    let mut slots: ManuallyDrop<Vec<Option<Slot>>> = ManuallyDrop::default();
    let mut free: Vec<usize> = Vec::new();
    let (mut accepting, mut listening) = (false, false);
    let mut accept_resumes = Instant::now();
    let mut next_look = Instant::now() + TICK;
    let mut woken = false;
    loop {
        let stopping = server.stop.requested();
        if stopping && !woken {
            woken = true; // once: those who wait for their clients wait no longer
            for slot in slots.iter().flatten().filter(|slot| slot.in_flight != Flight::Send) {
                let _ = slot.stream.shutdown(Shutdown::Read);
            }
        }
        if stopping && slots.iter().all(Option::is_none) {
            return Ok(());
        }
        if !accepting && !stopping && Instant::now() >= accept_resumes {
            // Multishot: one submission, and a completion for every client that comes.
            let accept = opcode::AcceptMulti::new(Fd(listener.as_raw_fd())).flags(libc::SOCK_CLOEXEC);
            submit(&mut ring, &accept.build().user_data(ACCEPT))?;
            accepting = true;
        }
        if !listening {
            let rung = opcode::PollAdd::new(Fd(waker.as_fd().as_raw_fd()), libc::POLLIN as u32);
            submit(&mut ring, &rung.build().user_data(BELL))?;
            listening = true;
        }
        let timeout = if accepting { TICK } else { ACCEPT_BACKOFF };
        let time = Timespec::from(timeout);
        server.trace.record(Event::Wait, None);
        match ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&time)) {
            Err(error)
                if !matches!(
                    Errno::from_raw(error.raw_os_error().unwrap_or(0)),
                    Errno::ETIME | Errno::EINTR | Errno::EBUSY
                ) =>
            {
                return Err(error);
            }
            _ => {}
        }
        server.trace.record(Event::Turn, None);
        let completions: Vec<cqueue::Entry> = ring.completion().collect();
        for completion in completions {
            let key = completion.user_data();
            if key == ACCEPT {
                accepting = cqueue::more(completion.flags());
                match completion.result() {
                    fd if fd >= 0 => {
                        // SAFETY: the kernel has just made this descriptor for us.
                        let stream = unsafe { TcpStream::from_raw_fd(fd) };
                        let Ok(address) = stream.peer_addr() else { continue }; // gone already
                        admit(server, stream, Peer::new(address), &waker, &mut ring, &mut slots, &mut free);
                    }
                    error => match Errno::from_raw(-error) {
                        Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM => {
                            server.counters.full.count();
                            accept_resumes = Instant::now() + ACCEPT_BACKOFF;
                        }
                        // The stop, or a client that died in the queue.
                        _ => {}
                    },
                }
            } else if key == BELL {
                listening = false;
                let receives = |place: &usize| {
                    slots.get(*place).is_some_and(|slot| {
                        slot.as_ref().is_some_and(|slot| slot.in_flight == Flight::Receive)
                    })
                };
                for place in waker.answer().into_iter().filter(receives) {
                    // It is taken back and completes at once; the pushes are then what is next. Whoever is being sent to
                    // takes them after that.
                    submit(&mut ring, &opcode::AsyncCancel::new(place as u64).build().user_data(CANCEL))?;
                }
            } else if key != CANCEL {
                let place = key as usize;
                let slot = slots[place].as_mut().expect("only its own completion ends a connection");
                let end = match take(server, slot, completion.result()) {
                    Ok(()) => next(server, &mut ring, slot, place as u64),
                    Err(error) => Err(error),
                };
                leave_if_over(server, end, &mut slots, &mut free, place);
            }
        }
        if Instant::now() >= next_look {
            next_look = Instant::now() + TICK;
            for slot in slots.iter().flatten().filter(|slot| slot.expired(server)) {
                // Not dropped here: its operation is in flight, and now it will complete.
                let _ = slot.stream.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Slot {
    fn expired(&self, server: &Server) -> bool {
        let limit = match self.in_flight {
            Flight::Send if server.stop.is_overdue() || self.conversation.is_queue_full() => return true,
            Flight::Send if server.stop.requested() => STALL_AT_STOP,
            Flight::Send => server.limits.stall,
            Flight::Discard { brief: true } => LINGER,
            Flight::Receive | Flight::Discard { brief: false } => return false,
        };
        self.since.elapsed() >= limit
    }
}

fn admit(
    server: &Server,
    stream: TcpStream,
    client: Peer,
    waker: &Arc<Waker<usize>>,
    ring: &mut IoUring,
    slots: &mut Vec<Option<Slot>>,
    free: &mut Vec<usize>,
) {
    server.counters.accepted.count();
    tracing::info!("New client connected from {client}");
    let place = free.pop().unwrap_or_else(|| {
        slots.push(None);
        slots.len() - 1
    });
    let conversation = Conversation::open(&server.service, client);
    if let Some(outbox) = conversation.outbox() {
        let waker = Arc::clone(waker);
        outbox.wake_with(move || waker.ring(place));
    }
    let (chunk, since) = (Box::new([0; CHUNK]), Instant::now());
    let slot = slots[place].insert(Slot {
        stream,
        conversation,
        chunk,
        in_flight: Flight::Receive,
        since,
        dropped: 0,
    });
    let end = next(server, ring, slot, place as u64);
    leave_if_over(server, end, slots, free, place);
}

/// Takes what an operation brought.
fn take(server: &Server, slot: &mut Slot, result: i32) -> io::Result<()> {
    if result == -libc::ECANCELED && slot.in_flight == Flight::Receive {
        return Ok(()); // for the pushes
    }
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    let count = result as usize;
    match slot.in_flight {
        Flight::Send => slot.conversation.transmitted(count),
        // Our own shutdown reads like the client's end, but is not.
        _ if server.stop.requested() => return Err(io::ErrorKind::Interrupted.into()),
        Flight::Receive | Flight::Discard { .. } if count == 0 => slot.conversation.finish(),
        Flight::Receive => slot.conversation.receive(&slot.chunk[..count]),
        Flight::Discard { brief } => {
            slot.dropped += count;
            if brief && slot.dropped > LINGER_BYTES {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
    Ok(())
}

/// Handles what can be handled, then submits the one operation that is next; `UnexpectedEof` stands for the end.
fn next(server: &Server, ring: &mut IoUring, slot: &mut Slot, key: u64) -> io::Result<()> {
    let fd = Fd(slot.stream.as_raw_fd());
    // Then its time runs on: a client that goes on sending shall not keep us for ever.
    let lingers = matches!(slot.in_flight, Flight::Discard { .. });
    loop {
        while let Some(request) = slot.conversation.poll_request() {
            let answer = server.handle(&slot.conversation.client().clone(), request);
            slot.conversation.answer(answer);
        }
        let next = slot.conversation.next();
        let operation = match next {
            Next::Send => {
                let bytes = slot.conversation.transmit();
                slot.in_flight = Flight::Send;
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                opcode::Send::new(fd, bytes.as_ptr(), length).flags(libc::MSG_NOSIGNAL).build()
            }
            Next::Receive | Next::Discard { .. } if server.stop.requested() => {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Next::Receive | Next::Discard { .. } => {
                slot.in_flight = match next {
                    Next::Discard { brief } => Flight::Discard { brief },
                    _ => Flight::Receive,
                };
                opcode::Recv::new(fd, slot.chunk.as_mut_ptr(), CHUNK as u32).build()
            }
            Next::HalfClose => {
                slot.stream.shutdown(Shutdown::Write)?;
                slot.conversation.half_closed();
                continue;
            }
            Next::Poll => continue,
            Next::Wait => unreachable!("every request is answered above"),
            Next::Close => return Err(io::ErrorKind::UnexpectedEof.into()),
        };
        if !lingers {
            slot.since = Instant::now();
        }
        submit(ring, &operation.user_data(key))?;
        if slot.conversation.is_slow() {
            // Not with the next turn's: other slow requests of this turn come before it, and the answer is ready now.
            ring.submit()?;
        }
        return Ok(());
    }
}

/// Puts an operation into the ring, which is given to the kernel first when it is full.
fn submit(ring: &mut IoUring, operation: &squeue::Entry) -> io::Result<()> {
    // SAFETY: what the operation points to (the chunk in its box, the output in its conversation) stays where it is:
    // nothing touches a slot between `next` and the completion, and only its completion removes it.
    while unsafe { ring.submission().push(operation) }.is_err() {
        ring.submit()?;
    }
    Ok(())
}

/// No operation is in flight after an error: the connection may be dropped.
fn leave_if_over(
    server: &Server,
    end: io::Result<()>,
    slots: &mut [Option<Slot>],
    free: &mut Vec<usize>,
    place: usize,
) {
    let Err(error) = end else { return };
    if let Some(slot) = slots[place].take() {
        let over = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted);
        server.log_disconnect(slot.conversation.client(), if over { Ok(()) } else { Err(error) });
        free.push(place);
    }
}
