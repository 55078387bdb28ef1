//! The link between real sockets: a TCP connection, through a [`Channel`] in each direction.
//!
//! ```text
//! client ──▶ read ─▶ channel up ──▶ write ──▶ server
//!        ◀── write ◀─ channel down ◀─ read ◀──
//! ```
//!
//! A thread for each connection, which waits in ppoll(2) for both sockets and the next piece. When a channel is full its source is
//! not read, so that TCP's own flow control reaches the sender; for that the kernel keeps little of what was not read. The end of one
//! direction is passed on as a half-close, and a reset as a reset: a close sends RST ([`abort`]) unless both directions have ended, so
//! that nobody takes what the relay's own end has cut for a whole.
//!
//! What a relay cannot do: the client's kernel is answered by ours before the server has been asked, so a connection to a server
//! that is not there, or through a pulled cable, succeeds first and ends then.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags};
use socket2::SockRef;

use crate::net::abort;

use super::profile::Direction;
use super::recorder::Recorder;
use super::settings::Settings;
use super::sockets::{self, is_nothing};
use super::stream::{Channel, Piece};
use super::totals::Totals;

/// Most connections at a time; one more is closed at once.
pub const CONNECTIONS: usize = 256;
/// What the kernel keeps of a sender that is not read, in bytes; by itself it would be megabytes, which the sender takes for sent.
const UNREAD: usize = 64 * 1024;
/// How long the server may take to accept.
const CONNECT: Duration = Duration::from_secs(3);

/// Relays connections until `stop` is readable.
///
/// # Errors
/// What only a broken listening socket says.
pub(super) fn relay(
    listening: &TcpListener,
    settings: &Settings,
    start: Instant,
    stop: BorrowedFd<'_>,
    recorder: &Recorder,
) -> io::Result<Totals> {
    listening.set_nonblocking(true)?;
    SockRef::from(listening).set_recv_buffer_size(UNREAD)?; // handed down to every connection
    let totals = Mutex::new(Totals::default());
    let live = AtomicUsize::new(0);
    let context = Context { settings, start, stop, recorder, totals: &totals, live: &live };
    thread::scope(|scope| accept(listening, &context, scope))?;
    Ok(totals.into_inner().unwrap_or_else(PoisonError::into_inner))
}

struct Context<'a> {
    settings: &'a Settings,
    start: Instant,
    stop: BorrowedFd<'a>,
    recorder: &'a Recorder,
    totals: &'a Mutex<Totals>,
    live: &'a AtomicUsize,
}

fn accept<'scope, 'a: 'scope>(
    listening: &TcpListener,
    context: &'scope Context<'a>,
    scope: &'scope Scope<'scope, '_>,
) -> io::Result<()> {
    loop {
        if wait(context.stop, &[(listening.as_fd(), Some(PollFlags::POLLIN))], None)? == Woken::Stopped {
            return Ok(());
        }
        let client = match listening.accept() {
            Ok((client, _)) => client,
            Err(error) if is_nothing(&error) || error.kind() == io::ErrorKind::ConnectionAborted => continue,
            Err(error) => {
                // No descriptor left, above all: the connection stays in the backlog, and to look away is better than to spin.
                tracing::warn!("accept: {error}");
                thread::sleep(Duration::from_millis(50));
                continue;
            }
        };
        if context.live.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS {
            context.live.fetch_sub(1, Ordering::Relaxed);
            let turned_away = &mut context.totals().turned_away;
            if *turned_away == 0 {
                tracing::warn!("a connection is turned away: {CONNECTIONS} are there already");
            }
            *turned_away += 1;
            continue;
        }
        let number = {
            let mut totals = context.totals();
            totals.flows += 1;
            totals.flows - 1
        };
        let name = format!("connection-{number}");
        let spawned = thread::Builder::new().name(name).spawn_scoped(scope, move || {
            if let Err(error) = connection(context, number, &client) {
                tracing::warn!("connection {number}: {error}");
            }
            context.live.fetch_sub(1, Ordering::Relaxed);
        });
        if let Err(error) = spawned {
            context.live.fetch_sub(1, Ordering::Relaxed);
            tracing::warn!("no thread for another connection: {error}");
        }
    }
}

impl Context<'_> {
    fn totals(&self) -> std::sync::MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, from its arrival to its end.
fn connection(context: &Context<'_>, number: u64, client: &TcpStream) -> io::Result<()> {
    let _ = nix::sys::prctl::set_timerslack(1);
    abort::unless_finished(client)?;
    let server = match TcpStream::connect_timeout(&context.settings.to, CONNECT) {
        Ok(server) => server,
        Err(error) => return Err(io::Error::other(format!("cannot reach {}: {error}", context.settings.to))),
    };
    abort::unless_finished(&server)?;
    SockRef::from(&server).set_recv_buffer_size(UNREAD)?;
    for socket in [client, &server] {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?; // what the link splits, Nagle's algorithm should not put together
    }
    let profile = Arc::new(context.settings.profile.clone());
    let [mut up, mut down] = Direction::BOTH.map(|direction| {
        let channel = Channel::new(Arc::clone(&profile), context.settings.seed, number, direction)
            .labelled(context.settings.label);
        Half::new(if context.recorder.is_on() { channel.recorded() } else { channel })
    });
    let ended = carry(context, client, &server, &mut up, &mut down);
    context.recorder.record(up.channel.take_events());
    context.recorder.record(down.channel.take_events());
    context.totals().add(&up.channel.counts(), &down.channel.counts());
    // An error of a socket is a reset, or as good as one: both sides learn it.
    if let Ok(Ended::Gracefully) = ended {
        // Each has been told the end of its direction already.
        let _ = abort::finish(client).and(abort::finish(&server));
    }
    Ok(())
}

enum Ended {
    Gracefully,
    Reset,
}

fn carry(
    context: &Context<'_>,
    client: &TcpStream,
    server: &TcpStream,
    up: &mut Half,
    down: &mut Half,
) -> io::Result<Ended> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let now = context.start.elapsed();
        if up.write(server, now)?.is_reset() || down.write(client, now)?.is_reset() {
            return Ok(Ended::Reset);
        }
        if up.ended && down.ended {
            return Ok(Ended::Gracefully);
        }
        let due = up.next_due(now).into_iter().chain(down.next_due(now)).min();
        let wanted = [
            (client.as_fd(), wanted(up, down, now)), //
            (server.as_fd(), wanted(down, up, now)),
        ];
        let timeout = due.map(|due| due.saturating_sub(context.start.elapsed()));
        if wait(context.stop, &wanted, timeout)? != Woken::Ready {
            return Ok(Ended::Reset);
        }
        let now = context.start.elapsed();
        up.read(client, now, &mut buffer)?;
        down.read(server, now, &mut buffer)?;
        context.recorder.record(up.channel.take_events());
        context.recorder.record(down.channel.take_events());
    }
}

/// What is wanted of a socket from which `from` comes and to which `to` goes. One that has ended its own half and waits for the other
/// is still watched: it may reset the connection. Where nothing is wanted and nothing can come, it is left out: poll(2) reports its
/// hanging up whether asked or not, again and again.
fn wanted(from: &Half, to: &Half, now: Duration) -> Option<PollFlags> {
    let flags = from.wants_to_read(now) | to.wants_to_write();
    (!flags.is_empty() || (from.closed && !to.ended)).then_some(flags)
}

/// One direction.
struct Half {
    channel: Channel,
    /// A piece that the destination took only in part, and how much of it.
    unwritten: Option<(Vec<u8>, usize)>,
    /// Its source has closed.
    closed: bool,
    /// Its destination has been told so.
    ended: bool,
}

#[derive(PartialEq)]
enum Wrote {
    AllThatWasDue,
    Reset,
}

impl Wrote {
    fn is_reset(&self) -> bool {
        *self == Wrote::Reset
    }
}

impl Half {
    fn new(channel: Channel) -> Half {
        Half { channel, unwritten: None, closed: false, ended: false }
    }

    fn wants_to_read(&self, now: Duration) -> PollFlags {
        let wants = !self.closed && self.channel.has_room(now);
        if wants { PollFlags::POLLIN } else { PollFlags::empty() }
    }

    fn wants_to_write(&self) -> PollFlags {
        if self.unwritten.is_some() { PollFlags::POLLOUT } else { PollFlags::empty() }
    }

    /// `None` also while the destination takes nothing: then that is what is waited for.
    fn next_due(&self, now: Duration) -> Option<Duration> {
        if self.unwritten.is_some() { None } else { self.channel.next_due(now) }
    }

    fn read(&mut self, mut source: &TcpStream, now: Duration, buffer: &mut [u8]) -> io::Result<()> {
        if self.wants_to_read(now).is_empty() {
            return Ok(());
        }
        match source.read(buffer) {
            Ok(0) => {
                self.closed = true;
                self.channel.close(now);
            }
            Ok(length) => self.channel.send(now, &buffer[..length]),
            Err(error) if is_nothing(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn write(&mut self, mut destination: &TcpStream, now: Duration) -> io::Result<Wrote> {
        loop {
            let (piece, done) = match self.unwritten.take() {
                Some(unwritten) => unwritten,
                None => match self.channel.take(now) {
                    Some(Piece::Bytes(bytes)) => (bytes, 0),
                    Some(Piece::End) => {
                        // Refused only when the connection is gone, which its other direction will notice.
                        let _ = destination.shutdown(std::net::Shutdown::Write);
                        self.ended = true;
                        return Ok(Wrote::AllThatWasDue);
                    }
                    Some(Piece::Reset) => return Ok(Wrote::Reset),
                    None => return Ok(Wrote::AllThatWasDue),
                },
            };
            match destination.write(&piece[done..]) {
                Ok(length) if done + length == piece.len() => {}
                Ok(length) => self.unwritten = Some((piece, done + length)),
                Err(error) if is_nothing(&error) => {
                    self.unwritten = Some((piece, done));
                    return Ok(Wrote::AllThatWasDue);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Why a wait has ended.
#[derive(PartialEq)]
enum Woken {
    /// Something can be done, perhaps.
    Ready,
    /// A peer of whom nothing is wanted has reset its connection.
    Reset,
    Stopped,
}

/// Waits for `stop`, for what is wanted of descriptors (`None`: they are left out), or for so long.
fn wait(
    stop: BorrowedFd<'_>,
    wanted: &[(BorrowedFd<'_>, Option<PollFlags>)],
    timeout: Option<Duration>,
) -> io::Result<Woken> {
    let mut descriptors = vec![PollFd::new(stop, PollFlags::POLLIN)];
    descriptors.extend(wanted.iter().filter_map(|(fd, flags)| Some(PollFd::new(*fd, (*flags)?))));
    sockets::wait(&mut descriptors, timeout)?;
    let is_reset = |fd: &PollFd<'_>| fd.events().is_empty() && fd.any() == Some(true);
    Ok(match &descriptors[..] {
        [stop, ..] if stop.any() == Some(true) => Woken::Stopped,
        [_, others @ ..] if others.iter().any(is_reset) => Woken::Reset,
        _ => Woken::Ready,
    })
}
