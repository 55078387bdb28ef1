//! Tables of AMQP as JSON, for people and for the API of the broker; and back.
//!
//! | JSON | AMQP |
//! |---|---|
//! | `true`, text, `null`, `{}`, `[]` | `t`, `S`, `V`, `F`, `A` |
//! | a whole number | `l`: 64 bits with a sign |
//! | another number | `d` |
//!
//! The other types of AMQP become the nearest of JSON. Bytes that are no UTF-8 are shown with `U+FFFD`.

use serde_json::{Map, Number, Value, json};

use super::{AMQPValue, FieldTable, ShortString};

/// How deep a table may be.
const DEPTH: usize = 32;

/// The table that an object of JSON is.
///
/// # Errors
/// A sentence for the user: not an object, a name of more than 255 bytes, a number that is too large, too deep.
pub fn from_json(value: &Value) -> Result<FieldTable, String> {
    match value {
        Value::Null => Ok(FieldTable::default()),
        Value::Object(object) => table(object, DEPTH),
        Value::Array(empty) if empty.is_empty() => Ok(FieldTable::default()), // as PHP and Erlang write an empty object
        _ => Err("arguments and headers are an object: {\"name\": value}".into()),
    }
}

fn table(object: &Map<String, Value>, depth: usize) -> Result<FieldTable, String> {
    let mut table = FieldTable::default();
    for (name, value) in object {
        let short = short(name).map_err(|why| format!("an argument's name: {why}"))?;
        table.insert(short, amqp(value, depth)?);
    }
    Ok(table)
}

fn amqp(value: &Value, depth: usize) -> Result<AMQPValue, String> {
    let depth = depth.checked_sub(1).ok_or("arguments that are too deep")?;
    Ok(match value {
        Value::Null => AMQPValue::Void,
        Value::Bool(value) => AMQPValue::Boolean(*value),
        Value::String(text) => AMQPValue::LongString(text.as_str().into()),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => AMQPValue::LongLongInt(whole),
            (None, Some(float)) if !number.is_u64() => AMQPValue::Double(float),
            _ => return Err(format!("{number} does not fit into 64 bits with a sign")),
        },
        Value::Object(object) => AMQPValue::FieldTable(table(object, depth)?),
        Value::Array(values) => {
            let values: Result<Vec<_>, _> = values.iter().map(|value| amqp(value, depth)).collect();
            AMQPValue::FieldArray(values?.into())
        }
    })
}

/// A text of at most 255 bytes.
///
/// # Errors
/// A sentence for the user.
pub fn short(text: &str) -> Result<ShortString, String> {
    ShortString::try_new(text).map_err(|_| "it is longer than 255 bytes".into())
}

/// The object of JSON that a table is.
#[must_use]
pub fn to_json(table: &FieldTable) -> Value {
    Value::Object(
        table.inner().iter().map(|(name, value)| (name.to_string(), value_to_json(value))).collect(),
    )
}

/// The value of JSON that a value is.
#[must_use]
pub fn value_to_json(value: &AMQPValue) -> Value {
    match value {
        AMQPValue::Boolean(value) => json!(value),
        AMQPValue::ShortShortInt(value) => json!(value),
        AMQPValue::ShortShortUInt(value) => json!(value),
        AMQPValue::ShortInt(value) => json!(value),
        AMQPValue::ShortUInt(value) => json!(value),
        AMQPValue::LongInt(value) => json!(value),
        AMQPValue::LongUInt(value) => json!(value),
        AMQPValue::LongLongInt(value) => json!(value),
        AMQPValue::Timestamp(value) => json!(value),
        AMQPValue::Float(value) => Number::from_f64(f64::from(*value)).map_or(Value::Null, Value::Number),
        AMQPValue::Double(value) => Number::from_f64(*value).map_or(Value::Null, Value::Number),
        AMQPValue::DecimalValue(value) => {
            json!(f64::from(value.value) / 10f64.powi(i32::from(value.scale)))
        }
        AMQPValue::ShortString(text) => json!(text.as_str()),
        AMQPValue::LongString(text) => json!(String::from_utf8_lossy(text.as_bytes())),
        AMQPValue::ByteArray(bytes) => json!(String::from_utf8_lossy(bytes.as_slice())),
        AMQPValue::FieldArray(values) => Value::Array(values.as_slice().iter().map(value_to_json).collect()),
        AMQPValue::FieldTable(table) => to_json(table),
        AMQPValue::Void => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_back_as_it_was() {
        let object = json!({"x-message-ttl": 60000, "a": "\u{e9}", "t": true, "n": null, "f": 1.5, "l": [1, {"deep": -1}], "o": {}});
        assert_eq!(to_json(&from_json(&object).unwrap()), object);
        assert_eq!(to_json(&from_json(&Value::Null).unwrap()), json!({}));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let mut deep = json!(1);
        for _ in 0..40 {
            deep = json!({ "a": deep });
        }
        for bad in [json!(1), json!([1]), json!({"a": u64::MAX}), json!({"a".repeat(256): 1}), deep] {
            assert!(from_json(&bad).is_err(), "{bad}");
        }
    }
}
