//! The client at a terminal. Two threads, since two things may happen at any time: a key is pressed, or the server speaks.
//!
//! ```text
//!   keyboard ──► main thread: readline ── 1:…; ──┐
//!                                                ├──► the one sending half
//!   server ──► thread listener ────────── 2:; ───┘
//!                  └──► printer: above the line that is being typed
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

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, bail};
use rustyline::error::ReadlineError;

use super::args::BoardClientArgs;
use super::error::Gone;
use super::line;
use super::publication::request;
use super::session::{Event, Session};
use crate::line_editor::{LineEditor, Printer};

const PROMPT: &str = "> ";

/// Publishes what is typed and shows what comes, until Ctrl-D, Ctrl-C, or the server's end.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<()> {
    let stream = args.connect()?;
    stream.set_write_timeout(Some(args.timeout))?;
    let (mut editor, mut printer) = LineEditor::new()?;
    let sender = stream.try_clone().context("no descriptor for the listener")?;
    let connection = Arc::new(SharedConnection {
        sender: Mutex::new(sender),
        state: Mutex::default(),
        changed: Condvar::new(),
    });
    editor.say("what you type is published; arrow keys bring back what you typed; Ctrl-D ends")?;
    let shared = Arc::clone(&connection);
    thread::Builder::new()
        .name("listener".into())
        .spawn(move || listen(stream, &shared, &mut printer))
        .context("no thread for the listener")?;

    loop {
        let line = editor.readline(PROMPT);
        if let Some(end) = connection.state().end.take() {
            return Err(end);
        }
        match line {
            Ok(line) => {
                for text in line.lines().filter(|text| !text.trim().is_empty()) {
                    match request(text.into()) {
                        Ok(frame) => connection.publish(&frame)?,
                        Err(too_long) => editor.say(&format!("* {too_long}"))?,
                    }
                }
            }
            Err(ReadlineError::Eof) => {
                // What still waits for the editor to be printed would keep the listener from the answers.
                drop(editor);
                return connection.wait_for_answers(args);
            }
            Err(ReadlineError::Interrupted) => return Ok(()),
            Err(error) => return Err(error).context("the terminal cannot be read"),
        }
    }
}

/// What the two threads share.
struct SharedConnection {
    sender: Mutex<TcpStream>,
    state: Mutex<Answers>,
    changed: Condvar,
}

#[derive(Default)]
struct Answers {
    /// Messages that were sent and not answered.
    unanswered: usize,
    /// Why there is nothing more to hear.
    end: Option<anyhow::Error>,
}

impl SharedConnection {
    fn state(&self) -> MutexGuard<'_, Answers> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Gone> {
        Ok(self.sender.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)?)
    }

    fn publish(&self, frame: &[u8]) -> Result<(), Gone> {
        self.state().unanswered += 1;
        self.send(frame)
    }

    fn answered(&self, count: usize) {
        let mut state = self.state();
        state.unanswered = state.unanswered.saturating_sub(count);
        self.changed.notify_one();
    }

    fn ended(&self, why: anyhow::Error) {
        self.state().end = Some(why);
        self.changed.notify_one();
    }

    fn wait_for_answers(&self, args: &BoardClientArgs) -> anyhow::Result<()> {
        let (mut state, _) = self
            .changed
            .wait_timeout_while(self.state(), args.timeout, |state| {
                state.unanswered > 0 && state.end.is_none()
            })
            .unwrap_or_else(PoisonError::into_inner);
        match (state.unanswered, state.end.take()) {
            (0, _) => Ok(()),
            (count, Some(end)) => Err(end.context(format!("{count} of your messages were not acknowledged"))),
            (count, None) => bail!("{count} of your messages were not acknowledged"),
        }
    }
}

/// The other thread: hears what the server says, to its end.
fn listen(mut stream: TcpStream, connection: &SharedConnection, printer: &mut Printer) {
    let mut hear = || -> anyhow::Result<()> {
        let (mut session, mut events, mut reply) = (Session::default(), Vec::new(), Vec::new());
        let mut chunk = vec![0; 64 * 1024];
        session.begin(&mut reply);
        loop {
            connection.send(&reply)?;
            reply.clear();
            let count = stream.read(&mut chunk).map_err(Gone::Broken)?;
            if count == 0 {
                return Err(Gone::Ended.into());
            }
            session.receive(&chunk[..count], &mut events, &mut reply)?;
            let answers = |event: &&Event| matches!(event, Event::Published | Event::Refused);
            connection.answered(events.iter().filter(answers).count());
            let words: String = events.drain(..).filter_map(words).collect();
            if !words.is_empty() {
                let _ = printer.print(words); // the editor has ended, perhaps, and the answers are waited for
            }
        }
    };
    if let Err(error) = hear() {
        connection.ended(error);
    }
    // Nobody can interrupt the line editor from outside without leaving the terminal raw.
    let _ = printer.print("* the server is gone; press Enter to leave\n".into());
}

fn words(event: Event) -> Option<String> {
    match event {
        Event::Message(message) => Some(line::harmless(&message) + "\n"),
        Event::Refused => Some("* the server refuses that: the board is full\n".into()),
        Event::CaughtUp | Event::Published => None,
    }
}
