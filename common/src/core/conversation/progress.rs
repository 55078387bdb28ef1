//! What is to be done next, until when, and how it has ended.

use std::io;
use std::time::Instant;

use super::clock::Phase;
use super::layer::Layered;
use super::{Conversation, Failure, LATE_ANSWERS, Next};
use crate::core::outbox::Outbox;
use crate::core::service::{AfterAnswer, Refusal};

impl Conversation {
    /// When [`handle_timeout`](Conversation::handle_timeout) is to be called, if what [`next`](Conversation::next) has asked for
    /// has not come by then.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.clock.deadline()
    }

    /// The time is `now`. If the deadline has come, the client is refused or the connection is to be closed: go on with
    /// [`next`](Conversation::next).
    pub fn handle_timeout(&mut self, now: Instant) {
        if !self.clock.is_over(now) {
            return;
        }
        match self.clock.phase() {
            Phase::Sending => self.failure = Some(Failure::Stalled),
            Phase::Lingering => self.failure = Some(Failure::Lingers),
            Phase::FirstRequest | Phase::Request | Phase::Idle => self.refuse(Refusal::TimedOut),
            Phase::Untimed => {}
        }
    }

    /// Says the protocol's last words and ends the conversation.
    pub(super) fn refuse(&mut self, why: Refusal) {
        let what = match (why, self.clock.phase()) {
            (Refusal::NoRoom, _) => "there is no memory for its request",
            (_, Phase::FirstRequest) => "it has not asked in its time",
            (_, Phase::Request) => "its request does not come in its time",
            _ => "it was idle for too long",
        };
        tracing::info!("client {} is disconnected: {what}", self.peer());
        let words = self.exchange.refusal(why);
        self.stream = None;
        (self.is_pending, self.pending_bytes) = (false, 0);
        self.output.append(words);
        self.go_on(AfterAnswer::Close);
        let _ = self.reserve(self.input.capacity(), self.output.own());
    }

    /// What is to be done next, after [`poll_request`](Conversation::poll_request) has returned `false`.
    #[must_use]
    pub fn next(&mut self, now: Instant) -> Next {
        if self.outbox.as_ref().is_some_and(Outbox::is_full) {
            self.failure = Some(Failure::QueueFull);
        }
        if self.layer.is_some() && self.seal().is_err() {
            self.failure = Some(Failure::Layer);
        }
        if self.failure.is_some() {
            return Next::Close;
        }
        let (mut next, mut phase) = self.what_is_next();
        if matches!(next, Next::HalfClose | Next::Close) && self.layer.as_mut().is_some_and(Layered::close) {
            (next, phase) = (Next::Send, Phase::Sending);
        }
        self.clock.wait_for(phase, now);
        next
    }

    pub(super) fn what_is_next(&self) -> (Next, Phase) {
        if !self.transmit().is_empty() {
            return (Next::Send, Phase::Sending);
        }
        if self.stream.is_some() {
            return (self.not_before.map_or(Next::Poll, Next::WaitUntil), Phase::Untimed);
        }
        if self.is_pending {
            return (Next::Wait, Phase::Untimed);
        }
        if self.output.is_late()
            && (self.ending.is_some() || self.input.ended() || self.late_answers >= LATE_ANSWERS)
        {
            return (Next::Wait, Phase::Untimed);
        }
        match self.ending {
            Some(_) if self.input.ended() => (Next::Close, Phase::Untimed),
            Some(_) if !self.half_closed => (Next::HalfClose, Phase::Untimed),
            Some(AfterAnswer::Close) => (Next::Receive, Phase::Lingering),
            Some(_) => (Next::Receive, Phase::Untimed),
            None if self.is_paused() => (Next::Wait, Phase::Untimed),
            None if !self.exhausted => (Next::Poll, Phase::Untimed),
            None if self.input.ended() => (Next::Close, Phase::Untimed),
            None if !self.input.bytes().is_empty() || self.exchange.is_inside_request() => {
                (Next::Receive, Phase::Request)
            }
            None if self.has_asked => (Next::Receive, Phase::Idle),
            None => (Next::Receive, Phase::FirstRequest),
        }
    }

    /// How it has ended, for the log.
    ///
    /// # Errors
    /// `TimedOut` for a client that does not take what it is sent.
    pub fn outcome(&self) -> io::Result<()> {
        let why = match self.failure {
            None | Some(Failure::Lingers) => return Ok(()),
            Some(Failure::Stalled) => "it does not read its answer",
            Some(Failure::QueueFull) => "it does not read what is pushed to it",
            Some(Failure::Truncated) => "its connection was cut in the middle of a request",
            Some(Failure::Layer) => "the layer below cannot go on",
        };
        Err(io::Error::new(io::ErrorKind::TimedOut, why))
    }

    /// Whether the client is to be disconnected because it does not read what it is pushed. A driver that waits for room to send
    /// looks here now and then: its `send` alone would not say so.
    #[must_use]
    pub fn is_queue_full(&self) -> bool {
        self.outbox.as_ref().is_some_and(Outbox::is_full)
    }

    pub(super) fn is_paused(&self) -> bool {
        self.outbox.as_ref().is_some_and(Outbox::is_paused)
    }
}
