//! A client that comes once: connects, asks, waits as long as its patience lasts, stays, leaves (notes, figure 4.5).
//!
//! ```text
//! home ─▶ connecting ─▶ waiting ─▶ staying ─▶ gone         served
//!              └────────────┴─▶ patience over ─▶ gone      gave up
//!              └────────────┴─────────┴─▶ hung up ─▶ gone  refused
//! ```
//!
//! Its patience counts from setting out, not per system call as `settimeout` does in the notes: whoever waits does not
//! care in which queue.

use std::io;
use std::net::{Shutdown, TcpStream};

use nix::sys::epoll::EpollFlags;

use super::desk::{Client, Desk};
use super::poll::NEVER;
use super::run::Course;
use super::sockets::{Moved, established, hung_up, read, write};
use super::{Event, Plan, Scenario, decisions};
use crate::core::trace::monotonic_ns;
use crate::report::ClientOutcome;

pub(super) struct Visit {
    token: u32,
    number: usize,
    stage: Stage,
    stream: Option<TcpStream>,
    course: Course,
    /// Empty where the server speaks first.
    request: Vec<u8>,
    sent: usize,
    answered: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Home,
    Connecting,
    Waiting,
    Staying,
    Gone,
}

impl Visit {
    pub(super) fn new(token: u32, number: usize, plan: &Plan) -> Visit {
        let request = match plan.scenario {
            Scenario::Heavy | Scenario::Crowd => {
                decisions::request_text(plan.seed, number as u64, plan.bytes)
            }
            _ => Vec::new(),
        };
        Visit {
            token,
            number,
            stage: Stage::Home,
            stream: None,
            course: Course::default(),
            request,
            sent: 0,
            answered: 0,
        }
    }

    /// Moves on until it would have to wait.
    fn step(&mut self, flags: EpollFlags, desk: &mut Desk<'_>) -> Result<(), Trouble> {
        let stream = self.stream.as_ref().ok_or_else(hung_up)?;
        if self.stage == Stage::Connecting {
            established(stream)?;
            self.course.connected_ns = Some(monotonic_ns());
            self.course.port = desk.port(self.number, stream);
            self.stage = Stage::Waiting;
            desk.happened(self.number, &Event::Connected);
            desk.poll.change(stream, self.token, self.interest())?;
        }
        if self.stage == Stage::Staying {
            // Only an early end can wake a client that stays. A server that has offered its service may have shut
            // down its sending half long ago, as the notes' does; hanging up entirely it may not.
            return Err(stream.take_error()?.unwrap_or_else(hung_up).into());
        }
        self.ask(desk)?;
        if flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR) {
            self.listen(desk)?;
        }
        Ok(())
    }

    fn ask(&mut self, desk: &mut Desk<'_>) -> Result<(), Trouble> {
        let Some(stream) = self.stream.as_ref().filter(|_| self.sent < self.request.len()) else {
            return Ok(());
        };
        match write(stream, &self.request[self.sent..]) {
            Moved::Bytes(bytes) => self.sent += bytes,
            Moved::NotYet => {}
            Moved::End => return Err(hung_up().into()),
            Moved::Broken(error) => return Err(error.into()),
        }
        if self.sent == self.request.len() {
            desk.poll.change(stream, self.token, self.interest())?;
        }
        Ok(())
    }

    fn listen(&mut self, desk: &mut Desk<'_>) -> Result<(), Trouble> {
        let Some(stream) = &self.stream else { return Ok(()) };
        let bytes = match read(stream, &mut desk.buffer) {
            Moved::Bytes(bytes) => bytes,
            Moved::NotYet => return Ok(()),
            Moved::End => return Err(hung_up().into()),
            Moved::Broken(error) => return Err(error.into()),
        };
        if !self.request.is_empty() {
            let expected = self.request.get(self.answered..self.answered + bytes);
            if expected != Some(&desk.buffer[..bytes]) {
                return Err(Trouble::WrongBytes);
            }
            self.answered += bytes;
            if self.answered < self.request.len() {
                return Ok(());
            }
        }
        let now_ns = monotonic_ns();
        self.course.served_ns = Some(now_ns);
        desk.run.requests += 1;
        if !self.request.is_empty() {
            desk.run.latency.saturating_record(now_ns - self.course.began_ns);
        }
        desk.happened(self.number, &Event::Served);
        let stay = desk.plan.scaled_stay();
        if stay.is_zero() {
            self.leave(Some(ClientOutcome::Served), desk);
        } else {
            self.stage = Stage::Staying;
            desk.poll.change(stream, self.token, self.interest())?;
            desk.poll.set_deadline(self.token, now_ns + stay.as_nanos() as u64);
        }
        Ok(())
    }

    fn interest(&self) -> EpollFlags {
        match self.stage {
            Stage::Connecting => EpollFlags::EPOLLOUT,
            Stage::Waiting if self.sent < self.request.len() => EpollFlags::EPOLLIN | EpollFlags::EPOLLOUT,
            Stage::Waiting => EpollFlags::EPOLLIN,
            // The end of stream is part of the notes' service, but not of an echo. A broken connection is reported
            // without being asked for.
            Stage::Staying if !self.request.is_empty() => EpollFlags::EPOLLRDHUP,
            _ => EpollFlags::empty(),
        }
    }

    fn leave(&mut self, fate: Option<ClientOutcome>, desk: &mut Desk<'_>) {
        if let Some(stream) = self.stream.take()
            && fate == Some(ClientOutcome::Served)
        {
            desk.happened(self.number, &Event::Finished);
            // As in the notes. It fails when the server was faster, and then it does not matter.
            let _ = stream.shutdown(Shutdown::Write);
        }
        self.stage = Stage::Gone;
        desk.poll.set_deadline(self.token, NEVER);
        desk.gone(self.number, &self.course, fate);
    }

    fn in_trouble(&mut self, trouble: &Trouble, desk: &mut Desk<'_>) {
        let outcome = match trouble {
            Trouble::WrongBytes => {
                desk.wrong(self.number);
                ClientOutcome::Deceived
            }
            Trouble::Refused(error) => {
                desk.refused(self.number, error);
                self.course.failure()
            }
        };
        self.leave(Some(outcome), desk);
    }
}

impl Client for Visit {
    fn set_out(&mut self, desk: &mut Desk<'_>) {
        self.course.began_ns = monotonic_ns();
        desk.happened(self.number, &Event::Connecting);
        self.stage = Stage::Connecting;
        let connected = desk.connector.connect(None).and_then(|stream| {
            desk.poll.watch(&stream, self.token, self.interest())?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => {
                self.stream = Some(stream);
                let patience_ns = desk.plan.patience().as_nanos() as u64;
                desk.poll.set_deadline(self.token, self.course.began_ns + patience_ns);
            }
            Err(error) => self.in_trouble(&Trouble::Refused(error), desk),
        }
    }

    fn ready(&mut self, flags: EpollFlags, desk: &mut Desk<'_>) {
        if self.stage == Stage::Gone {
            return; // see Poll::watch: a socket that we have closed may still be reported
        }
        if let Err(trouble) = self.step(flags, desk) {
            self.in_trouble(&trouble, desk);
        }
    }

    fn expired(&mut self, desk: &mut Desk<'_>) {
        match self.stage {
            Stage::Staying => self.leave(Some(ClientOutcome::Served), desk),
            Stage::Connecting | Stage::Waiting => {
                desk.happened(self.number, &Event::TimedOut);
                self.leave(Some(ClientOutcome::GaveUp), desk);
            }
            Stage::Home | Stage::Gone => {}
        }
    }

    fn interrupt(&mut self, desk: &mut Desk<'_>) {
        if self.stage == Stage::Home {
            self.course.began_ns = monotonic_ns();
        }
        if self.stage != Stage::Gone {
            self.leave(None, desk);
        }
    }
}

/// Why a client leaves before its time.
enum Trouble {
    WrongBytes,
    Refused(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Refused(error)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::atomic::AtomicBool;

    use super::super::Unwatched;
    use super::super::desk::Shared;
    use super::super::exchange::{CHUNK, Script};
    use super::super::poll::Poll;
    use super::super::run::Run;
    use super::super::sockets::Connector;
    use super::*;

    #[test]
    fn a_client_that_is_gone_is_not_counted_again_when_its_closed_socket_is_reported() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let plan = Plan { clients: 1, ..Plan::new(Scenario::Patience, listener.local_addr().unwrap()) };
        let (script, interrupted) = (Script::echo(1, 1), AtomicBool::new(false));
        let shared = Shared {
            watch: &Unwatched,
            interrupted: &interrupted,
            failed: AtomicBool::new(false),
            ready: 0.into(),
            started_ns: 0.into(),
            busy: 1.into(),
            done: 0.into(),
            threads: 1,
        };
        let mut desk = Desk {
            plan: &plan,
            script: &script,
            poll: Poll::new(1).unwrap(),
            connector: Connector::new(&plan),
            buffer: vec![0; CHUNK].into_boxed_slice(),
            run: Run::new(),
            measured: NEVER..NEVER,
            connecting: 0,
            shared: &shared,
            live: 1,
        };
        let mut client = Visit::new(0, 0, &plan);
        client.set_out(&mut desk);
        client.expired(&mut desk);
        assert_eq!((desk.live, desk.run.gave_up), (0, 1));
        client.ready(EpollFlags::EPOLLHUP, &mut desk);
        assert_eq!((desk.live, desk.run.refused), (0, 0));
    }
}
