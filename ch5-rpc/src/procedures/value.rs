//! What procedures take and give, whatever the wire is: XML and JSON are read into it and written from it.
//!
//! | value | XML-RPC | JSON |
//! |---|---|---|
//! | `Nil` | `<nil/>`, an extension that every library knows | `null` |
//! | `Bool` | `<boolean>1</boolean>` | `true` |
//! | `Int` | `<int>` within 32 bits, `<i8>` (an extension) beyond them | `7` |
//! | `Double` | `<double>` | `7.5`; `null` for what is no number |
//! | `Text`, `Shared` | `<string>`, or `<base64>` when XML cannot carry it | `"…"`, or as bytes when it is not UTF-8 |
//! | `Bytes` | `<base64>` | `{"base64": "…"}`, a convention of ours |
//! | `Date` | `<dateTime.iso8601>` | `"…"` |
//! | `Array`, `Ids` | `<array>` | `[…]` |
//! | `Struct` | `<struct>` | `{…}` |
//!
//! `Shared` and `Ids` are read from nowhere: they are results that may be longer than memory is free, and are written while they are sent.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::document::SharedText;

/// The most values in one request or answer, with those inside others: each costs more memory than the few bytes that it has on the
/// wire.
pub const MOST_VALUES: usize = 200_000;

/// Most values in an answer. A value takes two bytes on the wire, and 24 or more here.
pub const ANSWER_VALUES: usize = 1_000_000;

/// The most arrays and structs inside one another.
pub const MOST_DEPTH: usize = 64;

/// A value.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the table above says what each is")]
pub enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    /// A text of the board, any bytes, where it lies.
    Shared(SharedText),
    Bytes(Vec<u8>),
    /// As it came or will go: see [`is_date`](crate::procedures::date::is_date).
    Date(String),
    Array(Vec<Value>),
    /// The numbers of the range.
    Ids(Range<u64>),
    /// Of two members with one name the last counts, as in Python.
    Struct(BTreeMap<String, Value>),
}

impl Value {
    /// Its type, as a signature writes it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Nil => "nil",
            Value::Bool(_) => "boolean",
            Value::Int(_) => "int",
            Value::Double(_) => "double",
            Value::Text(_) | Value::Shared(_) => "string",
            Value::Bytes(_) => "base64",
            Value::Date(_) => "dateTime.iso8601",
            Value::Array(_) | Value::Ids(_) => "array",
            Value::Struct(_) => "struct",
        }
    }

    /// A text that stands in this program.
    #[must_use]
    pub fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    /// A struct.
    pub fn members<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
        Value::Struct(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }
}
