//! The client at a terminal. Two threads, since two things may happen at any time: a key is pressed, or the server speaks.
//!
//! ```text
//!   keyboard ──► main thread: readline ── 1:…; ──┐
//!                                                ├──► the one sending half
//!   server ──► thread listener ────────── 2:; ───┘
//!                  └──► printer: above the line that is being typed
//! ```
//!
//! What the listener prints goes through the line editor's printer, which lifts the half-typed line, prints, and puts it back.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Context;
use common::protocol::notify::{REQUEST_LIMIT, Request};
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};

use super::session::{Event, Session};
use super::{BoardClientArgs, Gone, connect, line};

const PROMPT: &str = "> ";

/// Publishes what is typed and shows what comes, until Ctrl-D, Ctrl-C, or the server's end.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<()> {
    let stream = connect(args)?;
    let mut editor = DefaultEditor::new().context("the terminal cannot be used")?;
    let mut printer = editor.create_external_printer().context("the terminal cannot be used")?;
    let sender = Arc::new(Mutex::new(stream.try_clone().context("no descriptor for the listener")?));
    let end = Arc::new(Mutex::new(None));
    printer
        .print("what you type is published; arrow keys bring back what you typed; Ctrl-D ends\n".into())?;
    let listener = (Arc::clone(&sender), Arc::clone(&end));
    thread::Builder::new()
        .name("listener".into())
        .spawn(move || listen(stream, &listener.0, &listener.1, &mut printer))
        .context("no thread for the listener")?;

    loop {
        let line = editor.readline(PROMPT);
        if let Some(end) = end.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(end);
        }
        match line {
            Ok(line) if line.trim().is_empty() => {}
            Ok(line) => {
                let _ = editor.add_history_entry(line.as_str());
                let mut frame = Vec::new();
                Request::Publish(line.into_bytes()).encode(&mut frame);
                if frame.len() > REQUEST_LIMIT {
                    editor.create_external_printer()?.print("* that is too long for the board\n".into())?;
                } else {
                    send(&sender, &frame)?;
                }
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => return Ok(()),
            Err(error) => return Err(error).context("the terminal cannot be read"),
        }
    }
}

fn send(sender: &Mutex<TcpStream>, bytes: &[u8]) -> Result<(), Gone> {
    Ok(sender.lock().unwrap_or_else(PoisonError::into_inner).write_all(bytes)?)
}

/// The other thread: hears what the server says, to its end.
fn listen(
    mut stream: TcpStream,
    sender: &Mutex<TcpStream>,
    end: &Mutex<Option<anyhow::Error>>,
    printer: &mut impl ExternalPrinter,
) {
    let mut hear = || -> anyhow::Result<()> {
        let (mut session, mut events, mut reply) = (Session::default(), Vec::new(), Vec::new());
        let mut chunk = vec![0; 64 * 1024];
        session.begin(&mut reply);
        loop {
            send(sender, &reply)?;
            reply.clear();
            let count = stream.read(&mut chunk).map_err(Gone::Broken)?;
            if count == 0 {
                return Err(Gone::Ended.into());
            }
            session.receive(&chunk[..count], &mut events, &mut reply)?;
            let words: String = events.drain(..).filter_map(words).collect();
            if !words.is_empty() {
                printer.print(words)?;
            }
        }
    };
    if let Err(error) = hear() {
        *end.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
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
