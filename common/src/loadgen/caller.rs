//! A child of csdesign's client: opens one connection after another, asks in each for a number of bytes, reads exactly
//! that many and closes.
//!
//! ```text
//! connect ─ "3000" ─ 3000 bytes ─ close ─ connect ─ "3000" ─ …        latency: from connect to the last byte
//! ```
//!
//! A server of another protocol is asked with the plan's fixed bytes instead of the number.
//!
//! The child closes first, so that the local port of each connection rests in TIME_WAIT for a minute. On loopback Linux
//! gives such a port to a new connection after a second (`net.ipv4.tcp_tw_reuse`); beyond that, source addresses are
//! taken in turn (see `sockets.rs`).

use std::io;
use std::net::TcpStream;

use nix::sys::epoll::EpollFlags;

use super::Event;
use super::desk::{Client, Desk};
use super::exchange::Exchange;
use super::poll::NEVER;
use super::run::Course;
use super::sockets::{Moved, established, hung_up, read, write};
use crate::core::trace::monotonic_ns;
use crate::report::ClientOutcome;

pub(super) struct Caller {
    token: u32,
    number: usize,
    course: Course,
    stream: Option<TcpStream>,
    /// When this connection was begun.
    called_ns: u64,
    asked: bool,
    missing: usize,
    /// Connections made or failed.
    calls: usize,
    broken: usize,
    /// One of them because of wrong bytes.
    is_deceived: bool,
    gone: bool,
}

impl Caller {
    pub(super) fn new(token: u32, number: usize) -> Caller {
        Caller {
            token,
            number,
            course: Course::default(),
            stream: None,
            called_ns: 0,
            asked: false,
            missing: 0,
            calls: 0,
            broken: 0,
            is_deceived: false,
            gone: false,
        }
    }

    /// Begins connections until one is under way or all are done.
    fn call(&mut self, desk: &mut Desk<'_>) {
        while self.calls < desk.plan.connections {
            self.called_ns = monotonic_ns();
            (self.asked, self.missing) = (false, answer_length(desk));
            let begun = desk.connector.connect(None).and_then(|stream| {
                // On loopback the connection is there when connect returns, and asking at once saves a wake-up.
                self.ask(&stream, desk)?;
                desk.poll.watch(&stream, self.token, self.interest())?;
                Ok(stream)
            });
            match begun {
                Ok(stream) => {
                    self.stream = Some(stream);
                    let patience_ns = desk.plan.patience().as_nanos() as u64;
                    desk.poll.set_deadline(self.token, self.called_ns + patience_ns);
                    return;
                }
                Err(error) => self.count_broken(&error, desk),
            }
        }
        let fate = match self.broken {
            0 => ClientOutcome::Served,
            _ if self.is_deceived => ClientOutcome::Deceived,
            _ => self.course.failure(),
        };
        self.leave(Some(fate), desk);
    }

    fn ask(&mut self, stream: &TcpStream, desk: &mut Desk<'_>) -> io::Result<()> {
        let mut number = [0; 24];
        let ask = match desk.plan.exchange {
            Some(_) => desk.script.to_send(0, desk.script.ask_length),
            None => {
                use io::Write;
                let mut rest = &mut number[..];
                write!(rest, "{}{}", desk.plan.bytes, if desk.plan.newline { "\n" } else { "" })?;
                let length = 24 - rest.len();
                &number[..length]
            }
        };
        match write(stream, ask) {
            Moved::Bytes(bytes) if bytes == ask.len() => self.asked = true,
            Moved::NotYet => return Ok(()),
            Moved::Broken(error) => return Err(error),
            // A fresh socket takes a request whole or not at all.
            Moved::Bytes(_) | Moved::End => return Err(hung_up()),
        }
        if self.course.connected_ns.is_none() {
            self.course.connected_ns = Some(monotonic_ns());
            desk.happened(self.number, &Event::Connected);
        }
        Ok(())
    }

    /// Whether the connection has given all that it should.
    fn step(&mut self, stream: &TcpStream, desk: &mut Desk<'_>) -> io::Result<bool> {
        if !self.asked {
            established(stream)?;
            self.ask(stream, desk)?;
            desk.poll.change(stream, self.token, self.interest())?;
            return Ok(false);
        }
        match read(stream, &mut desk.buffer) {
            Moved::Bytes(bytes) if bytes > self.missing => {
                self.is_deceived = true;
                desk.wrong(self.number);
                return Err(io::Error::other("more bytes than asked for"));
            }
            Moved::Bytes(bytes) => {
                let offset = answer_length(desk) - self.missing;
                if desk.plan.exchange.is_some() && !desk.script.accepts(offset as u64, &desk.buffer[..bytes])
                {
                    self.is_deceived = true;
                    desk.wrong(self.number);
                    return Err(io::Error::other("wrong bytes"));
                }
                self.missing -= bytes;
            }
            Moved::NotYet => {}
            Moved::End => return Err(hung_up()),
            Moved::Broken(error) => return Err(error),
        }
        Ok(self.missing == 0)
    }

    fn interest(&self) -> EpollFlags {
        if self.asked { EpollFlags::EPOLLIN } else { EpollFlags::EPOLLOUT }
    }

    fn count_broken(&mut self, error: &io::Error, desk: &mut Desk<'_>) {
        self.calls += 1;
        self.broken += 1;
        desk.run.broken += 1;
        desk.refused(self.number, error);
        desk.advance();
    }

    fn leave(&mut self, fate: Option<ClientOutcome>, desk: &mut Desk<'_>) {
        self.gone = true;
        self.stream = None;
        desk.poll.set_deadline(self.token, NEVER);
        desk.gone(self.number, &self.course, fate);
    }
}

impl Client for Caller {
    fn set_out(&mut self, desk: &mut Desk<'_>) {
        self.course.began_ns = monotonic_ns();
        desk.happened(self.number, &Event::Connecting);
        self.call(desk);
    }

    fn ready(&mut self, _flags: EpollFlags, desk: &mut Desk<'_>) {
        let Some(stream) = self.stream.take() else { return };
        match self.step(&stream, desk) {
            Ok(false) => {
                self.stream = Some(stream);
                return;
            }
            Ok(true) => {
                let now_ns = monotonic_ns();
                if self.course.served_ns.is_none() {
                    self.course.served_ns = Some(now_ns);
                    desk.happened(self.number, &Event::Served);
                }
                if self.calls + 1 == desk.plan.connections {
                    self.course.port = desk.port(self.number, &stream);
                }
                self.calls += 1;
                desk.run.requests += 1;
                desk.run.latency.saturating_record(now_ns - self.called_ns);
                desk.advance();
            }
            Err(error) => self.count_broken(&error, desk),
        }
        drop(stream);
        self.call(desk);
    }

    fn expired(&mut self, desk: &mut Desk<'_>) {
        desk.happened(self.number, &Event::TimedOut);
        desk.run.broken += 1;
        self.leave(Some(ClientOutcome::GaveUp), desk);
    }

    fn interrupt(&mut self, desk: &mut Desk<'_>) {
        if !self.gone {
            self.leave(None, desk);
        }
    }
}

/// Bytes that a connection must bring.
fn answer_length(desk: &Desk<'_>) -> usize {
    desk.plan.exchange.as_ref().map_or(desk.plan.bytes, Exchange::answer_length)
}
