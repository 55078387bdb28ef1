//! What the keyboard's thread and the listener share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use common::support::terminal;

use crate::guessword::client::command::Command;
use crate::guessword::client::connection::Sender;
use crate::guessword::client::view::View;
use crate::guessword::game::word::Letter;
use crate::guessword::wire::{Request, Response};

/// So many commands that were typed wait for a connection.
const MOST_WAITING: usize = 100;

/// The player.
pub struct PlayerState {
    /// `None` while there is no connection.
    sender: Option<Sender>,
    view: View,
    /// Sent, not answered.
    guesses: VecDeque<char>,
    proposals: VecDeque<String>,
    /// Typed while there is no connection.
    waiting: VecDeque<Command>,
    /// The picture that was drawn last: the same one is drawn again only for who asks.
    drawn: String,
    /// We say nothing more.
    pub leaving: bool,
    /// Why there is nothing more to hear.
    pub end: Option<anyhow::Error>,
}

/// Too much was typed without a connection.
#[derive(Debug, thiserror::Error)]
#[error("not taken: {MOST_WAITING} lines wait for the connection already")]
pub struct TooManyWait;

pub fn lock(state: &Mutex<PlayerState>) -> MutexGuard<'_, PlayerState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PlayerState {
    /// Of a player who has joined.
    pub fn new(sender: Sender) -> PlayerState {
        PlayerState {
            sender: Some(sender),
            view: View::default(),
            guesses: VecDeque::new(),
            proposals: VecDeque::new(),
            waiting: VecDeque::new(),
            drawn: String::new(),
            leaving: false,
            end: None,
        }
    }

    /// A connection that takes nothing has broken: the listener hears of it.
    fn send(&mut self, request: &Request) {
        if let Some(sender) = &mut self.sender
            && sender.send(request).is_err()
        {
            sender.abandon();
        }
    }

    /// The scores first: the picture is drawn when the word comes, and a server without scores still has a word.
    pub fn refresh(&mut self) {
        if !self.leaving {
            self.send(&Request::Scores);
            self.send(&Request::State);
        }
    }

    /// Whether the last answers can be waited for.
    pub fn leave(&mut self) -> bool {
        self.leaving = true;
        self.sender.as_mut().is_some_and(|sender| sender.finish().is_ok())
    }

    /// Does what was typed, now or when there is a connection.
    pub fn obey(&mut self, command: Command) -> Result<(), TooManyWait> {
        if self.sender.is_none() {
            if self.waiting.len() >= MOST_WAITING {
                return Err(TooManyWait);
            }
            self.waiting.push_back(command);
            return Ok(());
        }
        match command {
            Command::Guess(letter) => {
                self.guesses.push_back(letter);
                self.send(&Request::Guess(Some(letter)));
            }
            Command::Propose(word) => {
                self.proposals.push_back(word.clone());
                self.send(&Request::Propose(Some(word)));
            }
            Command::Scores | Command::State | Command::Wait => {
                self.drawn.clear();
                self.refresh();
            }
            Command::Help | Command::Quit => {}
        }
        Ok(())
    }

    /// The connection has broken: what there is to say about what was sent and not answered.
    pub fn disconnected(&mut self) -> Option<String> {
        self.sender = None;
        self.view.away();
        let guesses = self.guesses.drain(..).map(String::from);
        let unanswered: Vec<String> = guesses.chain(self.proposals.drain(..)).collect();
        let unanswered = terminal::line(&unanswered.join(", ")).into_owned();
        (!unanswered.is_empty())
            .then(|| format!("  not known whether the server has got this, and not sent again: {unanswered}"))
    }

    /// We are back in the game.
    pub fn connected(&mut self, sender: Sender) {
        self.sender = Some(sender);
        self.drawn.clear();
        self.refresh();
        for command in std::mem::take(&mut self.waiting) {
            let _ = self.obey(command); // there is a connection
        }
    }

    /// What there is to say about a response.
    pub fn take(&mut self, response: Response) -> Option<String> {
        match response {
            Response::Notice(notice) => {
                self.view.hear(&notice);
                self.refresh();
                Some(format!("* {}", terminal::line(&notice.to_string())))
            }
            Response::Guess(right) => {
                let letter = self.guesses.pop_front().unwrap_or('?');
                self.view.try_letter(letter);
                (!right).then(|| self.no_point(letter))
            }
            Response::Propose(taken) => {
                self.proposals.pop_front();
                (!taken).then(|| self.not_taken())
            }
            Response::Scores(scores) => {
                self.view.scores = scores;
                None
            }
            Response::State(progress) => {
                self.view.progress = progress;
                let picture = self.view.picture();
                (std::mem::replace(&mut self.drawn, picture.clone()) != picture).then_some(picture)
            }
            Response::Join(_) | Response::Unknown => None,
            Response::NotJoined => Some("  the server does not know us any more".into()),
        }
    }

    fn not_taken(&self) -> String {
        if self.view.has_word() {
            return "  not taken: there is a word already".into();
        }
        "  not taken: a word is 1 to 64 letters, and spaces, hyphens, apostrophes between".into()
    }

    /// Why a guess was wrong. Nobody else hears of it, so the picture is drawn again here, with one letter more among the tried.
    fn no_point(&mut self, letter: char) -> String {
        let why = if Letter::of(letter).is_none() {
            "it is no letter"
        } else if self.view.has_word() {
            "not in the word, or tried already"
        } else {
            "there is no word"
        };
        let picture = self.view.picture();
        let mut words = format!("  no point for {letter}: {why}");
        // What is typed ahead is answered before the word is here.
        if !self.view.progress.is_empty() && std::mem::replace(&mut self.drawn, picture.clone()) != picture {
            words = words + "\n" + &picture;
        }
        words
    }
}
