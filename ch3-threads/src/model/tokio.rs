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
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use common::core::connection::{LINGER, LINGER_BYTES, stalled};
use common::core::conversation::{Conversation, Next};
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::service::Peer;
use common::core::stop::STALL_AT_STOP;

use super::READ_AT_ONCE;

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
    while !server.stop.requested() {
        let mut readiness = listener.readable().await?;
        match server.admit(listener.get_ref())? {
            AcceptOutcome::Accepted(stream, client) => {
                let server = server.clone();
                tasks.spawn(async move {
                    let end = converse(&server, stream, client).await;
                    server.log_disconnect(&client, end);
                });
            }
            AcceptOutcome::WouldBlock => readiness.clear_ready(),
            AcceptOutcome::Full => sleep(ACCEPT_BACKOFF).await,
            AcceptOutcome::Closed => break,
        }
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
    Ok(())
}

async fn converse(server: &Server, stream: std::net::TcpStream, client: Peer) -> io::Result<()> {
    let in_service = server.stop.enter(&stream).ok_or(ErrorKind::ConnectionAborted)?;
    let mut stream = TcpStream::from_std(stream)?;
    let _in_service = in_service; // moved behind the stream: dropped first
    let mut conversation = Conversation::open(&server.service, client);
    let pushes = Arc::new(Notify::new());
    if let Some(outbox) = conversation.outbox() {
        let pushes = Arc::clone(&pushes);
        outbox.wake_with(move || pushes.notify_one());
    }
    let (mut linger, mut dropped) = (None, 0);
    loop {
        while let Some(request) = conversation.poll_request() {
            let answer = if conversation.is_slow() {
                let server = server.clone();
                tokio::task::spawn_blocking(move || server.handle(&client, request)).await?
            } else {
                server.handle(&client, request)
            };
            conversation.answer(answer);
        }
        match conversation.next() {
            Next::Send => send_some(server, &stream, &mut conversation).await?,
            Next::Receive => {
                let received = tokio::select! {
                    biased;
                    received = receive(&mut stream, &mut conversation) => received?,
                    () = pushes.notified() => continue,
                };
                match received {
                    _ if server.stop.requested() => return Ok(()), // our own shutdown, not the client's end
                    0 => conversation.finish(),
                    _ => {}
                }
            }
            Next::HalfClose => {
                socket2::SockRef::from(&stream).shutdown(std::net::Shutdown::Write)?;
                conversation.half_closed();
            }
            Next::Discard { brief } => {
                let since: Instant = *linger.get_or_insert_with(Instant::now);
                let left = if brief { LINGER.saturating_sub(since.elapsed()) } else { Duration::MAX };
                match timeout(left, receive(&mut stream, &mut conversation)).await {
                    Err(_elapsed) => return Ok(()),
                    Ok(_) if server.stop.requested() => return Ok(()),
                    Ok(received) => match received? {
                        0 => conversation.finish(),
                        count => {
                            dropped += count;
                            if brief && dropped > LINGER_BYTES {
                                return Ok(());
                            }
                        }
                    },
                }
            }
            Next::Poll => {}
            Next::Wait => unreachable!("every request is answered above"),
            Next::Close => return Ok(()),
        }
    }
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
            conversation.receive(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
    })
    .await
}

/// Sends until some bytes were taken, and judges a client that takes none.
async fn send_some(server: &Server, stream: &TcpStream, conversation: &mut Conversation) -> io::Result<()> {
    let began = Instant::now();
    loop {
        match stream.try_write(conversation.transmit()) {
            Ok(count) => {
                conversation.transmitted(count);
                let drips = !conversation.transmit().is_empty() && server.stop.is_overdue();
                return if drips { Err(stalled()) } else { Ok(()) };
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        // Woken now and then, because the stop shortens a client's timeout.
        let _ = timeout(STALL_AT_STOP, stream.writable()).await;
        let limit = if server.stop.requested() { STALL_AT_STOP } else { server.limits.stall };
        if began.elapsed() >= limit || conversation.is_queue_full() {
            return Err(stalled());
        }
    }
}
