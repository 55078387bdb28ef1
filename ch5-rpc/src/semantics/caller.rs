//! One publish after another, as a program calls it: sans-I/O. Under most semantics a publish is one call. A conditional one is two:
//! how many texts are there, and then the publish on that condition.

use std::time::Duration;

use super::client::{Client, ClientConfig, Counted};
use super::outcome::Outcome;
use super::promise::Semantics;
use super::publish::{Method, judge};

/// A client that publishes.
#[derive(Debug)]
pub struct Caller {
    semantics: Semantics,
    client: Client,
    state: State,
    ended: Option<Outcome<u64>>,
}

#[derive(Debug)]
enum State {
    Idle,
    /// Asked how many texts there are, for this text.
    Counting(Vec<u8>),
    Calling,
}

impl Caller {
    /// A caller. `identity` is a random number that no other client has.
    #[must_use]
    pub fn new(config: ClientConfig, identity: u64) -> Caller {
        let client = Client::new(config, identity);
        Caller { semantics: config.semantics, client, state: State::Idle, ended: None }
    }

    /// Begins to publish a text. One at a time.
    pub fn publish(&mut self, now: Duration, text: &[u8]) {
        if self.semantics == Semantics::Conditional {
            self.state = State::Counting(text.to_vec());
            self.client.call(now, Method::Length.encode());
        } else {
            self.call(now, &Method::Publish { text: text.to_vec() });
        }
    }

    /// Begins any other call.
    pub fn call(&mut self, now: Duration, method: &Method) {
        self.state = State::Calling;
        self.client.call(now, method.encode());
    }

    /// Takes in a datagram of the server.
    pub fn handle_datagram(&mut self, now: Duration, datagram: &[u8]) {
        self.client.handle_datagram(now, datagram);
        self.proceed(now);
    }

    /// The next datagram to send now. Call until there is none.
    pub fn poll_transmit(&mut self, now: Duration) -> Option<Vec<u8>> {
        self.client.poll_transmit(now)
    }

    /// How the call has ended, once.
    pub fn poll_outcome(&mut self) -> Option<Outcome<u64>> {
        self.ended.take()
    }

    /// When something is to be sent or given up.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.client.deadline()
    }

    /// The time has come, or some other time: then nothing happens.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.client.handle_timeout(now);
        self.proceed(now);
    }

    /// Calls that were begun so far: a conditional publish is two.
    #[must_use]
    pub fn last_sequence(&self) -> u64 {
        self.client.last_sequence()
    }

    /// What was sent.
    #[must_use]
    pub fn counted(&self) -> Counted {
        self.client.counted()
    }

    fn proceed(&mut self, now: Duration) {
        while let Some((_, outcome)) = self.client.poll_outcome() {
            let outcome = judge(self.semantics, outcome);
            match (std::mem::replace(&mut self.state, State::Idle), outcome) {
                (State::Counting(text), Outcome::Done(length)) => {
                    self.call(now, &Method::PublishIf { length, text });
                }
                // Nobody knows whether the number was read, and it does not matter: nothing was published.
                (State::Counting(_), Outcome::Unknown(_)) => {
                    self.ended = Some(Outcome::NotDone(super::outcome::NotDone::NoServer));
                }
                (_, outcome) => self.ended = Some(outcome),
            }
        }
    }
}
