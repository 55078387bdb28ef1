//! A message, field by field: where each stands, its bytes, its name, and what they mean. Every byte belongs to one field.
//!
//! The meaning is read from the bytes, with nothing but the interface at hand: that is all that the other side has, too.

mod cursor;
mod hand;
mod tarpc;
mod xmlrpc;

use super::plan::Transport;

use cursor::Cursor;
pub use cursor::{Direction, Field, Unreadable, hex, quoted};

/// The fields of all messages in `bytes`, one after the other.
///
/// # Errors
/// The bytes are something else.
pub fn fields(transport: Transport, direction: Direction, bytes: &[u8]) -> Result<Vec<Field>, Unreadable> {
    let mut cursor = Cursor { bytes, at: 0, fields: Vec::new() };
    while cursor.at < bytes.len() {
        match transport {
            Transport::Tarpc => tarpc::message(&mut cursor, direction)?,
            Transport::Hand => hand::message(&mut cursor, direction)?,
            Transport::Xmlrpc => xmlrpc::message(&mut cursor, direction)?,
        }
    }
    Ok(cursor.fields)
}

#[cfg(test)]
mod tests;
