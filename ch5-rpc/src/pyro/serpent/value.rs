//! A value of a call: what Python and we both have.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// A whole number. Python's have no bound; a longer one is not read.
    Int(i64),
    /// A number with a point. `inf` is written `1e30000`, `nan` as a dictionary of its own.
    Float(f64),
    /// A text
    Text(String),
    /// `(1,2)`
    Tuple(Vec<Value>),
    /// `[1,2]`
    List(Vec<Value>),
    /// `{1,2}`, in the order of the text. Python has no literal for an empty set: it is written as an empty tuple.
    Set(Vec<Value>),
    /// `{1:2}`, in the order of the text. Of a key that stands there twice, the last counts.
    Dict(Vec<(Value, Value)>),
}

impl Value {
    /// A list of texts.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Value {
        Value::List(texts.into_iter().map(|text| Value::Text(text.into())).collect())
    }

    /// A dictionary whose keys are texts.
    pub fn dict<const N: usize>(entries: [(&str, Value); N]) -> Value {
        Value::Dict(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Bytes, as serpent carries them: base64 in a dictionary.
    #[must_use]
    pub fn bytes(bytes: &[u8]) -> Value {
        Value::dict([("data", STANDARD.encode(bytes).into()), ("encoding", "base64".into())])
    }

    /// The bytes that [`bytes`](Value::bytes) makes such a dictionary of.
    #[must_use]
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let is_base64 = self.get("encoding")?.as_text()? == "base64";
        let data = self.get("data")?.as_text()?;
        is_base64.then(|| STANDARD.decode(data).ok()).flatten()
    }

    /// The value of a key that is a text.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let Value::Dict(entries) = self else { return None };
        entries.iter().rev().find(|(name, _)| name.as_text() == Some(key)).map(|(_, value)| value)
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// What a tuple, a list or a set contains.
    #[must_use]
    pub fn items(&self) -> Option<&[Value]> {
        match self {
            Value::Tuple(items) | Value::List(items) | Value::Set(items) => Some(items),
            _ => None,
        }
    }

    /// Whether Python takes it for true.
    #[must_use]
    pub fn is_true(&self) -> bool {
        match self {
            Value::None => false,
            Value::Bool(value) => *value,
            Value::Int(number) => *number != 0,
            Value::Float(number) => *number != 0.0,
            Value::Text(text) => !text.is_empty(),
            Value::Tuple(items) | Value::List(items) | Value::Set(items) => !items.is_empty(),
            Value::Dict(entries) => !entries.is_empty(),
        }
    }

    /// When it is written, it is no shorter than this.
    #[must_use]
    pub fn least_length(&self) -> usize {
        match self {
            Value::None | Value::Bool(_) => 4,
            Value::Int(_) | Value::Float(_) => 1,
            Value::Text(text) => text.len() + 2,
            Value::Tuple(items) | Value::List(items) | Value::Set(items) => {
                2 + items.iter().map(Value::least_length).sum::<usize>()
            }
            Value::Dict(entries) => {
                2 + entries
                    .iter()
                    .map(|(key, value)| key.least_length() + value.least_length())
                    .sum::<usize>()
            }
        }
    }

    /// Whether it may be a key or stand in a set.
    pub(crate) fn is_hashable(&self) -> bool {
        match self {
            Value::List(_) | Value::Set(_) | Value::Dict(_) => false,
            Value::Tuple(items) => items.iter().all(Value::is_hashable),
            _ => true,
        }
    }

    /// What stands for `nan`, for which Python has no literal.
    pub(super) fn nan() -> Value {
        Value::dict([("__class__", "float".into()), ("value", "nan".into())])
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}
