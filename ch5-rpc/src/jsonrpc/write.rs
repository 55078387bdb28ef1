//! From values to JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::document::{Document, Part, SharedText, escape};
use crate::procedures::value::Value;

/// A shared text up to this length is copied; a longer one is written while it is sent.
const COPIED: usize = 4096;

/// Appends a value.
pub fn value(value: &Value, document: &mut Document) {
    match value {
        Value::Nil => document.push_str("null"),
        Value::Bool(is) => document.push_str(if *is { "true" } else { "false" }),
        Value::Int(number) => document.push_str(&number.to_string()),
        Value::Double(number) => match serde_json::Number::from_f64(*number) {
            Some(number) => document.push_str(&number.to_string()),
            None => document.push_str("null"), // NaN and the infinite ones, as JavaScript does
        },
        Value::Text(text) | Value::Date(text) => string(text, document),
        Value::Bytes(bytes) => as_base64(document, |document| document.push_str(&BASE64.encode(bytes))),
        Value::Shared(text) => shared(text, document),
        Value::Array(values) => {
            list(values, document, ["[", "]"], self::value);
        }
        Value::Ids(ids) => {
            document.push_str("[");
            document.push(Part::JsonIds(ids.clone()));
            document.push_str("]");
        }
        Value::Struct(members) => list(members, document, ["{", "}"], |(name, inner), document| {
            string(name, document);
            document.push_str(":");
            self::value(inner, document);
        }),
    }
}

fn list<T>(
    items: impl IntoIterator<Item = T>,
    document: &mut Document,
    [begin, end]: [&str; 2],
    item: impl Fn(T, &mut Document),
) {
    let mut before = begin;
    for inner in items {
        document.push_str(before);
        item(inner, document);
        before = ",";
    }
    document.push_str(if before == begin { begin } else { "" });
    document.push_str(end);
}

fn string(text: &str, document: &mut Document) {
    document.push_str("\"");
    escape::json(text.as_bytes(), document.bytes());
    document.push_str("\"");
}

fn shared(text: &SharedText, document: &mut Document) {
    let bytes = text.bytes();
    if text.json_length().is_none() {
        return as_base64(document, |document| document.push(Part::Base64(bytes.clone())));
    }
    document.push_str("\"");
    if bytes.len() <= COPIED {
        escape::json(bytes, document.bytes());
    } else {
        document.push(Part::JsonText(text.clone()));
    }
    document.push_str("\"");
}

fn as_base64(document: &mut Document, write: impl FnOnce(&mut Document)) {
    document.push_str("{\"base64\":\"");
    write(document);
    document.push_str("\"}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &Value) -> String {
        let mut document = Document::default();
        super::value(value, &mut document);
        String::from_utf8(document.into_bytes()).unwrap()
    }

    #[test]
    fn every_value_has_its_form() {
        for (value, json) in [
            (Value::Nil, "null"),
            (Value::Bool(true), "true"),
            (Value::Int(i64::MIN), "-9223372036854775808"),
            (Value::Double(2.0), "2.0"),
            (Value::Double(f64::NAN), "null"),
            (Value::text("a\"\\\n\u{1}é"), r#""a\"\\\n\u0001é""#),
            (Value::Shared(SharedText::new(b"\xff"[..].into())), r#"{"base64":"/w=="}"#),
            (Value::Array(vec![Value::Int(1), Value::Array(Vec::new())]), "[1,[]]"),
            (Value::Ids(0..0), "[]"),
            (Value::Ids(9..12), "[9,10,11]"),
            (Value::members([("a", Value::Nil), ("b", Value::members([]))]), r#"{"a":null,"b":{}}"#),
        ] {
            assert_eq!(written(&value), json, "{value:?}");
        }
    }

    #[test]
    fn a_long_text_is_written_as_a_short_one_and_is_json() {
        let text = "a\"\u{0}é".repeat(2000);
        let (own, shared) =
            (Value::text(&text), Value::Shared(SharedText::new(text.clone().into_bytes().into())));
        assert_eq!(written(&own), written(&shared));
        assert_eq!(serde_json::from_str::<String>(&written(&own)).unwrap(), text);
    }
}
