//! A process per connection: the oldest concurrent server, the lab's `TCPechod` and csd's `server01.py`.
//!
//! ```text
//!   parent ──► poll ──► accept ──► fork ──► close its copy ──┐
//!               ▲  ▲─────────────────│───────────────────────┘
//!               │ SIGCHLD            └──► child: close the listening socket, converse, exit
//!               └── reap ◄───────────────────────────────────────────────┘
//! ```
//!
//! - **Accepts:** the parent. **Answers:** a child per connection.
//! - **Waits in:** the parent in `poll(2)` for a client or for a child's death; a child in `recv(2)`.
//! - **The price:** a `fork` and an `exit` per connection, and a process's memory per client. Nothing is shared: what
//!   a child writes, nobody else will read.
//! - **The reaper:** a dead child stays a zombie until its parent has waited for it. A handler of SIGCHLD would do, but
//!   then the handler and the loop share the list of children. Here SIGCHLD is blocked and read from a descriptor
//!   (signalfd(2)), beside the listening socket: no handler, no race between looking and waiting. The lab's `while (wait3(…) >= 0)`
//!   spins for as long as another child lives; the loop must end at 0 (see `reap` below and `show zombie`).

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, close};

use common::core::connection::{Connected, Wakeup, converse};
use common::core::listener::{ACCEPT_BACKOFF, AcceptOutcome, Listener};
use common::core::server::Server;
use common::core::workers::{ChildExits, end_all, fork_worker};

/// Forks a child per connection until the stop, then ends every child.
pub fn run(server: &Server, listener: Listener) -> io::Result<()> {
    let listener = listener.nonblocking_accept()?;
    let exits = ChildExits::watch()?;
    let mut children = BTreeSet::new();
    let mut number = 0;
    server.ready();
    while !server.stop.requested() {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        // An error is EINTR, the stop: the loop's condition sees it. If it came just before, the listening socket is closed and
        // poll returns at once.
        let _ = poll(&mut [readable(listener.as_fd()), readable(exits.as_fd())], PollTimeout::NONE);
        reap(server, &exits, &mut children);
        match server.accept(&listener)? {
            AcceptOutcome::Accepted(stream, peer) => {
                number += 1;
                let child = fork_worker(server, &format!("child-{number}"), || {
                    close(listener.as_raw_fd())?; // the child has no business there
                    let wakeup = Wakeup::for_service(&*server.service)?;
                    converse(server, Connected { stream: stream.try_clone()?, peer, wakeup });
                    Ok(())
                });
                match child {
                    Ok(pid) => drop(children.insert(pid)),
                    Err(error) => {
                        tracing::warn!("client {peer} is refused: no process for it: {error}");
                    }
                }
                // The parent's copy of the connection is closed here: as long as it were open, the client would never
                // see the end of the stream.
            }
            AcceptOutcome::Full => server.stop.rest(ACCEPT_BACKOFF),
            AcceptOutcome::WouldBlock => {}
            AcceptOutcome::Closed => break,
        }
    }
    end_all(server.stop, children);
    Ok(())
}

/// Waits for every child that is dead, and for none that lives.
fn reap(server: &Server, exits: &ChildExits, children: &mut BTreeSet<Pid>) {
    exits.forget();
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::StillAlive) => break, // the 0 at which the lab's loop must end
            Ok(status) => {
                if let Some(pid) = status.pid() {
                    server.limits.budget.close_account(pid);
                    children.remove(&pid);
                }
            }
            // ECHILD: there is none, even if somebody else has waited for it.
            Err(_) => {
                children.iter().for_each(|&pid| server.limits.budget.close_account(pid));
                children.clear();
                break;
            }
        }
    }
}
