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
//! **When the connection breaks** the listener joins again ([`rejoin`](super::rejoin)); what is typed meanwhile waits.
//!
//! What the listener prints goes through the [line editor](crate::line_editor), which lifts the half-typed line, prints, and puts it
//! back.

mod listener;
mod state;

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::guessword::wire::{NotTheGame, Request, Response};
use anyhow::Context;
use rustyline::error::ReadlineError;

use super::args::GuesswordClientArgs;
use super::command::{Command, HELP};
use super::connection::Connection;
use super::rejoin::Rejoin;
use crate::line_editor::LineEditor;
use state::{PlayerState, lock};

const PROMPT: &str = "> ";

/// Most that a player who leaves waits for the last answers.
const GOODBYE: Duration = Duration::from_secs(3);

/// By Ctrl-C.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// Plays until `quit`, Ctrl-C, Ctrl-D, or the server's end.
pub fn play(
    mut connection: Connection,
    name: Option<&str>,
    args: &GuesswordClientArgs,
) -> anyhow::Result<()> {
    let (mut editor, printer) = LineEditor::new()?;
    let Some(name) = join(&mut editor, &mut connection, name)? else { return Ok(()) };
    let sender = connection.sender().context("no descriptor for the listener")?;
    let shared = Arc::new(Mutex::new(PlayerState::new(sender)));
    lock(&shared).refresh();
    let (state, rejoin) = (Arc::clone(&shared), Rejoin::new(args, &name));
    let (listening, heard_all) = mpsc::channel::<()>();
    thread::Builder::new()
        .name("listener".into())
        .spawn(move || {
            let _listening = listening; // until the thread's end
            listener::listen(connection, &state, printer, rejoin);
        })
        .context("no thread for the listener")?;
    let leave = |editor| {
        drop(editor); // what waits for it to be printed would keep the listener from the answers
        if lock(&shared).leave() {
            let _ = heard_all.recv_timeout(GOODBYE);
        }
        Ok(())
    };

    loop {
        let line = editor.readline(PROMPT);
        if let Some(end) = lock(&shared).end.take() {
            return Err(end);
        }
        match line {
            Ok(lines) => {
                // Pasted, it may be several; an empty one that is typed is a command, too.
                let pasted = lines.contains('\n');
                for line in lines.split('\n').filter(|line| !pasted || !line.trim().is_empty()) {
                    match Command::parse(line) {
                        Ok(Command::Quit) => return leave(editor),
                        Ok(Command::Help) => editor.say(HELP)?,
                        Ok(command) => {
                            if let Err(too_many) = lock(&shared).obey(command) {
                                editor.say(&format!("  {too_many}"))?;
                            }
                        }
                        Err(hint) => editor.say(&format!("  {hint}"))?,
                    }
                }
            }
            Err(ReadlineError::Eof) => return leave(editor),
            Err(ReadlineError::Interrupted) => return Err(Interrupted.into()),
            Err(error) => return Err(error).context("the terminal cannot be read"),
        }
    }
}

/// Asks for names until one is taken; the one that was, or `None` when the player gives up.
fn join(
    editor: &mut LineEditor,
    connection: &mut Connection,
    name: Option<&str>,
) -> anyhow::Result<Option<String>> {
    let mut name = name.map(str::to_owned);
    loop {
        let wanted = match name.take() {
            Some(name) => name,
            None => match editor.readline("your name: ") {
                Ok(name) => name.trim().to_owned(),
                Err(ReadlineError::Eof) => return Ok(None),
                Err(ReadlineError::Interrupted) => return Err(Interrupted.into()),
                Err(error) => return Err(error).context("the terminal cannot be read"),
            },
        };
        connection.send(&Request::Join(Some(wanted.clone())))?;
        loop {
            match connection.next()? {
                Response::Join(true) => return Ok(Some(wanted)),
                Response::Join(false) => break,
                Response::Unknown => return Err(NotTheGame::Senseless.into()),
                _ => {} // a notification: the picture comes when we have joined
            }
        }
        let refused = format!("  `{wanted}` is in use, or no name (1 to 32 bytes, no space); another one?");
        editor.say(&refused)?;
    }
}
