//! The other thread: hears what the server says, and joins again when the connection has broken.

use std::sync::Mutex;

use common::support::terminal;

use super::state::{PlayerState, lock};
use crate::guessword::client::connection::{Connection, Gone};
use crate::guessword::client::rejoin::Rejoin;
use crate::line_editor::Printer;

/// Listens until there is nothing more to hear.
pub fn listen(
    mut connection: Connection,
    state: &Mutex<PlayerState>,
    mut printer: Printer,
    mut rejoin: Option<Rejoin>,
) {
    let end = loop {
        let Some(gone) = hear(&mut connection, state, &mut printer) else { return };
        if lock(state).leaving {
            return;
        }
        let unanswered = lock(state).disconnected();
        let Some(rejoin) = &mut rejoin else { break gone.into() };
        let words = ["* the connection is lost; joining again. What you type is sent then".into()];
        let words: Vec<String> = words.into_iter().chain(unanswered).collect();
        if printer.print(words.join("\n") + "\n").is_err() {
            return;
        }
        match rejoin.again(gone).and_then(|(back, _)| Ok((back.sender()?, back))) {
            Ok((sender, back)) => {
                connection = back;
                let _ = printer.print(format!("* back in the game as {}\n", terminal::line(rejoin.name())));
                lock(state).connected(sender);
            }
            Err(end) => break end,
        }
    };
    lock(state).end = Some(end);
    // Nobody can interrupt the line editor from outside without leaving the terminal raw.
    let _ = printer.print("* the server is gone; press Enter to leave\n".into());
}

/// Over one connection, to its end; `None`: the editor has ended, and with it the game.
fn hear(connection: &mut Connection, state: &Mutex<PlayerState>, printer: &mut Printer) -> Option<Gone> {
    loop {
        match connection.next() {
            Ok(response) => {
                let words = lock(state).take(response);
                if let Some(words) = words {
                    printer.print(words + "\n").ok()?;
                }
            }
            Err(end) => return Some(end),
        }
    }
}
