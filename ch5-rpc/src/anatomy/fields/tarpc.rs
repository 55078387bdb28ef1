//! The messages of tarpc in bincode.
//!
//! ```text
//!  length  0  deadline         trace id  span id  sampled  id  method  argument
//!  length  1  trace id  span id  sampled  id                                        a cancellation
//!  length  id  0  method  result        or        id  1  kind  text                 a response
//! ```
//!
//! Integers are short ("varint"): below 251 the byte itself; 251, 252, 253 say that 2, 4, 8 bytes follow, little endian.

use super::cursor::{Cursor, Direction, Unreadable};
use crate::anatomy::idl::{Kind, METHODS, Method};

/// One message.
pub(super) fn message(cursor: &mut Cursor<'_>, direction: Direction) -> Result<(), Unreadable> {
    let from = cursor.at;
    let length = u32::from_be_bytes(cursor.array()?) as usize;
    cursor.field(from, "length", format!("{length} bytes follow; u32, big endian, from the framing"));
    let end = cursor.at + length;
    if end > cursor.bytes.len() {
        return Err(cursor.error("it ends too early"));
    }
    match direction {
        Direction::Request => from_client(cursor)?,
        Direction::Response(_) => from_server(cursor)?,
    }
    cursor.ends_at(end)
}

fn from_client(cursor: &mut Cursor<'_>) -> Result<(), Unreadable> {
    let (from, variant) = (cursor.at, varint(cursor)?);
    match variant {
        0 => {
            cursor.field(from, "message", "0: Request (1 is Cancel)");
            let (from, seconds) = (cursor.at, varint(cursor)?);
            cursor.field(
                from,
                "deadline: s",
                format!("{seconds} s from now, a span: no clocks are compared"),
            );
            let (from, nanoseconds) = (cursor.at, varint(cursor)?);
            cursor.field(from, "deadline: ns", format!("and {nanoseconds} ns{}", written(cursor, from)));
            trace(cursor)?;
            let (from, id) = (cursor.at, varint(cursor)?);
            cursor.field(from, "request id", format!("{id}: the response has the same"));
            let method = method(cursor)?;
            value(cursor, method.argument.0, method.argument.1)
        }
        1 => {
            cursor.field(from, "message", "1: Cancel (0 is Request)");
            trace(cursor)?;
            let (from, id) = (cursor.at, varint(cursor)?);
            cursor.field(from, "request id", format!("{id}: which call its caller has given up"));
            Ok(())
        }
        _ => Err(cursor.error("neither Request nor Cancel")),
    }
}

/// 26 of the 45 bytes of a short request: who called whom, for those who draw it.
fn trace(cursor: &mut Cursor<'_>) -> Result<(), Unreadable> {
    let from = cursor.at;
    let id = u128::from_le_bytes(cursor.array()?);
    let meaning = if id == 0 { "none: nobody traces".into() } else { format!("{id:032x}") };
    cursor.field(from, "trace id", meaning);
    let (from, span) = (cursor.at, varint(cursor)?);
    cursor.field(
        from,
        "span id",
        format!("{span:016x}: a random name for this call{}", written(cursor, from)),
    );
    let (from, decision) = (cursor.at, varint(cursor)?);
    let meaning = match decision {
        0 => "0: sampled, the trace is kept",
        1 => "1: not sampled, no trace is kept",
        _ => return Err(cursor.error("no such decision")),
    };
    cursor.field(from, "sampling", meaning);
    Ok(())
}

fn from_server(cursor: &mut Cursor<'_>) -> Result<(), Unreadable> {
    let (from, id) = (cursor.at, varint(cursor)?);
    cursor.field(from, "request id", format!("{id}: which call it answers"));
    let (from, variant) = (cursor.at, varint(cursor)?);
    match variant {
        0 => {
            cursor.field(from, "outcome", "0: Ok, the procedure has returned");
            let method = method(cursor)?;
            value(cursor, "result", method.result)
        }
        1 => {
            cursor.field(from, "outcome", "1: Err, refused before the procedure");
            let (from, kind) = (cursor.at, varint(cursor)?);
            cursor.field(from, "error kind", kind_of_error(kind));
            length_and_text(cursor, "error text")
        }
        _ => Err(cursor.error("neither Ok nor Err")),
    }
}

/// The kind is written as a number with a sign, which bincode doubles ("zigzag"), and read as one without.
fn kind_of_error(kind: u64) -> String {
    const KINDS: [&str; 4] = ["NotFound", "PermissionDenied", "ConnectionRefused", "ConnectionReset"];
    let name = |kind: u64| {
        let known = usize::try_from(kind).ok().and_then(|kind| KINDS.get(kind));
        known.map_or_else(|| format!("kind {kind}"), |name| (*name).to_owned())
    };
    format!("{kind}: written for {}, read as {}: a fault of tarpc", name(kind / 2), name(kind))
}

fn method(cursor: &mut Cursor<'_>) -> Result<Method, Unreadable> {
    let (from, number) = (cursor.at, varint(cursor)?);
    let method = usize::try_from(number).ok().and_then(|number| METHODS.get(number));
    let method = *method.ok_or_else(|| cursor.error("no such procedure"))?;
    cursor.field(from, "method", format!("{number}: {}, its place in the trait", method.name));
    Ok(method)
}

fn value(cursor: &mut Cursor<'_>, name: &str, kind: Kind) -> Result<(), Unreadable> {
    let from = cursor.at;
    match kind {
        Kind::Text => length_and_text(cursor, name)?,
        Kind::Number => {
            let number = varint(cursor)?;
            cursor.field(from, name, format!("{number}{}", written(cursor, from)));
        }
        Kind::Flag => {
            let [flag] = cursor.array()?;
            cursor.field(from, name, if flag == 0 { "0: no" } else { "1: yes" });
        }
        Kind::Numbers => {
            let count = varint(cursor)?;
            cursor.field(from, format!("{name}: count"), count.to_string());
            for _ in 0..count {
                value(cursor, name, Kind::Number)?;
            }
        }
        Kind::TextOrNone => match varint(cursor)? {
            0 => {
                cursor.field(from, format!("{name}: variant"), "0: Ok");
                length_and_text(cursor, name)?;
            }
            1 => {
                cursor.field(
                    from,
                    format!("{name}: variant"),
                    "1: Err(NoMessage), an error of the interface",
                );
                value(cursor, "NoMessage", Kind::Number)?;
            }
            _ => return Err(cursor.error("neither Ok nor Err")),
        },
    }
    Ok(())
}

fn length_and_text(cursor: &mut Cursor<'_>, name: &str) -> Result<(), Unreadable> {
    let (from, length) = (cursor.at, varint(cursor)?);
    cursor.field(from, format!("{name}: length"), format!("{length} bytes{}", written(cursor, from)));
    let length = usize::try_from(length).map_err(|_| cursor.error("no text is so long"))?;
    cursor.text(name, length)
}

/// A short integer.
fn varint(cursor: &mut Cursor<'_>) -> Result<u64, Unreadable> {
    match cursor.array()? {
        [byte @ ..251] => Ok(byte.into()),
        [251] => Ok(u16::from_le_bytes(cursor.array()?).into()),
        [252] => Ok(u32::from_le_bytes(cursor.array()?).into()),
        [253] => Ok(u64::from_le_bytes(cursor.array()?)),
        [_] => Err(cursor.error("an integer of another kind")),
    }
}

/// How the integer since `from` is written, unless it is the byte itself.
fn written(cursor: &Cursor<'_>, from: usize) -> String {
    match cursor.at - from - 1 {
        0 => String::new(),
        bytes => format!("; {:02x}: {bytes} bytes follow, little endian", cursor.bytes[from]),
    }
}
