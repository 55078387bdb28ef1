//! The client's half of a call, sans-I/O: what is sent, when it is sent again, and when the caller is told what.
//!
//! ```text
//!                 maybe          at least once           at most once
//! before          –              –                       Bind ──▶ Bound: incarnation, client id
//! sent            once           until answered          until answered, or InProgress
//! then            –              –                       Probe, until answered
//! the end         answer, or the time is over            answer, or no sign of life for the time, or Refused
//! ```
//!
//! A probe tells a slow server from a dead one (Birrell and Nelson, 1984): the slow one answers it, so that the caller waits
//! as long as the call takes, and learns soon when the server is gone.
//!
//! The result is the acknowledgement of the call, and the next call acknowledges the result: it says which call is the first
//! without one. Nothing else is sent for it.

mod binding;
mod pending;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use common::protocol::rto::RoundTrip;

use super::datagram::{Answer, CallId, LONGEST_BODY, Message, Question, Refusal, decode};
use super::outcome::{NotDone, Outcome, Unknown};
use super::promise::Semantics;
use binding::Binding;
use pending::Pending;

/// How a client calls.
#[derive(Debug, Clone, Copy)]
pub struct ClientConfig {
    /// What the caller is promised.
    pub semantics: Semantics,
    /// How long a call may take; with at-most-once: how long the server may give no sign of life.
    pub give_up: Duration,
}

/// A question that is repeated until it is answered.
#[derive(Debug, Clone, Copy)]
struct Bind {
    next: Duration,
    sent: u32,
    last: Duration,
}

/// What a client has sent and heard, datagrams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Sent, of all kinds.
    pub sent: u64,
    /// Of them calls that had been sent before.
    pub again: u64,
    /// Of them probes.
    pub probes: u64,
    /// Datagrams that are no answer to an open call.
    pub ignored: u64,
}

/// The client.
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    /// Random: names the client where the server keeps no memory, and its questions for a binding.
    identity: u64,
    binding: Option<Binding>,
    /// For so long after an answer, that is until then, the id of the binding is certainly valid.
    fresh: (Duration, Duration),
    bind: Option<Bind>,
    /// Bindings that were asked for. Each has a nonce of its own, or a late answer would bring the last one back.
    binds: u64,
    last_sequence: u64,
    calls: BTreeMap<u64, Pending>,
    round_trip: RoundTrip,
    ended: VecDeque<(u64, Outcome<Vec<u8>>)>,
    counted: Counted,
}

impl Client {
    /// A client. `identity` is a random number that no other client has.
    #[must_use]
    pub fn new(config: ClientConfig, identity: u64) -> Client {
        Client {
            config,
            identity,
            binding: None,
            fresh: Default::default(),
            bind: None,
            binds: 0,
            last_sequence: 0,
            calls: BTreeMap::new(),
            round_trip: RoundTrip::default(),
            ended: VecDeque::new(),
            counted: Counted::default(),
        }
    }

    /// Begins a call, and tells its number. Several may be open; at most once, no more than the server has slots are sent.
    pub fn call(&mut self, now: Duration, body: Vec<u8>) -> u64 {
        self.last_sequence += 1;
        let sequence = self.last_sequence;
        if body.len() > LONGEST_BODY {
            self.ended.push_back((sequence, Outcome::NotDone(NotDone::TooLong)));
            return sequence;
        }
        // An id that was not used for long may be forgotten by now, and a call under it would be refused.
        if self.calls.is_empty() {
            self.binding = self.binding.filter(|_| now < self.fresh.1);
        }
        self.calls.insert(sequence, Pending::new(now, body));
        self.bind(now);
        sequence
    }

    /// Asks for a binding before there is a call that needs it: whether there is a server is found out before anything is called.
    pub fn bind(&mut self, now: Duration) {
        if self.config.semantics.is_remembered() && self.binding.is_none() && self.bind.is_none() {
            self.binds += 1;
            self.bind = Some(Bind { next: now, sent: 0, last: now });
        }
    }

    /// Whether a server has given it a binding.
    #[must_use]
    pub fn is_bound(&self) -> bool {
        self.binding.is_some()
    }

    /// Ends a call that its caller waits for no longer.
    pub fn give_up(&mut self, now: Duration, sequence: u64) {
        if let Some(call) = self.calls.get(&sequence) {
            let outcome = call.unanswered(now);
            self.end(sequence, outcome);
        }
    }

    /// Takes in a datagram of the server. All that is not an answer to an open call is ignored.
    pub fn handle_datagram(&mut self, now: Duration, datagram: &[u8]) {
        let Ok(Message::Answer(answer)) = decode(datagram) else {
            self.counted.ignored += 1;
            return;
        };
        let is_awaited = match answer {
            Answer::Bound { nonce, incarnation, client, lease, slots } => {
                // A third of the lease: so long is an id valid that no call has used yet.
                let fresh = Duration::from_millis(lease.into()) / 3;
                let binding = Binding { incarnation, client, slots: slots.max(1).into() };
                let is_ours = self.handle_bound(now, nonce, binding);
                if is_ours {
                    self.fresh = (fresh, now + fresh);
                }
                is_ours
            }
            answer => self.handle_answer(now, answer),
        };
        self.counted.ignored += u64::from(!is_awaited);
    }

    /// The next datagram to send now. Call until there is none.
    pub fn poll_transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        let question = self.poll_bind(now).or_else(|| self.poll_call(now))?;
        self.counted.sent += 1;
        Some(question.encode())
    }

    /// A call that has ended, by its number. Each once.
    pub fn poll_outcome(&mut self) -> Option<(u64, Outcome<Vec<u8>>)> {
        self.ended.pop_front()
    }

    /// When something is to be sent or given up. Ask when [`Client::poll_transmit`] has said `None`.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let give_up = self.calls.values().map(|call| call.gives_up_at(self.config.give_up)).min();
        let send = self.sendable().filter_map(|(_, call)| call.next).min();
        [give_up, send, self.bind.map(|bind| bind.next)].into_iter().flatten().min()
    }

    /// The time has come, or some other time: then nothing happens.
    pub fn handle_timeout(&mut self, now: Duration) {
        let give_up = self.config.give_up;
        let over = self.calls.iter().filter(|(_, call)| call.gives_up_at(give_up) <= now);
        let over: Vec<u64> = over.map(|(sequence, _)| *sequence).collect();
        for sequence in over {
            self.give_up(now, sequence);
        }
    }

    /// The number of the last call that was begun, 0 before the first.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// What was sent.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.counted
    }

    fn poll_bind(&mut self, now: Duration) -> Option<Question> {
        let bind = self.bind.as_mut().filter(|bind| bind.next <= now)?;
        *bind = Bind { next: now + self.round_trip.timeout(bind.sent), sent: bind.sent + 1, last: now };
        Some(Question::Bind { nonce: self.nonce() })
    }

    fn nonce(&self) -> u64 {
        self.identity.wrapping_add(self.binds)
    }

    fn handle_bound(&mut self, now: Duration, nonce: u64, binding: Binding) -> bool {
        // A second answer would give us another id while calls are open under the first.
        let is_ours = nonce == self.nonce();
        let Some(bind) = self.bind.take_if(|_| is_ours) else { return false };
        if bind.sent == 1 {
            self.round_trip.sample(now - bind.last);
        }
        self.binding = Some(binding);
        true
    }

    /// The calls that may be sent: of a server with slots, as many as it has.
    fn sendable(&self) -> impl Iterator<Item = (u64, &Pending)> {
        let end = match (self.config.semantics.is_remembered(), self.binding) {
            (false, _) => u64::MAX,
            (true, None) => 0,
            (true, Some(binding)) => self.first_incomplete().saturating_add(binding.slots),
        };
        self.calls.range(..end).map(|(sequence, call)| (*sequence, call))
    }

    fn first_incomplete(&self) -> u64 {
        self.calls.first_key_value().map_or(self.last_sequence + 1, |(sequence, _)| *sequence)
    }

    fn poll_call(&mut self, now: Duration) -> Option<Question> {
        let (sequence, _) = self.sendable().find(|(_, call)| call.next.is_some_and(|next| next <= now))?;
        let first_incomplete = self.first_incomplete();
        let call = self.calls.get_mut(&sequence)?;
        // A call belongs to the memory that it was first sent to, also when the client has another by now.
        call.binding = call.binding.or(self.binding);
        self.counted.again += u64::from(call.transmissions > 0 && !call.in_progress);
        self.counted.probes += u64::from(call.in_progress);
        let (semantics, client) =
            (self.config.semantics, call.binding.map_or(self.identity, |binding| binding.client));
        call.sent(now, semantics.is_repeated().then(|| self.round_trip.timeout(call.timeouts)));
        Some(call.question(CallId { client, sequence }, semantics, first_incomplete))
    }

    fn handle_answer(&mut self, now: Duration, answer: Answer) -> bool {
        let Some(id) = answer.id() else { return false };
        let client = |call: &Pending| call.binding.map_or(self.identity, |binding| binding.client);
        let Some(call) = self.calls.get(&id.sequence).filter(|call| client(call) == id.client) else {
            return false;
        };
        if call.transmissions == 0 {
            return false; // an answer to what was not asked
        }
        let Some(call) = self.calls.get_mut(&id.sequence) else { return false };
        if self.binding.is_some_and(|binding| binding.client == id.client) {
            self.fresh.1 = now + self.fresh.0;
        }
        let timer = self.round_trip.timeout(0);
        match answer {
            Answer::Bound { .. } => return false,
            Answer::Done { transmission, body, .. } => {
                if transmission == call.transmissions {
                    self.round_trip.sample(now.saturating_sub(call.last_sent));
                }
                self.end(id.sequence, Outcome::Done(body));
            }
            Answer::InProgress { .. } => call.wait_for_the_end(now, timer),
            Answer::NotSeen { .. } if call.in_progress => call.send_anew(now),
            Answer::NotSeen { .. } => return false, // a late copy
            Answer::Refused { why, .. } => self.handle_refusal(id.sequence, why),
        }
        true
    }

    fn handle_refusal(&mut self, sequence: u64, why: Refusal) {
        let unknown = match why {
            // It stays open: the timer runs on, and there may be room then.
            Refusal::TableFull => {
                if let Some(call) = self.calls.get_mut(&sequence) {
                    call.was_full = true;
                }
                return;
            }
            Refusal::NotUnderstood => return self.end(sequence, Outcome::NotDone(NotDone::NotUnderstood)),
            Refusal::Restarted => Unknown::Restarted,
            Refusal::Stale | Refusal::Expired => Unknown::Expired,
        };
        // The next call begins with a new binding; this one is not repeated under it: it would be another call.
        if self.calls.get(&sequence).is_some_and(|call| call.binding == self.binding) {
            self.binding = None;
        }
        self.end(sequence, Outcome::Unknown(unknown));
    }

    fn end(&mut self, sequence: u64, outcome: Outcome<Vec<u8>>) {
        if let Some(call) = self.calls.remove(&sequence) {
            self.ended.push_back((sequence, outcome));
            if self.calls.is_empty() {
                self.bind = None;
            } else {
                self.bind(call.last_heard);
            }
        }
    }
}

#[cfg(test)]
mod tests;
