//! Children forked beforehand; the parent accepts and passes the connection to an idle one: csd's `server04.py`, UNP 30.9.
//!
//! ```text
//!   parent ──► poll ──► accept ──► sendmsg(SCM_RIGHTS) ──► child-3: recvmsg ──► converse ──┐
//!               ▲                                                                          │
//!               └──────────────────────── one byte: "I am idle again" ◄────────────────────┘
//! ```
//!
//! - **Accepts:** the parent, and only while some child is idle. **Answers:** the child that got the descriptor.
//! - **Waits in:** the parent in `poll(2)` for a client, a child's byte or a child's end; a child in `poll(2)` for a
//!   connection or the stop, then in `recv(2)`.
//! - **The price:** two messages over a Unix socket per connection, and everything goes through the parent.
//! - **The trap:** a child inherits the parent's ends of its elder siblings' sockets. Closing the parent's end therefore
//!   ends nobody's `recvmsg`; `shutdown(2)` on it does, whoever else holds a copy.
//! - **Differs from `prefork`:** the parent knows who is idle and chooses; no child competes for `accept`.

#![expect(unsafe_code, reason = "a descriptor that came in a message is a bare number")]

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::cmsg_space;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

use common::core::connection::{Connected, Wakeup, converse};
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::service::{Peer, PeerAddress};
use common::core::workers::WorkerPool;

/// Passes connections to `workers` children until the stop.
pub fn run(server: &Server, listener: Listener, workers: usize) -> io::Result<()> {
    let listener = listener.nonblocking_accept()?;
    let mut pool = WorkerPool::new(server, "child")?;
    let mut lines = Vec::new();
    for number in 0..workers {
        let (line, childs_end) = new_line()?;
        pool.spawn(number, || child(server, &childs_end))?;
        lines.push(line);
    }
    server.ready();
    let mut idle: Vec<usize> = (0..workers).rev().collect();
    while !server.stop.requested() {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds: Vec<PollFd> = lines.iter().map(|line| readable(line.as_fd())).collect();
        if !idle.is_empty() {
            fds.push(readable(listener.as_fd()));
        }
        fds.push(readable(server.stop.fd()));
        if poll(&mut fds, PollTimeout::NONE).is_err() {
            continue; // EINTR: the stop
        }
        let spoken: Vec<usize> = (0..workers).filter(|&number| fds[number].any() == Some(true)).collect();
        for number in spoken {
            match lines[number].read(&mut [0]) {
                Ok(1) => idle.push(number),
                // Nothing: the line is that of a successor, spawned a moment ago.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The end: only a dead child closes its end, for nobody else has a copy of it.
                _ => {
                    let Some(dead) = pool.wait_for_exit()? else { break };
                    let (line, childs_end) = new_line()?;
                    pool.replace(dead, || child(server, &childs_end))?;
                    lines[dead] = line;
                    idle.retain(|&other| other != dead);
                    idle.push(dead);
                }
            }
        }
        if let Some(&number) = idle.last() {
            match server.accept(&listener)? {
                AcceptOutcome::Accepted(stream, peer) => {
                    idle.pop();
                    server.counters.worker(number).count();
                    if pass(&lines[number], &stream, peer).is_err() {
                        tracing::warn!("client {peer} is refused: child-{number} died as it came");
                    }
                }
                AcceptOutcome::Full => server.stop.rest(ACCEPT_BACKOFF),
                AcceptOutcome::WouldBlock => {}
                AcceptOutcome::Closed => break,
            }
        }
    }
    for line in &lines {
        let _ = line.shutdown(Shutdown::Both);
    }
    pool.shutdown();
    Ok(())
}

/// The parent's end, which is never waited for, and the child's.
fn new_line() -> io::Result<(UnixStream, UnixStream)> {
    let (line, childs_end) = UnixStream::pair()?;
    line.set_nonblocking(true)?;
    Ok((line, childs_end))
}

fn child(server: &Server, mut line: &UnixStream) -> io::Result<()> {
    while let Some(connected) = receive(server, line)? {
        converse(server, connected);
        if line.write_all(b"i").is_err() {
            break; // the parent is gone
        }
    }
    Ok(())
}

/// The address travels as text beside the descriptor: the child logs and publishes under it.
fn pass(line: &UnixStream, stream: &TcpStream, peer: Peer) -> nix::Result<()> {
    let address = peer.address.to_string();
    let fds = [stream.as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&fds)];
    sendmsg::<UnixAddr>(
        line.as_raw_fd(),
        &[IoSlice::new(address.as_bytes())],
        &rights,
        MsgFlags::MSG_NOSIGNAL,
        None,
    )
    .map(drop)
}

/// Takes the next connection. Its descriptor needs a place in this process's table: a spare one is held until the moment it is needed.
fn receive(server: &Server, line: &UnixStream) -> io::Result<Option<Connected>> {
    let mut address = [0; 64];
    let mut space = cmsg_space!([RawFd; 1]);
    let (wakeup, mut spare) = loop {
        match Wakeup::for_service(&*server.service).and_then(|wakeup| Ok((wakeup, line.try_clone()?))) {
            _ if server.stop.requested() => return Ok(None),
            Ok((wakeup, spare)) => break (wakeup, Some(spare)),
            Err(error) if Listener::is_full(&error) => server.stop.rest(ACCEPT_BACKOFF),
            Err(error) => return Err(error),
        }
    };
    loop {
        // Not in recvmsg: a SIGTERM that comes just before it would be waited out for ever when the parent is dead,
        // because this child has a copy of the parent's end of its own line, and so never sees the line's end.
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let _ = poll(&mut [readable(line.as_fd()), readable(server.stop.fd())], PollTimeout::NONE);
        if server.stop.requested() {
            return Ok(None);
        }
        drop(spare.take());
        let mut buffers = [IoSliceMut::new(&mut address)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        let message = match recvmsg::<UnixAddr>(line.as_raw_fd(), &mut buffers, Some(&mut space), flags) {
            Err(nix::Error::EINTR | nix::Error::EAGAIN) => continue,
            message => message?,
        };
        if message.bytes == 0 {
            return Ok(None); // the parent has shut down the line: the stop
        }
        let length = message.bytes;
        // An error is MSG_CTRUNC: the kernel had no room for the descriptor in this child's table, or in the system's.
        let fd = message.cmsgs().ok().and_then(|mut messages| {
            messages.find_map(|control| match control {
                ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
                _ => None,
            })
        });
        let Some(fd) = fd else {
            tracing::warn!("no descriptor left for a client: it is refused");
            (&*line).write_all(b"i")?;
            continue;
        };
        // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
        let stream = TcpStream::from(unsafe { OwnedFd::from_raw_fd(fd) });
        let text = String::from_utf8_lossy(&address[..length]).into_owned();
        let address: PeerAddress = text.parse().map_err(io::Error::other)?;
        return Ok(Some(Connected { stream, peer: Peer::at(address), wakeup }));
    }
}
