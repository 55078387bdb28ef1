//! The messages of the stub that is written by hand: see the picture in [`by_hand`](crate::anatomy::by_hand).

use super::cursor::{Cursor, Direction, Unreadable};
use crate::anatomy::by_hand::{DONE, FAILED};
use crate::anatomy::idl::{Kind, METHODS};

/// One message. A reply does not say which procedure has run: its caller knows, from the call id.
pub(super) fn message(cursor: &mut Cursor<'_>, direction: Direction) -> Result<(), Unreadable> {
    let from = cursor.at;
    let length = u32::from_be_bytes(cursor.array()?) as usize;
    cursor.field(from, "length", format!("{length} bytes follow; u32 in network order, big endian"));
    let end = cursor.at + length;
    if end > cursor.bytes.len() {
        return Err(cursor.error("it ends too early"));
    }

    let from = cursor.at;
    let call = u32::from_be_bytes(cursor.array()?);
    cursor.field(from, "call id", format!("{call}: the reply has the same"));
    match direction {
        Direction::Request => {
            let from = cursor.at;
            let number = u16::from_be_bytes(cursor.array()?);
            let method = METHODS.get(usize::from(number)).ok_or_else(|| cursor.error("no such procedure"))?;
            cursor.field(
                from,
                "method",
                format!("{number}: {}, its place in the dispatch table", method.name),
            );
            value(cursor, method.argument.0, method.argument.1)?;
        }
        Direction::Response(kind) => {
            let from = cursor.at;
            let [status] = cursor.array()?;
            match status {
                DONE => {
                    cursor.field(from, "status", "0: done, a result follows");
                    value(cursor, "result", kind)?;
                }
                FAILED => {
                    cursor.field(from, "status", "1: failed, the text of the error follows");
                    value(cursor, "error", Kind::Text)?;
                }
                _ => return Err(cursor.error("no such status")),
            }
        }
    }
    cursor.ends_at(end)
}

fn value(cursor: &mut Cursor<'_>, name: &str, kind: Kind) -> Result<(), Unreadable> {
    let from = cursor.at;
    match kind {
        Kind::Number => {
            let number = u64::from_be_bytes(cursor.array()?);
            cursor.field(from, name, format!("{number}; u64, big endian"));
        }
        Kind::Flag => {
            let [flag] = cursor.array()?;
            cursor.field(from, name, if flag == 0 { "0: no" } else { "1: yes" });
        }
        Kind::Text | Kind::TextOrNone => {
            let length = u32::from_be_bytes(cursor.array()?) as usize;
            cursor.field(from, format!("{name}: length"), format!("{length} bytes; u32, big endian"));
            cursor.text(name, length)?;
        }
        Kind::Numbers => {
            let count = u32::from_be_bytes(cursor.array()?);
            cursor.field(from, format!("{name}: count"), format!("{count}; u32, big endian"));
            for _ in 0..count {
                value(cursor, name, Kind::Number)?;
            }
        }
    }
    Ok(())
}
