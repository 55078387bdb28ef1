//! A client that stays connected and exchanges message after message, in a closed loop or an open one.
//!
//! ```text
//! sent      ├────────────────────────▶│ pending ▶│        offsets into the pattern, no bytes are kept
//! received  ├───────────▶│  outstanding │
//!                        │ 16 × t1 │ 9 × t2 │            batches: how many messages were meant for which moment
//! ```
//!
//! One read and one write per wake-up, however many messages are in them: at 16 messages deep that is what makes three
//! million messages per second and core out of two hundred thousand wake-ups.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, TcpStream};

use nix::sys::epoll::EpollFlags;

use super::Event;
use super::desk::{Client, Desk};
use super::exchange::Script;
use super::poll::NEVER;
use super::run::Course;
use super::sockets::{Moved, established, hung_up, read, write};
use crate::core::trace::monotonic_ns;
use crate::report::ClientOutcome;

pub(super) struct Stream {
    token: u32,
    number: usize,
    stage: Stage,
    stream: Option<TcpStream>,
    course: Course,
    /// Where its pattern starts.
    phase: u64,
    /// Bytes sent and still to be sent.
    sent: u64,
    pending: u64,
    /// Bytes received, and how many of them belong to an answer that is not whole.
    received: u64,
    partial: u64,
    /// Messages without an answer, oldest first. In the closed loop at most as many as the window; in the open loop a
    /// stalled server lets it grow by 16 bytes per request, for that is what an open loop means.
    outstanding: VecDeque<Batch>,
    /// epoll reports when the socket is writable again.
    blocked: bool,
}

/// Messages that were meant to be sent at the same moment.
#[derive(Debug, Clone, Copy)]
struct Batch {
    at_ns: u64,
    messages: u64,
}

/// In the order of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Stage {
    Home,
    Connecting,
    /// Connected, and the others are not.
    Idle,
    Running,
    /// No more requests; the last answers are awaited.
    Draining,
    Gone,
}

impl Stream {
    pub(super) fn new(token: u32, number: usize, script: &Script) -> Stream {
        Stream {
            token,
            number,
            stage: Stage::Home,
            stream: None,
            course: Course::default(),
            phase: script.phase(number as u64),
            sent: 0,
            pending: 0,
            received: 0,
            partial: 0,
            outstanding: VecDeque::new(),
            blocked: false,
        }
    }

    fn push(&mut self, at_ns: u64, messages: u64, desk: &Desk<'_>) {
        self.outstanding.push_back(Batch { at_ns, messages });
        self.pending += messages * desk.script.ask_length;
    }

    /// Writes what is pending, as far as the socket takes it.
    fn send(&mut self, desk: &mut Desk<'_>) -> io::Result<()> {
        let Some(stream) = &self.stream else { return Ok(()) };
        while self.pending > 0 {
            let bytes = desk.script.to_send(self.phase + self.sent, self.pending);
            match write(stream, bytes) {
                Moved::Bytes(written) => {
                    self.sent += written as u64;
                    self.pending -= written as u64;
                }
                Moved::NotYet => break,
                Moved::End => return Err(hung_up()),
                Moved::Broken(error) => return Err(error),
            }
        }
        let blocked = self.pending > 0;
        if blocked != self.blocked {
            self.blocked = blocked;
            let also = if blocked { EpollFlags::EPOLLOUT } else { EpollFlags::empty() };
            desk.poll.change(stream, self.token, EpollFlags::EPOLLIN | also)?;
        }
        Ok(())
    }

    /// Reads once, judges the bytes, and in the closed loop asks again for every answer.
    fn receive(&mut self, desk: &mut Desk<'_>) -> io::Result<Verdict> {
        let Some(stream) = &self.stream else { return Ok(Verdict::GoOn) };
        let bytes = match read(stream, &mut desk.buffer) {
            Moved::Bytes(bytes) => bytes,
            Moved::NotYet => return Ok(Verdict::GoOn),
            Moved::End => return Err(hung_up()),
            Moved::Broken(error) => return Err(error),
        };
        if !desk.script.accepts(self.phase + self.received, &desk.buffer[..bytes]) {
            return Ok(Verdict::Wrong);
        }
        self.received += bytes as u64;
        self.partial += bytes as u64;
        let answers = self.partial / desk.script.answer_length;
        if answers == 0 {
            return Ok(Verdict::GoOn);
        }
        self.partial %= desk.script.answer_length;
        let now_ns = monotonic_ns();
        // An answer that comes after the measured time, because others have left, is not the service that was asked for.
        if self.course.served_ns.is_none() && now_ns < desk.measured.end {
            self.course.served_ns = Some(now_ns);
            desk.happened(self.number, &Event::Served);
        }
        if !self.account(answers, now_ns, desk) {
            // More answers than questions.
            return Ok(Verdict::Wrong);
        }
        if self.stage == Stage::Running && desk.plan.rate.is_none() {
            self.push(now_ns, answers, desk);
        }
        Ok(Verdict::GoOn)
    }

    /// Takes the oldest messages off the list; false when there were not so many.
    fn account(&mut self, mut answers: u64, now_ns: u64, desk: &mut Desk<'_>) -> bool {
        if desk.measured.contains(&now_ns) {
            desk.run.requests += answers;
        }
        while answers > 0 {
            let Some(batch) = self.outstanding.front_mut() else { return false };
            let messages = batch.messages.min(answers);
            let at_ns = batch.at_ns;
            batch.messages -= messages;
            answers -= messages;
            if batch.messages == 0 {
                self.outstanding.pop_front();
            }
            record(at_ns, messages, now_ns, desk);
        }
        true
    }

    fn step(&mut self, flags: EpollFlags, desk: &mut Desk<'_>) -> io::Result<Verdict> {
        if self.stage == Stage::Connecting {
            let stream = self.stream.as_ref().ok_or_else(hung_up)?;
            established(stream)?;
            self.course.connected_ns = Some(monotonic_ns());
            self.course.port = desk.port(self.number, stream);
            desk.poll.change(stream, self.token, EpollFlags::EPOLLIN)?;
            desk.poll.set_deadline(self.token, NEVER);
            desk.connecting -= 1;
            self.stage = Stage::Idle;
            desk.happened(self.number, &Event::Connected);
            return Ok(Verdict::GoOn);
        }
        if flags.intersects(EpollFlags::EPOLLIN | EpollFlags::EPOLLHUP | EpollFlags::EPOLLERR)
            && let Verdict::Wrong = self.receive(desk)?
        {
            return Ok(Verdict::Wrong);
        }
        self.send(desk)?;
        let over = self.stage == Stage::Draining && self.outstanding.is_empty();
        Ok(if over { Verdict::Finished } else { Verdict::GoOn })
    }

    fn judge(&mut self, verdict: io::Result<Verdict>, desk: &mut Desk<'_>) {
        match verdict {
            Ok(Verdict::GoOn) => {}
            Ok(Verdict::Finished) => {
                desk.happened(self.number, &Event::Finished);
                self.leave(Some(self.fate()), desk);
            }
            Ok(Verdict::Wrong) => {
                desk.wrong(self.number);
                self.leave(Some(ClientOutcome::Deceived), desk);
            }
            Err(error) => {
                desk.refused(self.number, &error);
                self.leave(Some(self.course.failure()), desk);
            }
        }
    }

    /// How a client without an error ends.
    fn fate(&self) -> ClientOutcome {
        if self.course.served_ns.is_some() { ClientOutcome::Served } else { ClientOutcome::GaveUp }
    }

    fn leave(&mut self, fate: Option<ClientOutcome>, desk: &mut Desk<'_>) {
        if self.stage <= Stage::Connecting {
            desk.connecting -= 1;
        }
        self.stage = Stage::Gone;
        if let Some(stream) = self.stream.take() {
            let _ = stream.shutdown(Shutdown::Write);
        }
        desk.poll.set_deadline(self.token, NEVER);
        desk.gone(self.number, &self.course, fate);
    }
}

impl Client for Stream {
    fn set_out(&mut self, desk: &mut Desk<'_>) {
        self.course.began_ns = monotonic_ns();
        self.stage = Stage::Connecting;
        desk.happened(self.number, &Event::Connecting);
        let connected = desk.connector.connect(None).and_then(|stream| {
            desk.poll.watch(&stream, self.token, EpollFlags::EPOLLOUT)?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => {
                self.stream = Some(stream);
                let patience_ns = desk.plan.patience().as_nanos() as u64;
                desk.poll.set_deadline(self.token, self.course.began_ns + patience_ns);
            }
            Err(error) => self.judge(Err(error), desk),
        }
    }

    fn begin(&mut self, desk: &mut Desk<'_>) {
        if self.stage != Stage::Idle {
            return;
        }
        self.stage = Stage::Running;
        desk.poll.set_deadline(self.token, desk.measured.end);
        if desk.plan.rate.is_none() {
            self.push(monotonic_ns(), desk.plan.window as u64, desk);
            self.flush(desk);
        }
    }

    /// An arrival for a client that is gone is lost with it: the client's fate says so.
    fn request(&mut self, at_ns: u64, desk: &mut Desk<'_>) {
        if self.stage == Stage::Running {
            self.push(at_ns, 1, desk);
        }
    }

    fn flush(&mut self, desk: &mut Desk<'_>) {
        // Two arrivals of one turn go out with one write; a blocked socket says itself when it can go on.
        if self.pending > 0 && !self.blocked {
            let sent = self.send(desk).map(|()| Verdict::GoOn);
            self.judge(sent, desk);
        }
    }

    fn ready(&mut self, flags: EpollFlags, desk: &mut Desk<'_>) {
        if self.stage != Stage::Gone {
            let verdict = self.step(flags, desk);
            self.judge(verdict, desk);
        }
    }

    fn expired(&mut self, desk: &mut Desk<'_>) {
        match self.stage {
            Stage::Connecting => {
                desk.happened(self.number, &Event::TimedOut);
                self.leave(Some(ClientOutcome::GaveUp), desk);
            }
            Stage::Running if self.outstanding.is_empty() => self.judge(Ok(Verdict::Finished), desk),
            Stage::Running => {
                self.stage = Stage::Draining;
                let patience_ns = desk.plan.patience().as_nanos() as u64;
                desk.poll.set_deadline(self.token, desk.measured.end + patience_ns);
            }
            Stage::Draining => {
                // Whoever left these out would report a stalled server as a fast one.
                let now_ns = monotonic_ns();
                for batch in std::mem::take(&mut self.outstanding) {
                    desk.run.unanswered += batch.messages;
                    record(batch.at_ns, batch.messages, now_ns, desk);
                }
                desk.happened(self.number, &Event::TimedOut);
                self.leave(Some(self.fate()), desk);
            }
            Stage::Home | Stage::Idle | Stage::Gone => {}
        }
    }

    fn interrupt(&mut self, desk: &mut Desk<'_>) {
        match self.stage {
            Stage::Gone => {}
            _ if self.course.served_ns.is_some() => self.leave(Some(ClientOutcome::Served), desk),
            _ => self.leave(None, desk),
        }
    }
}

enum Verdict {
    GoOn,
    Finished,
    Wrong,
}

fn record(at_ns: u64, messages: u64, now_ns: u64, desk: &mut Desk<'_>) {
    if desk.measured.contains(&at_ns) {
        desk.run.latency.saturating_record_n(now_ns.saturating_sub(at_ns), messages);
    }
}
