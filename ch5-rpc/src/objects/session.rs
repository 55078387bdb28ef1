//! The caller's side of a connection: which calls are under way, until when, and which answer is whose. Sans-I/O.
//!
//! ```text
//!   start(call, now) ──► poll_transmit ──► the socket
//!   the socket ──► handle_bytes ──► poll_event: answered, called (by the other side)
//!   deadline() ──► handle_timeout(now) ──► poll_event: timed out
//! ```
//!
//! An answer that comes after its call has timed out is dropped: its number tells it from the answers of later calls. So, unlike in
//! Pyro's wire, a connection is of use after a time-out.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use common::support::terminal::line;
use thiserror::Error;

use super::message::{
    ANSWER_LIMIT, Argument, BadMessage, Call, Message, Outcome, REQUEST_LIMIT, Target, VERSION, decode,
};
use super::references::References;

/// Most calls under way on one connection.
pub const IN_FLIGHT: usize = 256;

/// A call to be made.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// What is called.
    pub target: Target,
    /// The interface that is expected.
    pub interface: String,
    /// The method.
    pub method: String,
    /// Its arguments.
    pub args: Vec<Argument>,
    /// How long its answer is waited for.
    pub timeout: Duration,
    /// There is to be no answer.
    pub is_one_way: bool,
    /// A later call will name its result.
    pub is_kept: bool,
    /// Which chain of calls it belongs to.
    pub trace: u64,
}

/// What has happened.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A call has ended.
    Answered(u32, Outcome),
    /// A call has not ended in its time. It may have been done, or be done yet.
    TimedOut(u32),
    /// The other side calls.
    Called(Call),
    /// The lease of this object is over: it may be gone, and its messages may be missed.
    Expired(String),
}

/// A call was not sent.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum NotSent {
    #[error("{IN_FLIGHT} calls are under way already")]
    TooMany,
    #[error(transparent)]
    TooLong(#[from] BadMessage),
}

/// The connection is of no more use.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "each says what it is")]
pub enum Broken {
    #[error(transparent)]
    Message(#[from] BadMessage),
    #[error("the server refuses: {}", line(.0))]
    Refused(String),
    #[error("the server speaks version {0} of the protocol, this program {VERSION}")]
    Version(u16),
    #[error("the server gives more references than a client may hold")]
    TooManyReferences,
    #[error("a message that is not due")]
    NotDue,
}

/// The session.
#[derive(Debug)]
pub struct Session {
    number: u32,
    /// Calls under way, and until when.
    waiting: BTreeMap<u32, Instant>,
    received: Vec<u8>,
    unsent: Vec<u8>,
    events: VecDeque<Event>,
    is_greeted: bool,
    references: References,
}

impl Default for Session {
    /// Its hello is sent with its first call: no round trip is needed for it.
    fn default() -> Session {
        Session {
            number: 0,
            waiting: BTreeMap::new(),
            received: Vec::new(),
            unsent: Message::hello(rand::random::<u64>().max(1), Duration::ZERO),
            events: VecDeque::new(),
            is_greeted: false,
            references: References::default(),
        }
    }
}

impl Session {
    /// Begins a call; its number. A later call may name it before its answer has come.
    ///
    /// # Errors
    /// [`NotSent`]: nothing was called, and the connection is as it was.
    pub fn start(&mut self, call: Outgoing, now: Instant) -> Result<u32, NotSent> {
        if self.waiting.len() >= IN_FLIGHT {
            return Err(NotSent::TooMany);
        }
        let number = self.number + 1;
        let is_one_way = call.is_one_way;
        let until = now + call.timeout;
        let message = Message::Call(Call {
            number,
            target: call.target,
            interface: call.interface,
            method: call.method,
            args: call.args,
            milliseconds: u32::try_from(call.timeout.as_millis()).unwrap_or(u32::MAX),
            is_one_way,
            is_kept: call.is_kept,
            trace: call.trace,
        });
        self.unsent.extend(message.frame(REQUEST_LIMIT)?);
        self.number = number;
        if !is_one_way {
            self.waiting.insert(number, until);
        }
        Ok(number)
    }

    /// The answer to a call of the other side.
    pub fn answer(&mut self, number: u32, outcome: Outcome) {
        let frame = Message::Answer { number, outcome }.frame(REQUEST_LIMIT);
        self.unsent.extend(frame.unwrap_or_default());
    }

    /// Bytes have come.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant) -> Result<(), Broken> {
        self.received.extend_from_slice(bytes);
        let mut taken = 0;
        let done = loop {
            match decode(&self.received[taken..], ANSWER_LIMIT) {
                Ok(Some((message, consumed))) => {
                    taken += consumed;
                    if let Err(error) = self.handle(message, now) {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error.into()),
            }
        };
        self.received.drain(..taken);
        done
    }

    fn handle(&mut self, message: Message, now: Instant) -> Result<(), Broken> {
        match message {
            Message::Refused { why } => Err(Broken::Refused(why)),
            Message::Hello { version, lease_milliseconds, .. } if !self.is_greeted => {
                self.is_greeted = true;
                self.references.set_lease(Duration::from_millis(lease_milliseconds.into()), now);
                if version == VERSION { Ok(()) } else { Err(Broken::Version(version)) }
            }
            Message::Answer { number, outcome } if self.is_greeted && (1..=self.number).contains(&number) => {
                if let Outcome::Reference(reference) = &outcome
                    && !self.references.handle_introduction(&reference.uri)
                {
                    return Err(Broken::TooManyReferences);
                }
                if self.waiting.remove(&number).is_some() {
                    self.events.push_back(Event::Answered(number, outcome));
                }
                Ok(())
            }
            Message::Call(call) if self.is_greeted => {
                self.events.push_back(Event::Called(call));
                Ok(())
            }
            Message::Leased { expired, .. } if self.is_greeted => {
                for id in expired {
                    if self.references.handle_expired(&id) {
                        self.events.push_back(Event::Expired(id));
                    }
                }
                Ok(())
            }
            _ => Err(Broken::NotDue),
        }
    }

    /// From now on a lease of this object is held, of which someone else has given the reference.
    pub fn hold(&mut self, id: &str) {
        self.unsent.extend(self.references.hold(id));
    }

    /// The program has no reference to this object any more.
    pub fn release(&mut self, id: &str) {
        self.unsent.extend(self.references.release(id));
    }

    /// Whether the end of this call is still to come.
    #[must_use]
    pub fn is_under_way(&self, number: u32) -> bool {
        self.waiting.contains_key(&number)
    }

    /// What has happened, oldest first.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// What is to be sent.
    pub fn poll_transmit(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.unsent)
    }

    /// When [`handle_timeout`](Session::handle_timeout) is to be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.waiting.values().copied().chain(self.references.deadline()).min()
    }

    /// When the last of the calls under way has to end.
    #[must_use]
    pub fn last_deadline(&self) -> Option<Instant> {
        self.waiting.values().copied().max()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.unsent.extend(self.references.handle_timeout(now));
        let over: Vec<u32> =
            self.waiting.iter().filter(|(_, until)| **until <= now).map(|(number, _)| *number).collect();
        for number in over {
            self.waiting.remove(&number);
            self.events.push_back(Event::TimedOut(number));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::flat::Flat;
    use super::super::leases::HOLDS;
    use super::super::message::{Failure, Reference};
    use super::*;

    fn hello() -> Vec<u8> {
        Message::hello(0, Duration::ZERO)
    }

    fn call(milliseconds: u64) -> Outgoing {
        Outgoing {
            target: Target::Object("6f".into()),
            interface: String::new(),
            method: "get".into(),
            args: Vec::new(),
            timeout: Duration::from_millis(milliseconds),
            is_one_way: false,
            is_kept: false,
            trace: 0,
        }
    }

    fn answer(number: u32) -> Vec<u8> {
        Message::Answer { number, outcome: Outcome::Value(Flat::from(&i64::from(number).into())) }
            .frame(1000)
            .unwrap()
    }

    fn numbers(session: &mut Session) -> Vec<(bool, u32)> {
        let number = |event| match event {
            Event::Answered(number, _) => (true, number),
            Event::TimedOut(number) => (false, number),
            other => panic!("{other:?}"),
        };
        std::iter::from_fn(|| session.poll_event().map(number)).collect()
    }

    #[test]
    fn a_late_answer_is_nobody_elses() {
        let (mut session, now) = (Session::default(), Instant::now());
        session.handle_bytes(&hello(), now).unwrap();
        let [one, two] = [100, 900].map(|milliseconds| session.start(call(milliseconds), now).unwrap());
        assert_eq!(session.deadline(), Some(now + Duration::from_millis(100)));
        session.handle_timeout(now + Duration::from_millis(99));
        assert_eq!(numbers(&mut session), []);
        session.handle_timeout(now + Duration::from_millis(100));
        assert_eq!(numbers(&mut session), [(false, one)]);
        session.handle_bytes(&[answer(one), answer(two)].concat(), now).unwrap();
        assert_eq!(numbers(&mut session), [(true, two)]);
        assert_eq!(session.deadline(), None);
    }

    #[test]
    fn the_hello_leaves_with_the_first_call() {
        let mut session = Session::default();
        session.start(call(1), Instant::now()).unwrap();
        let sent = session.poll_transmit();
        let (hello, consumed) = decode(&sent, 1000).unwrap().unwrap();
        assert!(matches!(hello, Message::Hello { version: VERSION, client: 1.., .. }));
        assert!(matches!(decode(&sent[consumed..], 1000), Ok(Some((Message::Call(_), _)))));
        assert!(session.poll_transmit().is_empty());
    }

    #[test]
    fn what_is_not_due_breaks_the_connection() {
        let newer =
            Message::Hello { version: VERSION + 1, client: 0, lease_milliseconds: 0 }.frame(9).unwrap();
        let failed = Message::Answer { number: 0, outcome: Outcome::Failed(Failure::TooLate) };
        for bytes in [
            answer(1), // before the hello
            newer,
            [hello(), hello()].concat(),
            [hello(), answer(1)].concat(), // nothing was called
            [hello(), failed.frame(99).unwrap()].concat(),
            Message::refused("no"),
            b"PYRO".to_vec(),
        ] {
            assert!(
                Session::default().handle_bytes(&bytes, Instant::now()).is_err(),
                "{}",
                bytes.escape_ascii()
            );
        }
    }

    #[test]
    fn a_server_that_gives_references_without_end_is_left() {
        let given = |number: usize, length: usize| {
            let uri = format!("PYRO:{number:0length$}@127.0.0.1:1");
            let outcome = Outcome::Reference(Reference { uri, interface: String::new() });
            Message::Answer { number: 1, outcome }.frame(ANSWER_LIMIT).unwrap()
        };
        let (mut session, now) = (Session::default(), Instant::now());
        session.start(call(60_000), now).unwrap();
        session.handle_bytes(&Message::hello(0, Duration::from_secs(1)), now).unwrap();
        // The answer to one call, again and again.
        for number in 0..HOLDS {
            session.handle_bytes(&given(number, 450), now).unwrap();
            session.handle_bytes(&given(number, 450), now).unwrap();
        }
        session.handle_timeout(now + Duration::from_secs(1)); // all are renewed
        let renewal = session.poll_transmit();
        assert!(renewal.len() > 450 * HOLDS);
        let more = session.handle_bytes(&given(HOLDS, 450), now);
        assert!(matches!(more, Err(Broken::TooManyReferences)), "{more:?}");
    }

    #[test]
    fn calls_under_way_are_bounded_and_one_that_is_too_long_is_not_sent() {
        let (mut session, now) = (Session::default(), Instant::now());
        for _ in 0..IN_FLIGHT {
            session.start(call(100), now).unwrap();
        }
        assert!(matches!(session.start(call(100), now), Err(NotSent::TooMany)));
        let (mut session, mut long) = (Session::default(), call(100));
        long.method = "x".repeat(REQUEST_LIMIT as usize);
        assert!(matches!(session.start(long, now), Err(NotSent::TooLong(_))));
        assert!(matches!(decode(&session.poll_transmit(), 99), Ok(Some((Message::Hello { .. }, _)))));
        assert_eq!(session.start(call(100), now).unwrap(), 1);
    }
}
