//! What comes to the client, and what it makes of it.
//!
//! | datagram | in | then |
//! |---|---|---|
//! | `1?…` | opening | the token is here: sending |
//! | `0?…`, `z` | opening | an old server, if it goes on like that |
//! | `K` | sending | some blocks are there; all of them: waiting |
//! | `D` | sending, waiting | the server has the whole request: receiving |
//! | `D` | receiving | another block; all of them: idle, with the response |
//! | `D` | idle | our last ack was lost: the next one leaves |
//! | `X` | sending, waiting, receiving | an error, except of a session that is unknown before it has begun |

use std::time::Duration;

use super::super::datagram::{Ack, Data, Ranges, Reason, Refusal, Side};
use super::super::error::ExchangeError;
use super::super::limits::RESPONSE_LIMIT;
use super::super::pdu::ResponsePdu;
use super::super::receiver::Receiver;
use super::states::Waiting;
use super::{Client, ClientState};

impl Client {
    /// Takes in one datagram of the server.
    pub(super) fn handle_one(&mut self, now: Duration, datagram: &[u8]) {
        self.path.counted.datagrams_received += 1;
        let known = match datagram.first() {
            Some(b'D') => Data::parse(datagram).map(|(data, payload)| self.handle_data(now, &data, payload)),
            Some(b'K') => Ack::parse(datagram).map(|(ack, ranges)| self.handle_ack(now, &ack, ranges)),
            Some(b'X') => Refusal::parse(datagram).map(|refusal| self.handle_refusal(now, &refusal)),
            _ => ResponsePdu::parse(datagram)
                .map(|response| self.handle_opening(now, response, datagram.len())),
        };
        self.path.counted.malformed += u64::from(known.is_none());
    }

    /// An answer to our opening.
    fn handle_opening(&mut self, now: Duration, response: ResponsePdu, length: usize) {
        let ClientState::Opening(opening) = &mut self.state else { return };
        self.last_heard = now;
        let ResponsePdu::Token(token) = response else {
            if opening.is_old(now) {
                self.finish(Err(ExchangeError::Original));
            }
            return;
        };
        if let Some(measured) = opening.round_trip(now) {
            self.path.round_trip.sample(measured);
        }
        // An answer is as long as its question, except that of an older server.
        let carried = length.max(opening.length_asked(self.path.config.datagram));
        self.path.config.datagram = self.path.config.datagram.min(carried);
        let request = std::mem::take(&mut opening.request);
        self.token = Some(token);
        self.exchange = 0;
        self.receiver = None;
        self.send(now, token, request);
    }

    fn handle_ack(&mut self, now: Duration, ack: &Ack, ranges: Ranges<'_>) {
        if ack.side != Side::Request || !self.is_ours(ack.token, ack.exchange) {
            return;
        }
        self.last_heard = now;
        if let ClientState::Sending(sender) = &mut self.state {
            sender.handle_ack(now, &mut self.path, ack, ranges);
            self.progress.sent = sender.progress().0;
            self.wait_if_complete(now);
        }
    }

    /// If the request is there: from sending to waiting.
    fn wait_if_complete(&mut self, now: Duration) {
        if let ClientState::Sending(sender) = &self.state
            && sender.is_complete()
            && let ClientState::Sending(request) = std::mem::replace(&mut self.state, ClientState::Idle)
        {
            self.progress.sent = self.progress.to_send;
            self.state = ClientState::Waiting(Waiting::new(now, request, &self.path.round_trip));
        }
    }

    fn handle_data(&mut self, now: Duration, data: &Data, payload: &[u8]) {
        if data.side != Side::Response || self.token != Some(data.token) {
            return;
        }
        if self.is_ours(data.token, data.exchange)
            && !matches!(self.state, ClientState::Receiving)
            && !self.begin(data)
        {
            return;
        }
        let Some(receiver) = self.receiver.as_mut().filter(|receiver| receiver.exchange() == data.exchange)
        else {
            return;
        };
        self.last_heard = now;
        let growth = receiver.growth(data);
        if growth > 0 {
            receiver.grow(growth);
        }
        self.path.counted.count_block(receiver.handle_data(now, data, payload));
        if matches!(self.state, ClientState::Receiving) {
            self.progress.received = receiver.progress().0;
        }
        if let Some(response) = receiver.take() {
            self.exchange += 1;
            self.finish_well(response);
        }
    }

    /// The first block of the response: the server has the whole request. `false` if we do not want it.
    fn begin(&mut self, data: &Data) -> bool {
        if !matches!(self.state, ClientState::Sending(_) | ClientState::Waiting(_)) {
            return false;
        }
        let length = data.length as usize;
        if length > RESPONSE_LIMIT {
            let (token, exchange) = (data.token, data.exchange);
            self.refuse = Some(Refusal { reason: Reason::TooLong, token, exchange });
            self.finish(Err(ExchangeError::TooLong { length, limit: RESPONSE_LIMIT }));
            return false;
        }
        self.receiver = Receiver::new(data, self.path.config.receive_window);
        if let Some(receiver) =
            self.receiver.as_mut().filter(|receiver| receiver.suits(self.spare.capacity()))
        {
            receiver.adopt(std::mem::take(&mut self.spare));
        }
        self.progress.sent = self.progress.to_send;
        self.progress.to_receive = Some(length);
        self.state = ClientState::Receiving;
        self.receiver.is_some()
    }

    fn handle_refusal(&mut self, now: Duration, refusal: &Refusal) {
        if !self.is_ours(refusal.token, refusal.exchange) {
            return;
        }
        self.last_heard = now;
        match (&mut self.state, refusal.reason) {
            (ClientState::Idle | ClientState::Opening(_), _) => {}
            (ClientState::Sending(sender), Reason::Unknown) if sender.is_untouched() => {
                // The session has expired since the last request, or the token was damaged on its way to us. Of this request the
                // server has nothing: begin anew.
                let request = sender.take_message();
                self.open(now, request);
            }
            (_, reason) => self.finish(Err(ExchangeError::Refused(reason))),
        }
    }

    /// Whether a datagram is of the exchange in work.
    fn is_ours(&self, token: u64, exchange: u32) -> bool {
        self.token == Some(token) && self.exchange == exchange && !matches!(self.state, ClientState::Idle)
    }
}
