//! One player: a connection, what it has out, and what it has heard. It takes bytes apart; what they mean for the game is the
//! [referee](super::referee)'s business.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::guessword::wire::{Request, Response, Responses};

use super::referee::{Asked, Place, Referee};
use super::seat::Seat;
use super::violation::Violation;
use super::words::Ideas;

/// One of them. When it leaves and comes again it is the same with another seat and connection.
#[derive(Debug)]
pub struct Player {
    /// Under which name it plays.
    pub seat: Seat,
    /// Its connection, non-blocking.
    pub stream: TcpStream,
    /// Where it is in the transcript; `None` until its joining is written there.
    pub place: Option<Place>,
    /// What it has asked and has no answer to, the oldest first.
    pub out: VecDeque<Out>,
    /// When the guesses were due that it has not made yet, in an open loop.
    pub due: VecDeque<Duration>,
    /// What it will propose and guess.
    pub ideas: Ideas,
    /// A frame that is not whole, or all that came before its joining was written down.
    received: Vec<u8>,
}

/// A request that is on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Out {
    /// `S:;`, and whether it has joined before.
    Scores(bool),
    /// `D`
    Join,
    /// `A:;`
    State,
    /// `B` or `C`, and when it was due.
    Play(Asked, Duration),
}

/// What came, beside notices.
#[derive(Debug)]
pub struct Answered {
    /// To what.
    pub out: Out,
    /// What.
    pub response: Response,
}

/// What ends a run.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The connection.
    #[error("the connection of {0} broke")]
    Broken(Seat, #[source] io::Error),
    /// The bytes.
    #[error("{0} got bytes that the game does not have: {1}")]
    Senseless(Seat, String),
    /// The game.
    #[error(transparent)]
    Violation(#[from] Violation),
}

impl Player {
    /// One that has connected and asked nothing.
    pub fn new(seat: Seat, stream: TcpStream, ideas: Ideas) -> Player {
        Player {
            seat,
            stream,
            place: None,
            out: VecDeque::new(),
            due: VecDeque::new(),
            ideas,
            received: Vec::new(),
        }
    }

    /// Comes again.
    pub fn come_again(&mut self, seat: Seat, stream: TcpStream) {
        self.out.clear();
        self.received.clear();
        (self.seat, self.stream, self.place) = (seat, stream, None);
    }

    /// Asks some things at once.
    ///
    /// # Errors
    /// The connection's; also when there is no room for some bytes.
    pub fn ask(&mut self, requests: &[(Request, Out)]) -> Result<(), Fault> {
        let mut frames = Vec::new();
        for (request, out) in requests {
            request.encode(&mut frames);
            self.out.push_back(*out);
        }
        match self.stream.write(&frames) {
            Ok(count) if count == frames.len() => Ok(()),
            Ok(_) => Err(Fault::Broken(self.seat, io::Error::other("the server does not read"))),
            Err(error) => Err(Fault::Broken(self.seat, error)),
        }
    }

    /// Reads once, and takes apart what is whole. Every answer goes to `answered`; says how many notices there were.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(
        &mut self,
        scratch: &mut [u8],
        referee: &mut Referee,
        answered: &mut Vec<Answered>,
    ) -> Result<u64, Fault> {
        let count = match self.stream.read(scratch) {
            Ok(0) => {
                let error = io::Error::new(ErrorKind::UnexpectedEof, "the server has hung up");
                return Err(Fault::Broken(self.seat, error));
            }
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(0);
            }
            Err(error) => return Err(Fault::Broken(self.seat, error)),
        };
        if self.received.is_empty() {
            // Nearly always: nothing is copied but the part of a frame at the end.
            let (notices, taken) = self.take(&scratch[..count], referee, answered)?;
            self.received.extend_from_slice(&scratch[taken..count]);
            return Ok(notices);
        }
        self.received.extend_from_slice(&scratch[..count]);
        self.go_on(referee, answered)
    }

    /// Takes apart what has been received: its joining may have been written down meanwhile.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn go_on(&mut self, referee: &mut Referee, answered: &mut Vec<Answered>) -> Result<u64, Fault> {
        let mut received = std::mem::take(&mut self.received);
        let (notices, taken) = self.take(&received, referee, answered)?;
        received.drain(..taken);
        self.received = received;
        Ok(notices)
    }

    /// Takes the whole frames at the front; says how many notices, and how many bytes.
    fn take(
        &mut self,
        bytes: &[u8],
        referee: &mut Referee,
        answered: &mut Vec<Answered>,
    ) -> Result<(u64, usize), Fault> {
        let (mut notices, mut taken) = (0, 0);
        while taken < bytes.len() {
            let rest = &bytes[taken..];
            // What others have heard before is compared and not decoded.
            if let Some(place) = &mut self.place {
                let length = referee.follows(self.seat, place, rest);
                if length > 0 {
                    (notices, taken) = (notices + 1, taken + length);
                    continue;
                }
            }
            let senseless =
                |_| Fault::Senseless(self.seat, rest[..rest.len().min(20)].escape_ascii().to_string());
            // A decoder that remembers how far it has looked would be wrong as soon as a frame is only compared.
            let decoded = Responses::default().decode(rest).map_err(senseless)?;
            let Some((response, consumed)) = decoded else { break };
            match (response, &mut self.place) {
                (Response::Notice(notice), Some(place)) => {
                    referee.hears(self.seat, place, &rest[..consumed], &notice)?;
                    notices += 1;
                }
                // Where the others are when it joins, only those know who are there: it waits for them.
                (Response::Notice(_), None) => break,
                (response, _) => {
                    let out = self.out.pop_front().ok_or_else(|| Violation::NotAsked {
                        seat: self.seat,
                        what: format!("{response:?}"),
                    })?;
                    self.judge(out, &response, referee)?;
                    answered.push(Answered { out, response });
                }
            }
            taken += consumed;
        }
        Ok((notices, taken))
    }

    fn judge(&mut self, out: Out, response: &Response, referee: &mut Referee) -> Result<(), Violation> {
        let seat = self.seat;
        match (out, response, &mut self.place) {
            (Out::Join, Response::Join(true), place) => referee.joins(seat, place.as_mut()),
            (Out::Play(asked @ Asked::Guess(..), _), Response::Guess(yes), Some(place))
            | (Out::Play(asked @ Asked::Word(_), _), Response::Propose(yes), Some(place)) => {
                referee.answers(seat, place, asked, *yes)
            }
            // Another's server may not know the scores.
            (Out::Scores(false), Response::NotJoined | Response::Unknown, _)
            | (Out::Scores(true), Response::Scores(_) | Response::Unknown, _)
            | (Out::State, Response::State(_), _)
            | (Out::Join, Response::Join(false), _) => Ok(()),
            _ => Err(Violation::NotAsked { seat, what: format!("{response:?}") }),
        }
    }
}

#[cfg(test)]
mod tests;
