//! A client that fetches whatever is published, and checks it against the transcript.

use anyhow::{Context, bail};

use super::plan::Dialect;
use super::transcript::{Place, Transcript};

/// One of them.
#[derive(Debug)]
pub struct Subscriber {
    dialect: Dialect,
    /// How far it is.
    pub place: Place,
    /// What it still has to hear before it is a subscriber.
    greeting: &'static [u8],
    state: State,
    /// A `2:;` is out.
    asked: bool,
    /// Another must follow: a notification came meanwhile.
    again: bool,
}

/// Where in the stream it is. Only the board has frames here; a message of redis ends where the next begins.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Before a frame.
    Between,
    /// Behind the code of one.
    Notified,
    Answer,
    /// Behind `1:`, where a message begins or the answer ends.
    Colon,
    /// Among the messages of an answer.
    Messages,
}

impl Subscriber {
    /// One that is to subscribe.
    pub fn new(dialect: Dialect) -> Subscriber {
        Subscriber {
            dialect,
            place: Place::default(),
            greeting: dialect.subscribe().1,
            state: State::Between,
            asked: false,
            again: false,
        }
    }

    /// Whether it has subscribed and was answered.
    pub fn is_subscribed(&self) -> bool {
        self.greeting.is_empty()
    }

    /// Takes bytes, and says whether it asks again. `delivered` gets the time when each message was due that is now whole.
    pub fn handle_received(
        &mut self,
        bytes: &[u8],
        transcript: &mut Transcript,
        mut delivered: impl FnMut(u64),
    ) -> anyhow::Result<bool> {
        let (greeting, bytes) = bytes.split_at(bytes.len().min(self.greeting.len()));
        let rest = self.greeting.strip_prefix(greeting);
        self.greeting =
            rest.context("it is not empty, or no board: every message of it would be compared")?;
        match self.dialect {
            Dialect::Redis => drop(transcript.follow(&mut self.place, bytes, None, delivered)?),
            Dialect::Board => self.frames(bytes, transcript, &mut delivered)?,
        }
        let asks = self.again && !self.asked;
        if asks {
            (self.asked, self.again) = (true, false);
        }
        Ok(asks)
    }

    fn frames(
        &mut self,
        mut bytes: &[u8],
        transcript: &mut Transcript,
        delivered: &mut impl FnMut(u64),
    ) -> anyhow::Result<()> {
        while let Some(&first) = bytes.first() {
            match (self.state, first) {
                (State::Between, b'7') => self.state = State::Notified,
                (State::Between, b'1') => self.state = State::Answer,
                (State::Notified, b':') => {}
                (State::Notified, b';') => (self.state, self.again) = (State::Between, true),
                (State::Answer, b':') => self.state = State::Colon,
                (State::Colon, b';') => (self.state, self.asked) = (State::Between, false), // nothing new
                (State::Colon, _) => {
                    // The colon belongs to the first message, now that there is one.
                    transcript.follow(&mut self.place, b":", None, &mut *delivered)?;
                    self.state = State::Messages;
                    continue;
                }
                (State::Messages, b';') => {
                    transcript.end_of_answer(&mut self.place, &mut *delivered)?;
                    (self.state, self.asked) = (State::Between, false);
                }
                (State::Messages, _) => {
                    let taken = transcript.follow(&mut self.place, bytes, Some(b';'), &mut *delivered)?;
                    bytes = &bytes[taken..];
                    continue;
                }
                _ => {
                    let what = bytes[..bytes.len().min(20)].escape_ascii().to_string();
                    bail!("a subscriber got bytes that its protocol does not have: {what}");
                }
            }
            bytes = &bytes[1..];
        }
        Ok(())
    }
}
