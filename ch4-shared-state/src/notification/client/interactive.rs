//! The client at a terminal. Two threads, since two things may happen at any time: a key is pressed, or the server speaks.
//!
//! ```text
//!   keyboard ──► main thread: readline ── 1:…; ──┐
//!                                                ├──► the one sending half; without a connection, what is typed waits
//!   server ──► thread listener ────────── 2:; ───┘
//!                  ├──► printer: above the line that is being typed
//!                  └──► broken: wait, connect, catch up, send what waits
//! ```
//!
//! **What is typed ahead** is taken line by line: the editor reads all that the terminal has, and keeps what is behind Enter for the next
//! line (`buffer-redux`, a feature of rustyline, without which it is forgotten). What a terminal brackets as pasted comes as one line
//! with line breaks in it, and is several messages as well.
//!
//! **Ctrl-D** waits for the answers that are due: what was typed is on the board then, or the exit status says that it is not.
//!
//! What the listener prints goes through the [line editor](crate::line_editor), which lifts the half-typed line, prints, and puts it
//! back.

mod listener;
mod shared;

use std::sync::Arc;
use std::thread;

use anyhow::Context;
use rustyline::error::ReadlineError;

use super::args::BoardClientArgs;
use super::error::Interrupted;
use super::publication::request;
use crate::line_editor::LineEditor;
use listener::Listener;
use shared::SharedConnection;

const PROMPT: &str = "> ";

/// Publishes what is typed and shows what comes, until Ctrl-D, Ctrl-C, or the server's end.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<()> {
    let stream = args.connect()?;
    let (mut editor, printer) = LineEditor::new()?;
    let connection = Arc::new(SharedConnection::default());
    editor.say("what you type is published; arrow keys bring back what you typed; Ctrl-D ends")?;
    let listener = Listener::new(args, Arc::clone(&connection), printer);
    thread::Builder::new()
        .name("listener".into())
        .spawn(move || listener.listen(stream))
        .context("no thread for the listener")?;

    loop {
        let line = editor.readline(PROMPT);
        if let Some(end) = connection.take_end() {
            return Err(end);
        }
        match line {
            Ok(line) => {
                for text in line.lines().filter(|text| !text.trim().is_empty()) {
                    let published = request(text.into()).map_err(anyhow::Error::from).and_then(|frame| {
                        connection.publish(text.as_bytes(), frame).map_err(anyhow::Error::from)
                    });
                    if let Err(why) = published {
                        editor.say(&format!("* {why}"))?;
                    }
                }
            }
            Err(ReadlineError::Eof) => {
                // What still waits for the editor to be printed would keep the listener from the answers.
                drop(editor);
                return connection.wait_for_answers(args.timeout);
            }
            Err(ReadlineError::Interrupted) => return Err(Interrupted.into()),
            Err(error) => return Err(error).context("the terminal cannot be read"),
        }
    }
}
