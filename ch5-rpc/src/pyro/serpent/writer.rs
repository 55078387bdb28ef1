//! Writes a value as serpent does.

use std::fmt::Write;

use super::value::Value;

/// What every serpent text begins with. To Python it is a comment.
const HEADER: &str = "# serpent utf-8 python3.2\n";

/// The bytes of a message's data.
#[must_use]
pub fn write(value: &Value) -> Vec<u8> {
    let mut out = HEADER.to_owned();
    append(value, &mut out);
    out.into_bytes()
}

/// The value as Python would show it.
#[must_use]
pub fn literal(value: &Value) -> String {
    let mut out = String::new();
    append(value, &mut out);
    out
}

fn append(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Int(number) => _ = write!(out, "{number}"),
        Value::Float(number) => float(*number, out),
        Value::Text(text) => quoted(text, out),
        Value::Tuple(items) => {
            sequence('(', items, out);
            if items.len() == 1 {
                out.push(','); // without it, it is the item in brackets
            }
            out.push(')');
        }
        Value::Set(items) if items.is_empty() => out.push_str("()"),
        Value::Set(items) => {
            sequence('{', items, out);
            out.push('}');
        }
        Value::List(items) => {
            sequence('[', items, out);
            out.push(']');
        }
        Value::Dict(entries) => {
            out.push('{');
            for (index, (key, value)) in entries.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                append(key, out);
                out.push(':');
                append(value, out);
            }
            out.push('}');
        }
    }
}

fn sequence(open: char, items: &[Value], out: &mut String) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        append(item, out);
    }
}

/// Python reads every form that Rust writes, but for the three that are no numbers.
fn float(number: f64, out: &mut String) {
    if number.is_nan() {
        append(&Value::nan(), out);
    } else if number.is_infinite() {
        out.push_str(if number > 0.0 { "1e30000" } else { "-1e30000" });
    } else {
        let _ = write!(out, "{number:?}");
    }
}

/// As Python's `repr` does: what is not seen is escaped.
fn quoted(text: &str, out: &mut String) {
    out.push('\'');
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\x1f' | '\x7f'..='\u{a0}' => _ = write!(out, "\\x{:02x}", u32::from(character)),
            // Line breaks to some, and the mark of a byte order: Python escapes them, too.
            '\u{2028}' | '\u{2029}' | '\u{feff}' => _ = write!(out, "\\u{:04x}", u32::from(character)),
            character => out.push(character),
        }
    }
    out.push('\'');
}
