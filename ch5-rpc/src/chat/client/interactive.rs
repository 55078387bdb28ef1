//! The client at a terminal. Two threads: one reads the keyboard, the other looks for what is new.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;
use common::support::{interrupt, terminal};
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};

use super::args::ChatClientArgs;
use super::session::{Session, connect, register, texts};
use crate::objects::stub::Stub;
use crate::pyro::proxy::CallError;

const PROMPT: &str = "> ";

pub(super) fn run(args: &ChatClientArgs) -> anyhow::Result<ExitCode> {
    let options = args.options()?;
    let mut chat = connect(args)?;
    let uri = register(&mut chat, args)?;
    let mut me = Stub::connect(&uri, args.wire, options)?;
    let mut editor = DefaultEditor::new().context("the terminal cannot be used")?;
    let mut printer = editor.create_external_printer().context("the terminal cannot be used")?;
    let methods = me.methods().join(", ");
    printer.print(format!("your object at {uri} has: {}\n", terminal::line(&methods)))?;
    printer.print("what you type is posted; /private NAME TEXT, /users; Ctrl-D ends\n".into())?;
    let is_lost = Arc::new(AtomicBool::new(false));
    let (session, no_reconnect, lost) =
        (Session::new(chat.uri(), &uri, args.wire, options), args.no_reconnect, Arc::clone(&is_lost));
    thread::Builder::new()
        .name("listener".into())
        .spawn(move || listen(session, no_reconnect, &lost, &mut printer))
        .context("no thread for what is new")?;
    loop {
        let line = match editor.readline(PROMPT) {
            Ok(line) => line,
            Err(ReadlineError::Eof) => return Ok(ExitCode::SUCCESS),
            Err(ReadlineError::Interrupted) => return Ok(ExitCode::from(interrupt::STATUS)),
            Err(error) => return Err(error).context("the terminal cannot be read"),
        };
        anyhow::ensure!(!is_lost.load(Ordering::Relaxed), "the chat is gone");
        let _ = editor.add_history_entry(line.trim());
        let done = obey(line.trim(), &mut chat, &mut me);
        let mut printer = editor.create_external_printer().context("the terminal cannot be used")?;
        match done {
            Ok(lines) => {
                for line in lines {
                    printer.print(format!("{}\n", terminal::line(&line)))?;
                }
            }
            Err(CallError::Failed(exception)) => {
                printer.print(format!("* {}\n", terminal::line(&exception.to_string())))?;
            }
            // What was typed is not sent again: it may have been posted.
            Err(error) => {
                printer.print(format!("* {}\n", terminal::line(&error.to_string())))?;
                if args.no_reconnect {
                    return Err(error.into());
                }
                let connect = |uri| Stub::connect(uri, args.wire, options);
                if let (Ok(again), Ok(chat_again)) = (connect(&uri), connect(chat.uri())) {
                    (me, chat) = (again, chat_again);
                }
            }
        }
    }
}

/// Does what a line says; what is to be shown.
fn obey(line: &str, chat: &mut Stub, me: &mut Stub) -> Result<Vec<String>, CallError> {
    if line.is_empty() {
        return Ok(Vec::new());
    }
    let Some(command) = line.strip_prefix('/') else {
        return me.call("post", vec![line.into()]).map(|_| Vec::new());
    };
    match command.split_once(' ').map(|(word, rest)| (word, rest.trim())) {
        None if command == "users" => chat.call("get_users", Vec::new()).map(|users| texts(&users)),
        Some(("private", rest)) if rest.contains(' ') => {
            let (to, text) = rest.split_once(' ').unwrap_or_default();
            me.call("post_private", vec![text.into(), to.into()]).map(|_| Vec::new())
        }
        _ => Ok(vec!["* /private NAME TEXT, or /users".into()]),
    }
}

fn listen(
    mut session: Session,
    no_reconnect: bool,
    is_lost: &AtomicBool,
    printer: &mut impl ExternalPrinter,
) {
    let mut was_away = false;
    loop {
        let end = match session.news() {
            Ok(lines) => {
                was_away = false;
                let words: String = lines.iter().map(|line| format!("{}\n", terminal::line(line))).collect();
                !words.is_empty() && printer.print(words).is_err()
            }
            Err(error) => {
                if !was_away {
                    let _ = printer.print(format!("* {}\n", terminal::line(&error.to_string())));
                }
                was_away = true;
                session.recover(error, no_reconnect).is_err()
            }
        };
        if end || session.pause() {
            is_lost.store(end, Ordering::Relaxed);
            // Nobody can interrupt the line editor from outside without leaving the terminal raw.
            let _ = printer.print("* the chat is gone; press Enter to leave\n".into());
            return;
        }
    }
}
