//! The messages of XML-RPC: a head of HTTP, line by line, and a body of XML, tag by tag. All of it is text.

use common::support::terminal::text;

use super::cursor::{Cursor, Direction, Unreadable, quoted};

/// One message.
pub(super) fn message(cursor: &mut Cursor<'_>, direction: Direction) -> Result<(), Unreadable> {
    let mut length = None;
    loop {
        let from = cursor.at;
        let line = cursor.rest().windows(2).position(|two| two == b"\r\n");
        let line = line.ok_or_else(|| cursor.error("a line has no end"))?;
        let words = cursor.take(line)?;
        cursor.take(2)?;
        if words.is_empty() {
            cursor.field(from, "empty line", "the head ends");
            break;
        }
        if let Some(value) = content_length(words) {
            length = Some(value);
        }
        head_line(cursor, from, words, direction);
    }
    let length = length.ok_or_else(|| cursor.error("no Content-Length"))?;
    let end = cursor.at.checked_add(length).filter(|end| *end <= cursor.bytes.len());
    let end = end.ok_or_else(|| cursor.error("it ends too early"))?;
    while cursor.at < end {
        body_token(cursor, end)?;
    }
    Ok(())
}

fn content_length(line: &[u8]) -> Option<usize> {
    let (name, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
    name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
}

fn head_line(cursor: &mut Cursor<'_>, from: usize, line: &[u8], direction: Direction) {
    let line = text(line);
    let Some((name, value)) = line.split_once(": ") else {
        let name = if direction == Direction::Request { "request line" } else { "status line" };
        return cursor.field(from, name, line);
    };
    let about = match name {
        "Content-Length" => " bytes of body: as the length in front of a frame",
        "Host" => ": which of the servers at this address",
        "Content-Type" => ": XML",
        _ => "",
    };
    cursor.field(from, format!("field {name}"), format!("{value}{about}"));
}

/// A tag, or the text up to the next one.
fn body_token(cursor: &mut Cursor<'_>, end: usize) -> Result<(), Unreadable> {
    let (from, rest) = (cursor.at, &cursor.bytes[cursor.at..end]);
    if rest[0] != b'<' {
        let length = rest.iter().position(|byte| *byte == b'<').unwrap_or(rest.len());
        let words =
            std::str::from_utf8(cursor.take(length)?).map_err(|_| cursor.error("a text is not UTF-8"))?;
        let meaning = quoted(words);
        cursor.field(from, "text", meaning);
        return Ok(());
    }
    let length =
        rest.iter().position(|byte| *byte == b'>').ok_or_else(|| cursor.error("a tag has no end"))?;
    let tag = text(cursor.take(length + 1)?);
    let meaning = match tag.trim_start_matches('<').trim_end_matches('>') {
        "methodCall" => "a call",
        "methodName" => "its method, by name: nothing breaks when methods are reordered",
        "methodResponse" => "an answer",
        "params" => "the arguments, or the result",
        "param" => "one of them",
        "value" => "a value; every value says its type",
        "string" => "type: text",
        "i4" | "int" => "type: an integer of 32 bits, in decimal digits",
        "fault" => "an error instead of a result",
        "struct" => "type: members with names",
        "member" => "one of them",
        "name" => "its name",
        other if other.starts_with('/') => "it ends",
        other if other.starts_with('?') => "the XML declaration",
        _ => "",
    };
    cursor.field(from, format!("tag {tag}"), meaning);
    Ok(())
}
