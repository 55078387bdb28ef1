//! A task per connection on the tokio runtime: written like `thread-per-connection`, run like `epoll`.
//!
//! ```text
//!   runtime ──► epoll_wait ──► poll the tasks it woke ──┐         task: converse
//!                ▲──────────────────────────────────────┘               └─ .await: back to the runtime
//! ```
//!
//! - **Accepts:** one task. **Answers:** a task per connection, on whichever runtime thread polls it.
//! - **Waits in:** `.await`; the runtime in `epoll_wait(2)`.
//! - **The price:** a task may not block: it would stop all others on its thread. A slow request therefore goes to the
//!   runtime's pool of blocking threads, and costs two hand-overs.
//! - **Differs from `epoll`:** the compiler writes the state machine that `NonBlocking` is.

#![expect(unsafe_code, reason = "AsyncFd cannot know that a Listener keeps its socket open")]

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until, timeout};

use common::core::connection::stalled;
use common::core::conversation::{Conversation, GATHERED, Next};
use common::core::limits::TICK;
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::service::Peer;
use common::core::stop::STALL_AT_STOP;

use super::helpers::READ_AT_ONCE;

/// When an alarm rings that nobody needs: looked at once a day.
const FAR: Duration = Duration::from_secs(86_400);

thread_local! {
    // One for all tasks of a thread: it is used between two awaits, never across one.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_AT_ONCE]);
}

/// Serves every client as a task on `workers` runtime threads until the stop.
pub fn run(server: &Server, listener: Listener, workers: usize) -> io::Result<()> {
    let mut runtime = if workers == 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let runtime = runtime.worker_threads(workers).thread_name("runtime").enable_all().build()?;
    runtime.block_on(accept(server, listener.nonblocking()?))
}

async fn accept(server: &Server, listener: Listener) -> io::Result<()> {
    // SAFETY: a Listener has one listening socket, open until it is dropped.
    let listener = unsafe { AsyncFd::register_with_interest(listener, Interest::READABLE)? };
    let mut tasks = JoinSet::new();
    server.ready();
    while !server.stop.requested() {
        let mut readiness = listener.readable().await?;
        match server.accept(listener.get_ref())? {
            AcceptOutcome::Accepted(stream, peer) => {
                let server = server.clone();
                tasks.spawn(async move {
                    let end = converse(&server, stream, peer).await;
                    server.log_disconnect(&peer, end);
                });
            }
            AcceptOutcome::WouldBlock => readiness.clear_ready(),
            AcceptOutcome::Full => sleep(ACCEPT_BACKOFF).await,
            AcceptOutcome::Closed => break,
        }
        while tasks.try_join_next().is_some() {}
    }
    server.tell_stop();
    while tasks.join_next().await.is_some() {}
    Ok(())
}

async fn converse(server: &Server, stream: std::net::TcpStream, peer: Peer) -> io::Result<()> {
    let in_service = server.stop.enter(&stream).ok_or(ErrorKind::ConnectionAborted)?;
    let mut stream = TcpStream::from_std(stream)?;
    let _in_service = in_service; // moved behind the stream: dropped first
    let mut conversation = server.open(peer);
    let pushes = Arc::new(Notify::new());
    if let Some(outbox) = conversation.outbox() {
        let pushes = Arc::clone(&pushes);
        outbox.wake_with(move || pushes.notify_one());
    }
    let mut rings_at = Instant::now() + FAR;
    let mut alarm = pin!(sleep_until(rings_at.into()));
    loop {
        let now = Instant::now();
        while conversation.poll_request(now) {
            if conversation.is_slow() {
                let (server, work) = (server.clone(), conversation.take_work());
                conversation.answer(tokio::task::spawn_blocking(move || server.run(work)).await?);
            } else {
                server.handle(&mut conversation);
            }
        }
        match conversation.next(now) {
            Next::Send => send_some(server, &stream, &mut conversation).await?,
            Next::Receive => {
                // Set again only when the deadline has come nearer: to set a timer costs as much as a read.
                if let Some(deadline) = conversation.deadline().filter(|&deadline| deadline < rings_at) {
                    rings_at = deadline;
                    alarm.as_mut().reset(deadline.into());
                }
                let received = tokio::select! {
                    biased;
                    received = receive(&mut stream, &mut conversation) => received?,
                    () = pushes.notified() => continue,
                    () = &mut alarm => {
                        conversation.handle_timeout(Instant::now());
                        rings_at = Instant::now() + FAR;
                        alarm.as_mut().reset(rings_at.into());
                        continue;
                    }
                };
                match received {
                    // Our own shutdown, not the client's end.
                    _ if server.stop.requested() => {
                        return say_last_words(server, &stream, &mut conversation).await;
                    }
                    0 => conversation.handle_end(),
                    _ => {}
                }
            }
            Next::HalfClose => {
                socket2::SockRef::from(&stream).shutdown(std::net::Shutdown::Write)?;
                conversation.handle_half_close();
            }
            Next::Poll => {}
            Next::Wait | Next::WaitUntil(_) if server.stop.is_overdue() => return Ok(()),
            Next::Wait if server.stop.requested() => {
                return say_last_words(server, &stream, &mut conversation).await;
            }
            Next::Wait => drop(timeout(TICK, pushes.notified()).await),
            Next::WaitUntil(then) => sleep_until(then.min(now + TICK).into()).await,
            Next::Close => return conversation.outcome(),
        }
    }
}

/// The stop has come: sends what the service has to say to it.
async fn say_last_words(
    server: &Server,
    stream: &TcpStream,
    conversation: &mut Conversation,
) -> io::Result<()> {
    server.tell_stop();
    conversation.pull_pushes();
    while conversation.next(Instant::now()) == Next::Send {
        send_some(server, stream, conversation).await?;
    }
    Ok(())
}

/// One read. What comes after our last word is dropped by the conversation itself.
///
/// `poll_read` and not `readable` with `try_read`: it knows that a read which did not fill the buffer has emptied the
/// socket, and spares the call that would say so.
async fn receive(stream: &mut TcpStream, conversation: &mut Conversation) -> io::Result<usize> {
    poll_fn(|context| {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            if !buffer.filled().is_empty() {
                conversation.handle_bytes(buffer.filled(), Instant::now());
            }
            Poll::Ready(Ok(buffer.filled().len()))
        })
    })
    .await
}

/// Sends until some bytes were taken, and judges a client that takes none.
async fn send_some(server: &Server, stream: &TcpStream, conversation: &mut Conversation) -> io::Result<()> {
    let began = Instant::now();
    loop {
        let mut slices = [IoSlice::new(&[]); GATHERED];
        let count = conversation.gather(&mut slices);
        let sent = if count == 1 {
            stream.try_write(&slices[0])
        } else {
            stream.try_write_vectored(&slices[..count])
        };
        match sent {
            Ok(count) => {
                conversation.handle_sent(count);
                let drips = conversation.unsent() > 0 && server.stop.is_overdue();
                return if drips { Err(stalled()) } else { Ok(()) };
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        // Woken now and then, because the stop shortens a client's time.
        let _ = timeout(TICK, stream.writable()).await;
        let now = Instant::now();
        conversation.handle_timeout(now);
        let stops = server.stop.requested() && now - began >= STALL_AT_STOP;
        if stops || conversation.next(now) == Next::Close {
            conversation.outcome()?;
            return Err(stalled());
        }
    }
}
