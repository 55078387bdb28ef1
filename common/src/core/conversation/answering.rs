//! Answers and pushed bytes on their way into the output: charged, in order, and the end behind the last.

use std::time::Instant;

use super::Conversation;
use crate::core::budget::NoRoom;
use crate::core::outbox::Pushed;
use crate::core::service::{AfterAnswer, Answer, Body, Piece, Refusal};

/// While fewer bytes wait to be sent, a streamed answer is asked for its next piece.
const STREAM_AHEAD: usize = 64 * 1024;

/// What a conversation may hold without a reservation, bytes: the buffers of small requests and answers.
pub(super) const FREE: usize = 16 * 1024;

impl Conversation {
    /// The answer to the pending request. It leaves behind everything that was pushed before this call.
    pub fn answer(&mut self, answer: Answer) {
        if let Some(outbox) = &self.outbox {
            outbox.unattend();
        }
        // What was pushed while the request was handled leaves before its answer, however much it is; a last word leaves after it.
        if !answer.is_nothing() {
            self.pull(usize::MAX);
        }
        self.is_pending = false;
        self.pending_bytes = 0;
        let Answer { body, then } = answer;
        if self.append(body, then).is_err() {
            return self.refuse(Refusal::NoRoom);
        }
        if self.stream.is_none() {
            self.go_on(then);
        }
    }

    pub(super) fn append(&mut self, body: Body, then: AfterAnswer) -> Result<(), NoRoom> {
        match body {
            Body::Own(bytes) => {
                self.reserve(self.input.capacity(), self.output.own() + bytes.capacity())?;
                self.output.append(bytes);
            }
            Body::Shared(bytes) => {
                bytes.charge(self.budget)?;
                self.output.append_shared(bytes);
            }
            Body::Headed(head, bytes) => {
                bytes.charge(self.budget)?;
                self.output.append(head);
                self.output.append_shared(bytes);
            }
            Body::Stream(stream) => {
                self.stream = Some((stream, then));
                self.not_before = None;
            }
            Body::Late(late) => {
                self.late_answers += 1;
                self.output.append_late(late);
            }
        }
        Ok(())
    }

    pub(super) fn go_on(&mut self, then: AfterAnswer) {
        if then != AfterAnswer::Continue {
            self.ending = Some(then);
            self.input.skip(self.input.bytes().len());
        }
    }

    /// Asks the streamed answer for its next pieces, as far as they are wanted and there.
    pub(super) fn produce(&mut self, now: Instant) {
        if self.not_before.is_some_and(|then| now < then) {
            return;
        }
        self.not_before = None;
        while self.output.len() < STREAM_AHEAD
            && let Some((stream, then)) = &mut self.stream
        {
            let then = *then;
            match stream.poll_piece(now) {
                Piece::Bytes(bytes) => {
                    if self.append(Body::Own(bytes), then).is_err() {
                        return self.refuse(Refusal::NoRoom);
                    }
                }
                Piece::NotBefore(then) => {
                    self.not_before = Some(then);
                    return;
                }
                Piece::End => {
                    self.stream = None;
                    self.go_on(then);
                }
                Piece::Broken => {
                    self.stream = None;
                    self.go_on(AfterAnswer::Close);
                }
            }
        }
    }

    /// Moves pushed bytes to the output until this many wait there, and none after our last word: once our sending half is shut
    /// down, sending is an error that would cut the client's reading of that word short.
    pub(super) fn pull(&mut self, most: usize) {
        let Some(outbox) = &self.outbox else { return };
        if self.late_answers > 0 {
            self.output.poll_late();
            self.late_answers = self.output.late();
        }
        if self.ending.is_some() {
            return;
        }
        while self.output.len() < most {
            match outbox.pop() {
                Some(push) if !push.is_reminder => self.output.append_pushed(push.bytes),
                Some(reminder) => self.output.append_reminder(reminder.bytes),
                None => {
                    // Not while a request is pending: its answer would come after the last word.
                    if !self.is_pending
                        && self.stream.is_none()
                        && let Some(last) = outbox.take_last()
                    {
                        self.output.append_pushed(Pushed::Message(last));
                        self.go_on(AfterAnswer::Close);
                    }
                    break;
                }
            }
        }
        if let Some(outbox) = &self.outbox
            && outbox.take_room()
        {
            self.exchange.handle_room();
        }
    }

    /// Makes ready to be sent what the service has pushed: for the end, when no request is looked for any more.
    pub fn pull_pushes(&mut self) {
        self.pull(usize::MAX);
    }

    /// Reserves what is held beyond the free allowance.
    pub(super) fn reserve(&mut self, input: usize, output: usize) -> Result<(), NoRoom> {
        self.reservation.resize((input + output + self.pending_bytes).saturating_sub(FREE))
    }
}
