//! The programs that components can run: business logic, and nothing else.

pub mod board;
pub mod chat;
pub mod page;
pub mod store;

use super::message::{Fault, Outcome};

/// The longest text, bytes: a page of twenty of them fits into a message.
const LONGEST: usize = 2000;

/// A text that can be kept.
fn kept(text: &str) -> Result<(), Fault> {
    match text.len() {
        0 => Err(Fault::Failed("there is no text".into())),
        length if length > LONGEST => {
            Err(Fault::Failed(format!("a text of {length} bytes; {LONGEST} are possible")))
        }
        _ => Ok(()),
    }
}

/// There is no such method, or it has other arguments.
fn no_such(interface: &str, method: &str) -> Outcome {
    Err(Fault::Refused(format!("{interface} has no method {method} with these arguments")))
}
