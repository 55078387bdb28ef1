//! A client that fetches whatever is published, and checks it against the transcript.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use super::plan::Dialect;
use super::transcript::{Place, Transcript, Violation};

/// One of them.
#[derive(Debug)]
pub struct Subscriber {
    /// Its connection, non-blocking.
    pub stream: TcpStream,
    /// How far it is.
    pub place: Place,
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

/// What ends a run.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The connection.
    #[error("a subscriber's connection broke")]
    Broken(#[from] io::Error),
    /// The messages.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The frames.
    #[error("a subscriber got bytes that its protocol does not have: {0}")]
    Senseless(String),
}

impl Subscriber {
    /// One that has subscribed and has been answered.
    pub fn new(stream: TcpStream) -> Subscriber {
        Subscriber { stream, place: Place::default(), state: State::Between, asked: false, again: false }
    }

    /// Reads once, and asks if there is something to ask. `delivered` gets the time when each message was due that is now whole.
    ///
    /// # Errors
    /// [`Fault`]
    pub fn read(
        &mut self,
        dialect: Dialect,
        scratch: &mut [u8],
        transcript: &mut Transcript,
        mut delivered: impl FnMut(u64),
    ) -> Result<(), Fault> {
        let count = match self.stream.read(scratch) {
            Ok(0) => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let bytes = &scratch[..count];
        match dialect {
            Dialect::Redis => drop(transcript.follow(&mut self.place, bytes, None, delivered)?),
            Dialect::Board => self.frames(bytes, transcript, &mut delivered)?,
        }
        if self.again && !self.asked {
            (self.asked, self.again) = (true, false);
            let sent = self.stream.write(b"2:;")?;
            if sent < 3 {
                return Err(io::Error::other("the server does not read").into());
            }
        }
        Ok(())
    }

    fn frames(
        &mut self,
        mut bytes: &[u8],
        transcript: &mut Transcript,
        delivered: &mut impl FnMut(u64),
    ) -> Result<(), Fault> {
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
                    return Err(Fault::Senseless(what));
                }
            }
            bytes = &bytes[1..];
        }
        Ok(())
    }
}
