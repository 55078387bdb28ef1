//! One loop over `io_uring(7)`: completion instead of readiness. The loop does not ask *may I read?* and then reads; it
//! says *read whatever comes*, once, and hears each time that something has come.
//!
//! ```text
//!   main ──► submit what is due, wait ──► for each completion: take it, say what is next ──┐
//!             ▲                                                                            │
//!             └─ accept: one for all clients · receive: one per connection · send ◄────────┘
//! ```
//!
//! - **Accepts, answers:** the one thread, in turns.
//! - **Waits in:** `io_uring_enter(2)`, which submits and waits in one call, for any number of connections.
//! - **The price:** the kernel reads our buffers while we do other things. So what is being sent must stay where it is until
//!   its completion, and a connection must not be dropped while an operation is in flight: the compiler does not check that,
//!   the state machine below must. And the system may forbid io_uring (containers mostly do).
//! - **Differs from `epoll`:** a request costs no system call of its own. Accept and receive are *multishot*: submitted once,
//!   completed again and again. Received bytes come in buffers that all connections share (`BufferRing`).
//!
//! A kernel without multishot receive (before 6.0) is asked for one receive at a time, from the same buffers.

#![expect(unsafe_code, reason = "the kernel is given pointers into our buffers")]

mod buffer_ring;

use std::io;
use std::mem::ManuallyDrop;
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use nix::errno::Errno;
use nix::libc;

use common::core::connection::{Timers, Waker, stalled};
use common::core::conversation::{Conversation, Next};
use common::core::limits::TICK;
use common::core::listener::{ACCEPT_BACKOFF, Listener};
use common::core::server::Server;
use common::core::service::{Peer, PeerAddress};
use common::core::stop::STALL_AT_STOP;
use common::core::trace::Event;

use buffer_ring::{BufferRing, GROUP};

/// Submissions that fit into the ring before the kernel must look at them.
const ENTRIES: u32 = 1024;
/// Bytes that a connection keeps while it sends; then its receive is cancelled, and the client is slowed down.
const EARLY: usize = 64 * 1024;

/// What a completion belongs to: the lowest two bits of its key. The others are the connection's place.
const RECEIVE: u64 = 0;
const SEND: u64 = 1;
const OTHER: u64 = 2;
/// Keys that belong to no connection.
const ACCEPT: u64 = u64::MAX << 2 | OTHER;
const WAKER: u64 = (u64::MAX - 1) << 2 | OTHER;
const CANCEL: u64 = (u64::MAX - 2) << 2 | OTHER;

/// One connection and what is in flight for it.
struct Slot {
    stream: TcpStream,
    conversation: Conversation,
    /// A receive is in flight: it may complete many times.
    receiving: bool,
    /// A send is in flight: the conversation's output must not be touched.
    sending: Option<Instant>,
    /// What came meanwhile.
    early: Vec<u8>,
    early_end: bool,
    /// It has ended, and goes when nothing is in flight any more.
    is_over: bool,
}

/// Whether the system lets us use io_uring, and has what we need of it.
///
/// # Errors
/// `ENOSYS` or `EPERM` where the kernel or the container forbids it; `EINVAL` before Linux 5.19.
pub fn available() -> io::Result<()> {
    BufferRing::register(&IoUring::new(1)?).map(drop)
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
    let ring = build()?;
    let buffers = BufferRing::register(&ring)?;
    // Never dropped: when an error ends this loop, operations may be in flight, and what they point to must outlive them.
    let mut turns = ManuallyDrop::new(Loop {
        server,
        ring,
        buffers,
        multishot: true,
        waker: Arc::new(Waker::new()?),
        slots: Vec::new(),
        free: Vec::new(),
        timers: Timers::default(),
    });
    server.ready();
    turns.until_stop(listener)
}

struct Loop<'a> {
    server: &'a Server,
    ring: IoUring,
    buffers: BufferRing,
    /// The kernel knows multishot receive.
    multishot: bool,
    waker: Arc<Waker<usize>>,
    slots: Vec<Option<Slot>>,
    /// Places in `slots` that are free.
    free: Vec<usize>,
    timers: Timers,
}

impl Loop<'_> {
    fn until_stop(&mut self, listener: &Listener) -> io::Result<()> {
        let (mut accepting, mut listening) = (false, false);
        let mut accept_resumes = Instant::now();
        let mut now = Instant::now();
        let mut next_look = now + TICK;
        let mut was_told = false;
        let mut completions = Vec::new();
        loop {
            let stopping = self.server.stop.requested();
            if stopping && !was_told {
                was_told = true;
                self.server.tell_stop();
                self.look_at_all(Instant::now(), |_| true)?;
            }
            if stopping && self.slots.iter().all(Option::is_none) {
                return Ok(());
            }
            if !accepting && !stopping && Instant::now() >= accept_resumes {
                let accept = opcode::AcceptMulti::new(Fd(listener.as_raw_fd())).flags(libc::SOCK_CLOEXEC);
                submit(&mut self.ring, &accept.build().user_data(ACCEPT))?;
                accepting = true;
            }
            if !listening {
                let readable = opcode::PollAdd::new(Fd(self.waker.as_fd().as_raw_fd()), libc::POLLIN as u32);
                submit(&mut self.ring, &readable.build().user_data(WAKER))?;
                listening = true;
            }
            self.server.trace.record(Event::Wait, None);
            let idle = next_look.saturating_duration_since(now);
            self.wait(self.timers.timeout(if accepting { idle } else { ACCEPT_BACKOFF }))?;
            self.server.trace.record(Event::Turn, None);
            now = Instant::now();
            completions.extend(self.ring.completion());
            for completion in completions.drain(..) {
                let (key, result, flags) = (completion.user_data(), completion.result(), completion.flags());
                let place = (key >> 2) as usize;
                match key {
                    ACCEPT => {
                        accepting = cqueue::more(flags);
                        if self.accepted(result, now)?.is_full() {
                            accept_resumes = now + ACCEPT_BACKOFF;
                        }
                    }
                    WAKER => {
                        listening = false;
                        for place in self.waker.drain() {
                            self.advance(place, now)?;
                        }
                    }
                    CANCEL => {}
                    _ if key & 3 == SEND => self.sent(place, result, now)?,
                    _ => self.received(place, result, flags, now)?,
                }
            }
            while let Some(place) = self.timers.poll_due(now) {
                self.advance(place as usize, now)?;
            }
            if now >= next_look {
                next_look = now + TICK;
                self.look_at_all(now, |slot| stopping || slot.is_over || slot.is_overdue(now))?;
            }
        }
    }

    /// Submits what is due and waits for a completion.
    fn wait(&self, timeout: Duration) -> io::Result<()> {
        let time = Timespec::from(timeout);
        match self.ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&time)) {
            Err(error) => match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
                Errno::ETIME | Errno::EINTR | Errno::EBUSY => Ok(()),
                _ => Err(error),
            },
            Ok(_) => Ok(()),
        }
    }

    fn accepted(&mut self, result: i32, now: Instant) -> io::Result<Accepted> {
        if result < 0 {
            let error = io::Error::from_raw_os_error(-result);
            if Listener::is_full(&error) {
                self.server.count_full();
                return Ok(Accepted::Full);
            }
            return Ok(Accepted::Nothing); // the stop, or a client that died in the backlog
        }
        // SAFETY: the kernel has just made this descriptor for us.
        let stream = unsafe { TcpStream::from_raw_fd(result) };
        let Ok(address) = PeerAddress::of(&stream) else { return Ok(Accepted::Nothing) }; // gone already
        let peer = Peer::at(address);
        self.server.count_accepted(&peer);
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let conversation = self.server.open(peer);
        if let Some(outbox) = conversation.outbox() {
            let waker = Arc::clone(&self.waker);
            outbox.wake_with(move || waker.wake(place));
        }
        self.slots[place] = Some(Slot {
            stream,
            conversation,
            receiving: false,
            sending: None,
            early: Vec::new(),
            early_end: false,
            is_over: false,
        });
        self.advance(place, now)?;
        Ok(Accepted::One)
    }

    /// A receive has completed, perhaps not for the last time.
    fn received(&mut self, place: usize, result: i32, flags: u32, now: Instant) -> io::Result<()> {
        let slot = self.slots[place].as_mut().expect("a connection stays while something is in flight");
        if !cqueue::more(flags) {
            slot.receiving = false;
        }
        if let Some(number) = cqueue::buffer_select(flags) {
            if result > 0 && !slot.is_over {
                let bytes = self.buffers.bytes(number, result as usize);
                if slot.sending.is_none() {
                    slot.conversation.handle_bytes(bytes, now);
                } else {
                    slot.early.extend_from_slice(bytes);
                }
            }
            self.buffers.give_back(number);
        }
        match result {
            // Our own shutdown reads like the client's end, but is not.
            0 if self.server.stop.requested() => self.end(place, Ok(()))?,
            0 if slot.sending.is_none() => slot.conversation.handle_end(),
            0 => slot.early_end = true,
            1.. => {}
            _ => match Errno::from_raw(-result) {
                // No buffer was free, or we have cancelled it: it is submitted again when bytes are wanted.
                Errno::ENOBUFS | Errno::ECANCELED | Errno::EINTR => {}
                Errno::EINVAL if self.multishot => {
                    tracing::info!(
                        "this kernel has no multishot receive: one receive is submitted for each read"
                    );
                    self.multishot = false;
                }
                errno => self.end(place, Err(errno.into()))?,
            },
        }
        self.advance(place, now)
    }

    fn sent(&mut self, place: usize, result: i32, now: Instant) -> io::Result<()> {
        let slot = self.slots[place].as_mut().expect("a connection stays while something is in flight");
        let since = slot.sending.take().unwrap_or(now);
        if is_nothing_yet(result) && !slot.is_over {
            return self.send(place, since);
        }
        if result < 0 {
            self.end(place, Err(io::Error::from_raw_os_error(-result)))?;
        } else {
            slot.conversation.handle_sent(result as usize);
            if !slot.early.is_empty() {
                let early = std::mem::take(&mut slot.early);
                slot.conversation.handle_bytes(&early, now);
            }
            if std::mem::take(&mut slot.early_end) {
                slot.conversation.handle_end();
            }
        }
        self.advance(place, now)
    }

    /// Handles what can be handled, then submits what is next.
    fn advance(&mut self, place: usize, mut now: Instant) -> io::Result<()> {
        let Some(slot) = self.slots.get_mut(place).and_then(Option::as_mut) else { return Ok(()) };
        if slot.is_over {
            return self.remove(place);
        }
        if slot.sending.is_some() {
            if slot.receiving && slot.early.len() > EARLY {
                self.cancel_receive(place)?;
            }
            return Ok(());
        }
        loop {
            while slot.conversation.poll_request(now) {
                self.server.handle(&mut slot.conversation);
                if slot.conversation.is_slow() {
                    now = Instant::now();
                }
            }
            match slot.conversation.next(now) {
                Next::Send => return self.send(place, now),
                Next::Receive | Next::Wait if self.server.stop.requested() => {
                    return self.end(place, Ok(()));
                }
                Next::Receive if slot.receiving => return Ok(()),
                Next::Receive => {
                    slot.receiving = true;
                    let fd = Fd(slot.stream.as_raw_fd());
                    let receive = if self.multishot {
                        opcode::RecvMulti::new(fd, GROUP).build()
                    } else {
                        let receive = opcode::Recv::new(fd, std::ptr::null_mut(), 0).buf_group(GROUP).build();
                        receive.flags(squeue::Flags::BUFFER_SELECT)
                    };
                    return submit(&mut self.ring, &receive.user_data((place as u64) << 2 | RECEIVE));
                }
                Next::HalfClose => {
                    let shut = slot.stream.shutdown(Shutdown::Write);
                    slot.conversation.handle_half_close();
                    if let Err(error) = shut {
                        return self.end(place, Err(error));
                    }
                }
                Next::Poll => {}
                Next::WaitUntil(_) if self.server.stop.is_overdue() => {
                    return self.end(place, Ok(()));
                }
                next @ (Next::Wait | Next::WaitUntil(_)) => {
                    if let Next::WaitUntil(then) = next {
                        self.timers.set(place as i32, Some(then));
                    }
                    if slot.receiving {
                        self.cancel_receive(place)?; // no byte is wanted now
                    }
                    return Ok(());
                }
                Next::Close => {
                    let outcome = slot.conversation.outcome();
                    return self.end(place, outcome);
                }
            }
        }
    }

    /// Submits what the connection has to send. It waits for its client `since` then.
    fn send(&mut self, place: usize, since: Instant) -> io::Result<()> {
        let Some(slot) = self.slots[place].as_mut() else { return Ok(()) };
        slot.sending = Some(since);
        let bytes = slot.conversation.transmit();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let send = opcode::Send::new(Fd(slot.stream.as_raw_fd()), bytes.as_ptr(), length);
        let is_slow = slot.conversation.is_slow();
        submit(
            &mut self.ring,
            &send.flags(libc::MSG_NOSIGNAL).build().user_data((place as u64) << 2 | SEND),
        )?;
        if is_slow {
            // Not with the next turn's: other slow requests of this turn come before it, and the answer is ready now.
            self.ring.submit()?;
        }
        Ok(())
    }

    fn cancel_receive(&mut self, place: usize) -> io::Result<()> {
        let cancel = opcode::AsyncCancel::new((place as u64) << 2 | RECEIVE);
        submit(&mut self.ring, &cancel.build().user_data(CANCEL))
    }

    /// The connection has ended. It goes when nothing of it is in flight.
    fn end(&mut self, place: usize, how: io::Result<()>) -> io::Result<()> {
        let Some(slot) = self.slots[place].as_mut().filter(|slot| !slot.is_over) else { return Ok(()) };
        slot.is_over = true;
        self.server.log_disconnect(slot.conversation.peer(), how);
        if slot.sending.is_some() {
            let _ = slot.stream.shutdown(Shutdown::Write); // which completes the send
        }
        self.remove(place)
    }

    /// Removes a connection that has ended, if nothing of it is in flight. A receive is cancelled. A shutdown of our receiving half would
    /// complete it, too, but the kernel then tells a client that goes on sending neither of room for more nor, with a reset, of
    /// our close: it would wait for a minute.
    fn remove(&mut self, place: usize) -> io::Result<()> {
        match &self.slots[place] {
            Some(slot) if slot.receiving => self.cancel_receive(place)?,
            Some(slot) if slot.sending.is_none() => {
                self.slots[place] = None;
                self.free.push(place);
            }
            _ => {}
        }
        Ok(())
    }

    /// Looks at those whose time is over, or at all at the stop.
    fn look_at_all(&mut self, now: Instant, which: impl Fn(&Slot) -> bool) -> io::Result<()> {
        for place in 0..self.slots.len() {
            let Some(slot) = self.slots[place].as_mut().filter(|slot| which(slot)) else { continue };
            let stopping = self.server.stop.requested();
            match slot.sending {
                None => slot.conversation.handle_timeout(now),
                Some(since) => {
                    let stalls_at_stop =
                        stopping && now - since >= STALL_AT_STOP || self.server.stop.is_overdue();
                    if stalls_at_stop || slot.is_overdue(now) {
                        self.end(place, Err(stalled()))?;
                    }
                }
            }
            self.advance(place, now)?;
        }
        Ok(())
    }
}

/// Whether a send has completed because the socket's timeout is over, with nothing sent: it is submitted again.
///
/// The timeout is for blocking models. Here a send waits without a thread, but not for a client that has ended its side: that end
/// makes the kernel's poll return at once, and after some attempts the kernel lets a thread of its own block in the send.
fn is_nothing_yet(result: i32) -> bool {
    matches!(Errno::from_raw(-result), Errno::EAGAIN | Errno::EINTR)
}

/// What came of an accept.
enum Accepted {
    One,
    Nothing,
    /// There is no descriptor left.
    Full,
}

impl Accepted {
    fn is_full(&self) -> bool {
        matches!(self, Accepted::Full)
    }
}

impl Slot {
    /// Whether its client had its time. What is being sent is also judged at the stop.
    fn is_overdue(&self, now: Instant) -> bool {
        self.conversation.is_queue_full()
            || self.conversation.deadline().is_some_and(|deadline| now >= deadline)
    }
}

/// Puts an operation into the ring, which is given to the kernel first when it is full.
fn submit(ring: &mut IoUring, operation: &squeue::Entry) -> io::Result<()> {
    // SAFETY: what a send points to is in the conversation's output, which nothing touches until its completion; and only a
    // connection without anything in flight is dropped. A receive points to nothing: its buffers are the ring's.
    while unsafe { ring.submission().push(operation) }.is_err() {
        ring.submit()?;
    }
    Ok(())
}
