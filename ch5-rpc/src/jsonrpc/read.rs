//! From JSON to values, with the same limits as XML.
//!
//! `{"base64": "eW91"}`, alone in an object, is bytes: JSON has none, and a board does.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::procedures::fault::Fault;
use crate::procedures::value::{MOST_DEPTH, Value};

/// The value in a document, which has `most_values` at most, with those inside others: see
/// [`MOST_VALUES`](crate::procedures::value::MOST_VALUES).
///
/// # Errors
/// No JSON, or more of it than is taken.
pub fn document(text: &str, most_values: usize) -> Result<Value, Fault> {
    let mut left = Some(most_values);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let seed = Seed { left: &mut left, depth: 0 };
    let read = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    match read {
        Ok(value) => Ok(value),
        Err(_) if left.is_none() => Err(Fault::not_a_call("too many values")),
        Err(error) if error.is_data() => {
            Err(Fault::not_a_call("too many arrays and objects inside one another"))
        }
        Err(_) => Err(Fault::not_well_formed("not well-formed JSON")),
    }
}

/// Reads one value, and counts.
struct Seed<'a> {
    /// How many may still come; `None` once one more has.
    left: &'a mut Option<usize>,
    /// How many arrays and objects are around it.
    depth: usize,
}

impl Seed<'_> {
    fn inner(&mut self) -> Seed<'_> {
        Seed { left: self.left, depth: self.depth + 1 }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        *self.left = self.left.and_then(|left| left.checked_sub(1));
        if self.left.is_none() || self.depth > MOST_DEPTH {
            return Err(D::Error::custom("beyond a limit"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Value, E> {
        Ok(Value::Bool(is))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Double(number as f64), Value::Int))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(self.inner())? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut items: A) -> Result<Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some(name) = items.next_key::<String>()? {
            members.insert(name, items.next_value_seed(self.inner())?);
        }
        Ok(bytes(&members).unwrap_or(Value::Struct(members)))
    }
}

fn bytes(members: &BTreeMap<String, Value>) -> Option<Value> {
    match members.get("base64") {
        Some(Value::Text(text)) if members.len() == 1 => BASE64.decode(text).ok().map(Value::Bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::procedures::value::MOST_VALUES;

    fn document(text: &str) -> Result<Value, Fault> {
        super::document(text, MOST_VALUES)
    }

    #[test]
    fn every_value_is_read() {
        for (json, value) in [
            (" null ", Value::Nil),
            ("true", Value::Bool(true)),
            ("-7", Value::Int(-7)),
            ("9223372036854775807", Value::Int(i64::MAX)),
            ("18446744073709551615", Value::Double(18_446_744_073_709_551_615.0)),
            ("1.5", Value::Double(1.5)),
            (r#""a\u0001\ud83d\ude00""#, Value::text("a\u{1}😀")),
            (r#"[1,[]]"#, Value::Array(vec![Value::Int(1), Value::Array(Vec::new())])),
            (r#"{"a":1,"a":2}"#, Value::members([("a", Value::Int(2))])),
            (r#"{"base64":"/w=="}"#, Value::Bytes(vec![255])),
            (r#"{"base64":"?"}"#, Value::members([("base64", Value::text("?"))])),
        ] {
            assert_eq!(document(json), Ok(value), "{json}");
        }
    }

    #[test]
    fn what_is_none_and_what_is_too_much_is_a_fault() {
        for (json, code) in [
            ("", -32700),
            ("{", -32700),
            ("1 2", -32700),
            ("{'a':1}", -32700),
            ("\"\u{1}\"", -32700),
            ("\"\\ud800\"", -32700),
            (&"[".repeat(100_000), -32600),
            (&format!("[{}0]", "0,".repeat(MOST_VALUES)), -32600),
        ] {
            assert_eq!(document(json).unwrap_err().code, code, "{json:.40}");
        }
        let nested = |depth| document(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)));
        assert!(nested(MOST_DEPTH).is_ok());
        assert_eq!(nested(MOST_DEPTH + 2).unwrap_err().code, -32600);
    }
}
