//! One player: what it has out, and what it has heard. It takes bytes apart; what they mean for the game is the
//! [referee](super::referee)'s business.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::anyhow;

use crate::guessword::wire::{Request, Response, Responses};

use super::referee::{Asked, Place, Referee};
use super::seat::Seat;
use super::violation::Violation;
use super::words::Ideas;

/// One of them. When it leaves and comes again it is the same with another seat.
#[derive(Debug)]
pub struct Player {
    /// Under which name it plays.
    pub seat: Seat,
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

impl Player {
    /// One that has asked nothing.
    pub fn new(seat: Seat, ideas: Ideas) -> Player {
        Player { seat, place: None, out: VecDeque::new(), due: VecDeque::new(), ideas, received: Vec::new() }
    }

    /// Comes again.
    pub fn come_again(&mut self, seat: Seat) {
        self.out.clear();
        self.received.clear();
        (self.seat, self.place) = (seat, None);
    }

    /// Appends a request.
    pub fn ask(&mut self, request: &Request, out: Out, outgoing: &mut Vec<u8>) {
        request.encode(outgoing);
        self.out.push_back(out);
    }

    /// Takes apart what is whole. Every answer goes to `answered`; says how many notices there were.
    pub fn handle_received(
        &mut self,
        bytes: &[u8],
        referee: &mut Referee,
        answered: &mut Vec<Answered>,
    ) -> anyhow::Result<u64> {
        if self.received.is_empty() {
            // Nearly always: nothing is copied but the part of a frame at the end.
            let (notices, taken) = self.take(bytes, referee, answered)?;
            self.received.extend_from_slice(&bytes[taken..]);
            return Ok(notices);
        }
        self.received.extend_from_slice(bytes);
        self.go_on(referee, answered)
    }

    /// Takes apart what has been received: its joining may have been written down meanwhile.
    pub fn go_on(&mut self, referee: &mut Referee, answered: &mut Vec<Answered>) -> anyhow::Result<u64> {
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
    ) -> anyhow::Result<(u64, usize)> {
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
            // A decoder that remembers how far it has looked would be wrong as soon as a frame is only compared.
            let decoded = Responses::default().decode(rest).map_err(|_| {
                let what = rest[..rest.len().min(20)].escape_ascii();
                anyhow!("{} got bytes that the game does not have: {what}", self.seat)
            })?;
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
