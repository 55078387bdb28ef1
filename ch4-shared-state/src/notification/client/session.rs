//! What the server says and what is to be asked next, sans-I/O: the client's half of the protocol.
//!
//! ```text
//!   connected ──► 2:; ──► 1:…;  messages ──► 2:; ──► 1:;  caught up ── 7:; ──► 2:; ──► 1:…; …
//! ```
//!
//! One `2:;` is out at a time. A notification that comes meanwhile may be of a message that the server's answer, which is on its
//! way, does not carry: so it is asked once more after it, and once is enough for any number of notifications.

use crate::notification::wire::{GET, NOTIFY, NotTheBoard, Response, Responses};

/// The state of one connection.
#[derive(Debug, Default)]
pub struct Session {
    responses: Responses,
    received: Vec<u8>,
    /// It has begun: who only publishes is notified too, but asks for nothing.
    begun: bool,
    /// A `2:;` is out.
    is_asking: bool,
    /// Another must follow it.
    again: bool,
    caught_up: bool,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// A message, as the line `<time> <ip> <port> <text>`. Each comes once.
    Message(Vec<u8>),
    /// All that was on the board is here. Comes once.
    CaughtUp,
    /// A message of ours is on the board.
    Published,
    /// A message of ours is not.
    Refused,
}

impl Session {
    /// The first request, to be sent in one call.
    pub fn begin(&mut self, reply: &mut Vec<u8>) {
        self.begun = true;
        self.ask(reply);
    }

    /// Bytes have come. Appends what they mean to `events`, and what is to be sent for them to `reply`.
    ///
    /// # Errors
    /// The other side is no notification board.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        events: &mut Vec<Event>,
        reply: &mut Vec<u8>,
    ) -> Result<(), NotTheBoard> {
        self.received.extend_from_slice(bytes);
        let mut taken = 0;
        while let Some((response, consumed)) = self.responses.decode(&self.received[taken..])? {
            taken += consumed;
            match response {
                Response::Notify => self.again = true,
                Response::Published => events.push(Event::Published),
                Response::BadFormat | Response::UnknownControl => events.push(Event::Refused),
                Response::Messages(_) if !self.is_asking => return Err(NotTheBoard::Senseless),
                Response::Messages(messages) => {
                    self.is_asking = false;
                    let before = events.len();
                    for line in messages.lines() {
                        events.push(Event::Message(line.map_err(|_| NotTheBoard::Senseless)?));
                    }
                    if events.len() > before {
                        self.again |= !self.caught_up; // perhaps that was not all
                    } else if !self.caught_up {
                        self.caught_up = true;
                        events.push(Event::CaughtUp);
                    }
                }
            }
            if self.begun && self.again && !self.is_asking {
                self.ask(reply);
            }
        }
        self.received.drain(..taken);
        Ok(())
    }

    /// Whether a question of ours has not been answered yet.
    pub fn is_asking(&self) -> bool {
        self.is_asking
    }

    /// Whether a piece of something longer than a notification is here.
    pub fn is_in_an_answer(&self) -> bool {
        self.received.len() >= NOTIFY.len()
    }

    fn ask(&mut self, reply: &mut Vec<u8>) {
        reply.extend_from_slice(GET);
        self.is_asking = true;
        self.again = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is to be sent for each piece, and what it all meant.
    fn talk(pieces: &[&str]) -> (Vec<String>, Vec<Event>) {
        let (mut session, mut events) = (Session::default(), Vec::new());
        let mut first = Vec::new();
        session.begin(&mut first);
        assert_eq!(first, b"2:;");
        let replies = pieces.iter().map(|piece| {
            let mut reply = Vec::new();
            session.receive(piece.as_bytes(), &mut events, &mut reply).unwrap();
            String::from_utf8(reply).unwrap()
        });
        (replies.collect(), events)
    }

    fn message(text: &str) -> Event {
        Event::Message(text.into())
    }

    #[test]
    fn it_asks_until_there_is_nothing_and_then_when_it_is_notified() {
        let (replies, events) = talk(&["1:YQ==:", "Yg==;", "1:ZA==;", "1:;", "7:;", "1:Yw==;", "0:;"]);
        assert_eq!(replies, ["", "2:;", "2:;", "", "2:;", "", ""]);
        let expected =
            [message("a"), message("b"), message("d"), Event::CaughtUp, message("c"), Event::Published];
        assert_eq!(events, expected);
    }

    #[test]
    fn one_question_answers_many_notifications_and_one_follows_those_that_came_meanwhile() {
        let (replies, events) = talk(&["7:;7:;7:;", "1:;", "7:;", "1:YQ==;", "1:;", "7:", ";"]);
        assert_eq!(replies, ["", "2:;", "", "2:;", "", "", "2:;"]);
        assert_eq!(events, [Event::CaughtUp, message("a")]);
    }

    #[test]
    fn who_only_publishes_asks_for_nothing() {
        let (mut events, mut reply) = (Vec::new(), Vec::new());
        Session::default().receive(b"7:;0:;", &mut events, &mut reply).unwrap();
        assert_eq!((events, reply), (vec![Event::Published], Vec::new()));
    }

    #[test]
    fn an_answer_that_nothing_was_asked_for_is_nonsense() {
        let (mut session, mut events, mut reply) = (Session::default(), Vec::new(), Vec::new());
        session.begin(&mut reply);
        session.receive(b"1:;", &mut events, &mut reply).unwrap();
        assert_eq!(session.receive(b"1:;", &mut events, &mut reply), Err(NotTheBoard::Senseless));
    }

    #[test]
    fn a_refusal_is_told_and_nonsense_is_an_error() {
        assert_eq!(talk(&["2:;4:;"]).1, [Event::Refused, Event::Refused]);
        let (mut session, mut reply) = (Session::default(), Vec::new());
        session.begin(&mut reply);
        assert_eq!(session.receive(b"1:*;", &mut Vec::new(), &mut reply), Err(NotTheBoard::Senseless));
    }
}
