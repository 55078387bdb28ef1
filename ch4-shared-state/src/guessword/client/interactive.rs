//! A player at a terminal. Two threads, since two things may happen at any time: a key is pressed, or the server speaks.
//!
//! ```text
//!   keyboard ──► main thread: readline ──┐            ┌──► requests
//!                                        ├──► state ──┤
//!   responses ──► thread listener ───────┘            └──► printer: above the line that is being typed
//! ```
//!
//! One lock guards the state that they share: the view, the letters that wait for their answers, and
//! the sending half, so that the letters are noted in the order in which they are sent.
//!
//! **`quit` and Ctrl-D** end our half of the connection: the server answers what was asked before, and ends its own. So the answers
//! to what was typed ahead are still shown. Ctrl-C waits for nothing.
//!
//! What the listener prints goes through the [line editor](crate::line_editor), which lifts the half-typed line, prints, and puts it
//! back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use crate::guessword::wire::{NotTheGame, Request, Response};
use anyhow::Context;
use common::support::terminal;
use rustyline::error::ReadlineError;

use super::command::{Command, HELP};
use super::connection::{Connection, Gone, Sender};
use super::view::View;
use crate::guessword::game::word::Letter;
use crate::line_editor::{LineEditor, Printer};

const PROMPT: &str = "> ";

/// Most that a player who leaves waits for the last answers.
const GOODBYE: Duration = Duration::from_secs(3);

/// Plays until `quit`, Ctrl-C, Ctrl-D, or the server's end.
pub fn play(mut connection: Connection, name: Option<&str>) -> anyhow::Result<()> {
    let (mut editor, mut printer) = LineEditor::new()?;
    if !join(&mut editor, &mut connection, name)? {
        return Ok(());
    }
    let sender = connection.sender().context("no descriptor for the listener")?;
    let shared = Arc::new(Mutex::new(PlayerState {
        sender,
        view: View::default(),
        guesses: VecDeque::new(),
        drawn: String::new(),
        leaving: false,
        end: None,
    }));
    lock(&shared).refresh()?;
    let state = Arc::clone(&shared);
    let (listening, heard_all) = mpsc::channel::<()>();
    thread::Builder::new()
        .name("listener".into())
        .spawn(move || {
            let _listening = listening; // until the thread's end
            listen(&mut connection, &state, &mut printer);
        })
        .context("no thread for the listener")?;
    let leave = |editor| {
        drop(editor); // what waits for it to be printed would keep the listener from the answers
        if lock(&shared).leave().is_ok() {
            let _ = heard_all.recv_timeout(GOODBYE);
        }
        Ok(())
    };

    loop {
        let line = editor.readline(PROMPT);
        if let Some(end) = lock(&shared).end.take() {
            return Err(end.into());
        }
        match line {
            Ok(lines) => {
                // Pasted, it may be several; an empty one that is typed is a command, too.
                let pasted = lines.contains('\n');
                for line in lines.split('\n').filter(|line| !pasted || !line.trim().is_empty()) {
                    match Command::parse(line) {
                        Ok(Command::Quit) => return leave(editor),
                        Ok(Command::Help) => editor.say(HELP)?,
                        Ok(command) => lock(&shared).obey(command)?,
                        Err(hint) => editor.say(&format!("  {hint}"))?,
                    }
                }
            }
            Err(ReadlineError::Eof) => return leave(editor),
            Err(ReadlineError::Interrupted) => return Ok(()),
            Err(error) => return Err(error).context("the terminal cannot be read"),
        }
    }
}

/// Asks for names until one is taken; `false` when the player gives up.
fn join(editor: &mut LineEditor, connection: &mut Connection, name: Option<&str>) -> anyhow::Result<bool> {
    let mut name = name.map(str::to_owned);
    loop {
        let wanted = match name.take() {
            Some(name) => name,
            None => match editor.readline("your name: ") {
                Ok(name) => name.trim().to_owned(),
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(false),
                Err(error) => return Err(error).context("the terminal cannot be read"),
            },
        };
        connection.send(&Request::Join(Some(wanted.clone())))?;
        loop {
            match connection.next()? {
                Response::Join(true) => return Ok(true),
                Response::Join(false) => break,
                Response::Unknown => return Err(NotTheGame::Senseless.into()),
                _ => {} // a notification: the picture comes when we have joined
            }
        }
        let refused = format!("  `{wanted}` is in use, or no name (1 to 32 bytes, no space); another one?");
        editor.say(&refused)?;
    }
}

/// What the two threads share.
struct PlayerState {
    sender: Sender,
    view: View,
    /// Sent, not answered.
    guesses: VecDeque<char>,
    /// The picture that was drawn last: the same one is drawn again only for who asks.
    drawn: String,
    /// We say nothing more.
    leaving: bool,
    /// Why there is nothing more to hear.
    end: Option<Gone>,
}

fn lock(state: &Mutex<PlayerState>) -> MutexGuard<'_, PlayerState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PlayerState {
    /// The scores first: the picture is drawn when the word comes, and a server without scores still has a word.
    fn refresh(&mut self) -> Result<(), Gone> {
        if self.leaving {
            return Ok(());
        }
        self.sender.send(&Request::Scores)?;
        self.sender.send(&Request::State)
    }

    fn leave(&mut self) -> Result<(), Gone> {
        self.leaving = true;
        self.sender.finish()
    }

    fn obey(&mut self, command: Command) -> Result<(), Gone> {
        match command {
            Command::Guess(letter) => {
                self.guesses.push_back(letter);
                self.sender.send(&Request::Guess(Some(letter)))
            }
            Command::Propose(word) => self.sender.send(&Request::Propose(Some(word))),
            Command::Scores | Command::State | Command::Wait => {
                self.drawn.clear();
                self.refresh()
            }
            Command::Help | Command::Quit => Ok(()),
        }
    }

    /// What there is to say about a response.
    fn take(&mut self, response: Response) -> Result<Option<String>, Gone> {
        Ok(match response {
            Response::Notice(notice) => {
                self.view.hear(&notice);
                self.refresh()?;
                Some(format!("* {}", terminal::line(&notice.to_string())))
            }
            Response::Guess(right) => {
                let letter = self.guesses.pop_front().unwrap_or('?');
                self.view.try_letter(letter);
                (!right).then(|| self.no_point(letter))
            }
            Response::Propose(false) if self.view.has_word() => {
                Some("  not taken: there is a word already".into())
            }
            Response::Propose(false) => Some(
                "  not taken: a word is 1 to 64 letters, and spaces, hyphens, apostrophes between".into(),
            ),
            Response::Scores(scores) => {
                self.view.scores = scores;
                None
            }
            Response::State(progress) => {
                self.view.progress = progress;
                let picture = self.view.picture();
                (std::mem::replace(&mut self.drawn, picture.clone()) != picture).then_some(picture)
            }
            Response::Propose(true) | Response::Join(_) | Response::Unknown => None,
            Response::NotJoined => Some("  the server does not know us any more".into()),
        })
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

/// The other thread: hears what the server says, to its end.
fn listen(connection: &mut Connection, state: &Mutex<PlayerState>, printer: &mut Printer) {
    let end = loop {
        match connection.next().and_then(|response| lock(state).take(response)) {
            Ok(Some(words)) => {
                if printer.print(words + "\n").is_err() {
                    return; // the editor has ended, and with it the game
                }
            }
            Ok(None) => {}
            Err(end) => break end,
        }
    };
    let mut state = lock(state);
    if state.leaving {
        return;
    }
    state.end = Some(end);
    drop(state);
    // Nobody can interrupt the line editor from outside without leaving the terminal raw.
    let _ = printer.print("* the server is gone; press Enter to leave\n".into());
}
