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
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd};
use std::time::Instant;

use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::errno::Errno;
use nix::libc;

use common::connection::{LINGER, LINGER_BYTES, TICK};
use common::conversation::{Conversation, Next};
use common::door::{Door, LOOK_AWAY};
use common::journal::Event;
use common::server::Server;
use common::service::Client;
use common::stop::STALL_AT_STOP;

/// Submissions that fit into the ring before the kernel must look at them.
const ENTRIES: u32 = 1024;
/// Read at once, per connection: every connection has a buffer of its own, because any may be read into at any time.
const CHUNK: usize = 4096;
/// The key of the accept operation; those of connections are their places, from 0.
const ACCEPT: u64 = u64::MAX;

/// One connection and the one operation that is in flight for it.
struct Seat {
    stream: TcpStream,
    talk: Conversation,
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

/// Serves every client in one loop until the stop.
pub fn run(server: &Server, door: &Door) -> io::Result<()> {
    let mut ring = IoUring::new(ENTRIES)?;
    let mut seats: Vec<Option<Seat>> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut accepting = false;
    let mut door_opens = Instant::now();
    let mut next_look = Instant::now() + TICK;
    let mut woken = false;
    loop {
        let stopping = server.stop.requested();
        if stopping && !woken {
            woken = true; // once: those who wait for their clients wait no longer
            for seat in seats.iter().flatten().filter(|seat| seat.in_flight != Flight::Send) {
                let _ = seat.stream.shutdown(Shutdown::Read);
            }
        }
        if stopping && seats.iter().all(Option::is_none) {
            return Ok(());
        }
        if !accepting && !stopping && Instant::now() >= door_opens {
            let accept =
                opcode::Accept::new(Fd(door.as_raw_fd()), std::ptr::null_mut(), std::ptr::null_mut());
            submit(&mut ring, &accept.flags(libc::SOCK_CLOEXEC).build().user_data(ACCEPT))?;
            accepting = true;
        }
        let patience = if accepting { TICK } else { LOOK_AWAY };
        let time = Timespec::from(patience);
        server.journal.record(Event::Wait, None);
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
        server.journal.record(Event::Turn, None);
        let completions: Vec<cqueue::Entry> = ring.completion().collect();
        for completion in completions {
            if completion.user_data() == ACCEPT {
                accepting = false;
                match completion.result() {
                    fd if fd >= 0 => {
                        // SAFETY: the kernel has just made this descriptor for us.
                        let stream = unsafe { TcpStream::from_raw_fd(fd) };
                        let Ok(address) = stream.peer_addr() else { continue }; // gone already
                        admit(server, stream, Client { address }, &mut ring, &mut seats, &mut free)?;
                    }
                    error => match Errno::from_raw(-error) {
                        Errno::EMFILE | Errno::ENFILE | Errno::ENOBUFS | Errno::ENOMEM => {
                            server.meters.full.count();
                            door_opens = Instant::now() + LOOK_AWAY;
                        }
                        // The stop, or a client that died in the queue.
                        _ => {}
                    },
                }
            } else {
                let place = completion.user_data() as usize;
                let seat = seats[place].as_mut().expect("only its own completion ends a connection");
                let end = match take(server, seat, completion.result()) {
                    Ok(()) => next(server, &mut ring, seat, place as u64),
                    Err(error) => Err(error),
                };
                leave_if_over(server, end, &mut seats, &mut free, place);
            }
        }
        if Instant::now() >= next_look {
            next_look = Instant::now() + TICK;
            for seat in seats.iter().flatten().filter(|seat| seat.expired(server)) {
                // Not dropped here: its operation is in flight, and now it will complete.
                let _ = seat.stream.shutdown(Shutdown::Both);
            }
        }
    }
}

impl Seat {
    fn expired(&self, server: &Server) -> bool {
        let limit = match self.in_flight {
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
    client: Client,
    ring: &mut IoUring,
    seats: &mut Vec<Option<Seat>>,
    free: &mut Vec<usize>,
) -> io::Result<()> {
    server.meters.accepted.count();
    tracing::info!("New client connected from {client}");
    let place = free.pop().unwrap_or_else(|| {
        seats.push(None);
        seats.len() - 1
    });
    let talk = Conversation::open(&server.service, client);
    let (chunk, since) = (Box::new([0; CHUNK]), Instant::now());
    let seat =
        seats[place].insert(Seat { stream, talk, chunk, in_flight: Flight::Receive, since, dropped: 0 });
    let end = next(server, ring, seat, place as u64);
    leave_if_over(server, end, seats, free, place);
    Ok(())
}

/// Takes what an operation brought.
fn take(server: &Server, seat: &mut Seat, result: i32) -> io::Result<()> {
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    let count = result as usize;
    match seat.in_flight {
        Flight::Send => seat.talk.transmitted(count),
        // Our own shutdown reads like the client's end, but is not.
        _ if server.stop.requested() => return Err(io::ErrorKind::Interrupted.into()),
        Flight::Receive | Flight::Discard { .. } if count == 0 => seat.talk.finish(),
        Flight::Receive => seat.talk.receive(&seat.chunk[..count]),
        Flight::Discard { brief } => {
            seat.dropped += count;
            if brief && seat.dropped > LINGER_BYTES {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
    Ok(())
}

/// Handles what can be handled, then submits the one operation that is next; `UnexpectedEof` stands for the end.
fn next(server: &Server, ring: &mut IoUring, seat: &mut Seat, key: u64) -> io::Result<()> {
    let fd = Fd(seat.stream.as_raw_fd());
    // Then its time runs on: a client that goes on sending shall not keep us for ever.
    let lingers = matches!(seat.in_flight, Flight::Discard { .. });
    loop {
        while let Some(request) = seat.talk.poll_request() {
            let answer = server.handle(&seat.talk.client().clone(), request);
            seat.talk.answer(answer);
        }
        let next = seat.talk.next();
        let operation = match next {
            Next::Send => {
                let bytes = seat.talk.transmit();
                seat.in_flight = Flight::Send;
                let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                opcode::Send::new(fd, bytes.as_ptr(), length).flags(libc::MSG_NOSIGNAL).build()
            }
            Next::Receive | Next::Discard { .. } if server.stop.requested() => {
                return Err(io::ErrorKind::Interrupted.into());
            }
            Next::Receive | Next::Discard { .. } => {
                seat.in_flight = match next {
                    Next::Discard { brief } => Flight::Discard { brief },
                    _ => Flight::Receive,
                };
                opcode::Recv::new(fd, seat.chunk.as_mut_ptr(), CHUNK as u32).build()
            }
            Next::HalfClose => {
                seat.stream.shutdown(Shutdown::Write)?;
                seat.talk.half_closed();
                continue;
            }
            Next::Poll => continue,
            Next::Wait => unreachable!("every request is answered above"),
            Next::Close => return Err(io::ErrorKind::UnexpectedEof.into()),
        };
        if !lingers {
            seat.since = Instant::now();
        }
        return submit(ring, &operation.user_data(key));
    }
}

/// Puts an operation into the ring, which is given to the kernel first when it is full.
fn submit(ring: &mut IoUring, operation: &squeue::Entry) -> io::Result<()> {
    // SAFETY: what the operation points to (the chunk in its box, the output in its conversation) stays where it is:
    // nothing touches a seat between `next` and the completion, and only its completion removes it.
    while unsafe { ring.submission().push(operation) }.is_err() {
        ring.submit()?;
    }
    Ok(())
}

/// No operation is in flight after an error: the connection may be dropped.
fn leave_if_over(
    server: &Server,
    end: io::Result<()>,
    seats: &mut [Option<Seat>],
    free: &mut Vec<usize>,
    place: usize,
) {
    let Err(error) = end else { return };
    if let Some(seat) = seats[place].take() {
        let over = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted);
        server.farewell(seat.talk.client(), if over { Ok(()) } else { Err(error) });
        free.push(place);
    }
}
