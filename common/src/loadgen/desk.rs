//! What a client is to its event loop, and what the loop holds ready for whoever is moving: one poll, one buffer, one
//! count of what happened.

use std::io;
use std::net::TcpStream;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use nix::sys::epoll::EpollFlags;

use super::exchange::Script;
use super::poll::Poll;
use super::run::{Course, Life, Run};
use super::sockets::Connector;
use super::{Event, Plan, Scenario, Watch};
use crate::core::trace::monotonic_ns;
use crate::report::ClientOutcome;

/// One simulated client. Every call may move it on by as much as can be done without waiting.
pub(super) trait Client: Send {
    /// It sets out.
    fn set_out(&mut self, desk: &mut Desk<'_>);
    /// Its socket is ready.
    fn ready(&mut self, flags: EpollFlags, desk: &mut Desk<'_>);
    /// The deadline that it set is over.
    fn expired(&mut self, desk: &mut Desk<'_>);
    /// The simulation ends: it must be gone when this returns.
    fn interrupt(&mut self, desk: &mut Desk<'_>);
    /// Everyone is connected, the clock of `echo` starts.
    fn begin(&mut self, _desk: &mut Desk<'_>) {}
    /// An arrival of the open loop: a request that was meant for `at_ns`.
    fn request(&mut self, _at_ns: u64, _desk: &mut Desk<'_>) {}
    /// Sends the requests that have arrived.
    fn flush(&mut self, _desk: &mut Desk<'_>) {}
}

/// What an event loop has for its clients: one of everything, used by whoever is moving.
pub(super) struct Desk<'a> {
    pub(super) plan: &'a Plan,
    pub(super) script: &'a Script,
    pub(super) poll: Poll,
    pub(super) connector: Connector,
    /// What is read is judged at once and forgotten: one buffer for all.
    pub(super) buffer: Box<[u8]>,
    pub(super) run: Run,
    /// The measured time of `echo`: answers within it are counted.
    pub(super) measured: Range<u64>,
    /// Clients of `echo` that are neither connected nor gone.
    pub(super) connecting: usize,
    pub(super) shared: &'a Shared<'a>,
    /// Real clients of this loop that are not gone.
    pub(super) live: usize,
}

impl Desk<'_> {
    /// The client has come to this point of its life. `client` counts from 0.
    pub(super) fn happened(&self, client: usize, event: &Event<'_>) {
        self.shared.watch.happened(client + 1, event);
    }

    /// A step of the work that the progress shows.
    pub(super) fn advance(&self) {
        self.shared.done.fetch_add(1, SeqCst);
    }

    /// The client was refused for this reason.
    pub(super) fn refused(&mut self, client: usize, error: &io::Error) {
        self.run.first_error.get_or_insert_with(|| error.to_string());
        self.happened(client, &Event::Refused(error));
    }

    /// The client got wrong bytes.
    pub(super) fn wrong(&mut self, client: usize) {
        self.run.wrong += 1;
        self.run.first_error.get_or_insert_with(|| "the server answered wrong bytes".to_string());
        self.happened(client, &Event::WrongBytes);
    }

    /// The client is gone; `None` when it had to go because of an interruption.
    pub(super) fn gone(&mut self, client: usize, course: &Course, fate: Option<ClientOutcome>) {
        self.happened(client, &Event::Disconnected);
        self.live -= 1;
        self.run.connected += u64::from(course.connected_ns.is_some());
        match fate {
            Some(ClientOutcome::Served) => self.run.served += 1,
            Some(ClientOutcome::GaveUp) => self.run.gave_up += 1,
            Some(failed) => {
                self.run.refused += 1;
                self.run.lost += u64::from(failed == ClientOutcome::Lost);
                self.run.deceived += u64::from(failed == ClientOutcome::Deceived);
            }
            None => self.run.unfinished += 1,
        }
        if let Some(served_ns) = course.served_ns.filter(|_| fate == Some(ClientOutcome::Served)) {
            self.run.wait.saturating_record(served_ns - course.began_ns);
        }
        if let Some(fate) = fate.filter(|_| self.keeps(client)) {
            self.run.lives.push(Life {
                client: client + 1,
                name: format!("client-{}", client + 1),
                port: course.port,
                began_ns: course.began_ns,
                connected_ns: course.connected_ns,
                served_ns: course.served_ns,
                ended_ns: monotonic_ns(),
                fate,
            });
        }
        if self.plan.scenario != Scenario::Connect {
            self.advance();
        }
    }

    /// The local port, where this client's life is kept; asking costs a system call.
    pub(super) fn port(&self, client: usize, stream: &TcpStream) -> u16 {
        if !self.keeps(client) {
            return 0;
        }
        stream.local_addr().map_or(0, |address| address.port())
    }

    fn keeps(&self, client: usize) -> bool {
        client < self.plan.keep_lives
    }
}

/// What the loops of one simulation have in common.
pub(super) struct Shared<'a> {
    pub(super) watch: &'a dyn Watch,
    pub(super) interrupted: &'a AtomicBool,
    /// A loop could not go on: the others leave too.
    pub(super) failed: AtomicBool,
    /// Loops whose clients are all connected or gone.
    pub(super) ready: AtomicUsize,
    /// When the clock started; 0 before.
    pub(super) started_ns: AtomicU64,
    /// Loops that still have real clients: the faulty ones stay as long.
    pub(super) busy: AtomicUsize,
    pub(super) done: AtomicU64,
    pub(super) threads: usize,
}
