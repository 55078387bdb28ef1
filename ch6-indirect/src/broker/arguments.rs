//! Arguments of exchanges, queues, bindings and consumers: a field table, asked in words.
//!
//! The texts of what is wrong are RabbitMQ's, as far as a client can see them: people search for them.

use amq_protocol::types::generation::gen_field_table;
use amq_protocol::types::parsing::parse_field_table;

use crate::amqp::json::{to_json, value_to_json};
use crate::amqp::{AMQPValue, FieldTable};

/// A field table that names things.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Arguments(pub FieldTable);

impl Arguments {
    /// Of the wire form (a field table with its length). What cannot be read is empty: it was written by us.
    pub fn from_wire(bytes: &[u8]) -> Arguments {
        Arguments(parse_field_table(bytes).map(|(_, table)| table).unwrap_or_default())
    }

    pub fn wire(&self) -> Vec<u8> {
        wire(&self.0)
    }

    pub fn value(&self, name: &str) -> Option<&AMQPValue> {
        self.0.inner().get(name).filter(|value| !matches!(value, AMQPValue::Void))
    }

    /// A text, or RabbitMQ's word for its being something else.
    pub fn text(&self, name: &str) -> Result<Option<&str>, String> {
        self.value(name).map(|value| text(value).ok_or_else(|| unacceptable(value))).transpose()
    }

    /// A text that is a name or a key: on the wire these have 255 bytes at most.
    pub fn name(&self, name: &str) -> Result<Option<&str>, String> {
        match self.text(name)? {
            Some(text) if text.len() > 255 => Err(format!("{{too_long,{}}}", text.len())),
            text => Ok(text),
        }
    }

    /// An integer of any width.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, String> {
        self.value(name).map(|value| integer(value).ok_or_else(|| unacceptable(value))).transpose()
    }

    /// An integer that is not negative.
    pub fn count(&self, name: &str) -> Result<Option<u64>, String> {
        self.integer(name)?
            .map(|value| u64::try_from(value).map_err(|_| format!("{{value_negative,{value}}}")))
            .transpose()
    }

    pub fn truth(&self, name: &str) -> Result<Option<bool>, String> {
        self.value(name).map(|value| value.as_bool().ok_or_else(|| unacceptable(value))).transpose()
    }

    pub fn json(&self) -> serde_json::Value {
        to_json(&self.0)
    }

    /// The first of `names` whose value is not the same in both, with RabbitMQ's words for what was received and what is there.
    pub fn difference<'a>(
        &self,
        received: &Arguments,
        names: &[&'a str],
    ) -> Option<(&'a str, String, String)> {
        names.iter().copied().find_map(|name| {
            let (new, old) = (received.value(name), self.value(name));
            (!same(new, old)).then(|| (name, described(new), described(old)))
        })
    }
}

/// The wire form of a table, with its length.
pub fn wire(table: &FieldTable) -> Vec<u8> {
    let written = gen_field_table(table)(Vec::new().into());
    written.map(|written| written.write).unwrap_or_else(|_| vec![0; 4])
}

/// A table without one of its entries.
pub fn without(table: &FieldTable, name: &str) -> FieldTable {
    let rest = table.into_iter().filter(|(other, _)| other.as_str() != name);
    rest.fold(FieldTable::default(), |mut rest, (name, value)| {
        rest.insert(name.clone(), value.clone());
        rest
    })
}

pub fn text(value: &AMQPValue) -> Option<&str> {
    match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
        AMQPValue::ShortString(text) => Some(text.as_str()),
        _ => None,
    }
}

pub fn integer(value: &AMQPValue) -> Option<i64> {
    Some(match value {
        AMQPValue::ShortShortInt(value) => i64::from(*value),
        AMQPValue::ShortShortUInt(value) => i64::from(*value),
        AMQPValue::ShortInt(value) => i64::from(*value),
        AMQPValue::ShortUInt(value) => i64::from(*value),
        AMQPValue::LongInt(value) => i64::from(*value),
        AMQPValue::LongUInt(value) => i64::from(*value),
        AMQPValue::LongLongInt(value) => *value,
        _ => return None,
    })
}

/// Whether two values are equal: integers by their value, whatever their width.
pub fn same(a: Option<&AMQPValue>, b: Option<&AMQPValue>) -> bool {
    let by_value = |value: &AMQPValue| integer(value);
    match (a, b) {
        (Some(a), Some(b)) => a == b || by_value(a).is_some() && by_value(a) == by_value(b),
        (a, b) => a == b,
    }
}

fn unacceptable(value: &AMQPValue) -> String {
    format!("{{unacceptable_type,{}}}", kind(value))
}

fn described(value: Option<&AMQPValue>) -> String {
    let Some(value) = value else { return "none".to_owned() };
    let shown = match (text(value), integer(value)) {
        (Some(text), _) => text.to_owned(),
        (_, Some(integer)) => integer.to_string(),
        _ => value_to_json(value).to_string(),
    };
    format!("the value '{shown}' of type '{}'", kind(value))
}

/// RabbitMQ's names of the types.
fn kind(value: &AMQPValue) -> &'static str {
    match value {
        AMQPValue::Boolean(_) => "bool",
        AMQPValue::ShortShortInt(_) => "byte",
        AMQPValue::ShortShortUInt(_) => "unsignedbyte",
        AMQPValue::ShortInt(_) => "short",
        AMQPValue::ShortUInt(_) => "unsignedshort",
        AMQPValue::LongInt(_) => "signedint",
        AMQPValue::LongUInt(_) => "unsignedint",
        AMQPValue::LongLongInt(_) => "long",
        AMQPValue::Float(_) => "float",
        AMQPValue::Double(_) => "double",
        AMQPValue::DecimalValue(_) => "decimal",
        AMQPValue::ShortString(_) | AMQPValue::LongString(_) => "longstr",
        AMQPValue::FieldArray(_) => "array",
        AMQPValue::Timestamp(_) => "timestamp",
        AMQPValue::FieldTable(_) => "table",
        AMQPValue::ByteArray(_) => "binary",
        AMQPValue::Void => "void",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(entries: &[(&str, AMQPValue)]) -> Arguments {
        let mut table = FieldTable::default();
        for (name, value) in entries {
            table.insert((*name).into(), value.clone());
        }
        Arguments(table)
    }

    #[test]
    fn integers_are_compared_by_value_and_described_with_their_type() {
        let old = arguments(&[("x-max-length", AMQPValue::LongInt(5))]);
        let same = arguments(&[("x-max-length", AMQPValue::LongLongInt(5))]);
        assert_eq!(old.difference(&same, &["x-max-length"]), None);
        let new = arguments(&[("x-max-length", AMQPValue::ShortShortInt(6))]);
        let expected =
            ("the value '6' of type 'byte'".to_owned(), "the value '5' of type 'signedint'".to_owned());
        let (name, received, current) = old.difference(&new, &["x-max-length"]).unwrap();
        assert_eq!((name, (received, current)), ("x-max-length", expected));
        assert_eq!(old.difference(&Arguments::default(), &["x-max-length"]).unwrap().1, "none");
    }

    #[test]
    fn the_wire_form_comes_back() {
        let table = arguments(&[("a", AMQPValue::LongString("b".into())), ("c", AMQPValue::Boolean(true))]);
        assert_eq!(Arguments::from_wire(&table.wire()), table);
        assert_eq!(Arguments::from_wire(b"junk"), Arguments::default());
    }

    #[test]
    fn what_is_wrong_is_said_as_rabbitmq_says_it() {
        let table = arguments(&[("n", AMQPValue::LongInt(-1)), ("s", AMQPValue::LongString("x".into()))]);
        assert_eq!(table.count("n").unwrap_err(), "{value_negative,-1}");
        assert_eq!(table.count("s").unwrap_err(), "{unacceptable_type,longstr}");
        assert_eq!(table.text("n").unwrap_err(), "{unacceptable_type,signedint}");
    }
}
