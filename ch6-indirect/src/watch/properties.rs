//! The properties of a message as JSON, by the names of the specification, and back.

use amq_protocol::frame::WriteContext;
use amq_protocol::protocol::basic::{AMQPProperties, gen_properties, parse_properties};
use serde_json::{Map, Value, json};

use crate::amqp::command::Content;
use crate::amqp::json::{from_json, short, to_json};

/// The content of a message with these properties and this body.
///
/// # Errors
/// A sentence for the user: a property that is not one, or has a value that it cannot have.
pub fn content(properties: &Value, body: &[u8]) -> Result<Content, String> {
    let none = Map::new();
    let object = match properties {
        Value::Object(object) => object,
        Value::Null => &none,
        Value::Array(empty) if empty.is_empty() => &none,
        _ => return Err("properties are an object: {\"name\": value}".into()),
    };
    let mut all = AMQPProperties::default();
    for (name, value) in object {
        all = with(all, name, value).map_err(|why| format!("the property {name}: {why}"))?;
    }
    let bytes = gen_properties(&all)(WriteContext::from(Vec::new())).map_err(|error| error.to_string())?;
    let mut bytes = bytes.into_inner().0;
    let length = bytes.len();
    bytes.extend_from_slice(body);
    Ok(Content::new(bytes.into(), length))
}

fn with(all: AMQPProperties, name: &str, value: &Value) -> Result<AMQPProperties, String> {
    let text = || match value {
        Value::String(text) => short(text),
        Value::Number(number) => short(&number.to_string()), // expiration, which is a text, is often written as a number
        _ => Err("it is a text".into()),
    };
    let small = || whole(value).and_then(|number| u8::try_from(number).map_err(|_| "it is 0 to 255".into()));
    Ok(match name {
        "content_type" => all.with_content_type(text()?),
        "content_encoding" => all.with_content_encoding(text()?),
        "headers" => all.with_headers(from_json(value)?),
        "delivery_mode" => all.with_delivery_mode(small()?),
        "priority" => all.with_priority(small()?),
        "correlation_id" => all.with_correlation_id(text()?),
        "reply_to" => all.with_reply_to(text()?),
        "expiration" => all.with_expiration(text()?),
        "message_id" => all.with_message_id(text()?),
        "timestamp" => all.with_timestamp(whole(value)?),
        "type" => all.with_type(text()?),
        "user_id" => all.with_user_id(text()?),
        "app_id" => all.with_app_id(text()?),
        "cluster_id" => all.with_cluster_id(text()?),
        _ => return Err("there is no such property".into()),
    })
}

fn whole(value: &Value) -> Result<u64, String> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.ok_or_else(|| "it is a whole number".into())
}

/// The properties of a content. Those that cannot be read are none.
#[must_use]
pub fn to_object(content: &Content) -> Value {
    let Ok((_, all)) = parse_properties(content.properties()) else { return json!({}) };
    let texts = [
        ("content_type", all.content_type()),
        ("content_encoding", all.content_encoding()),
        ("correlation_id", all.correlation_id()),
        ("reply_to", all.reply_to()),
        ("expiration", all.expiration()),
        ("message_id", all.message_id()),
        ("type", all.kind()),
        ("user_id", all.user_id()),
        ("app_id", all.app_id()),
        ("cluster_id", all.cluster_id()),
    ];
    let mut object: Map<String, Value> = texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.to_owned(), json!(text.as_ref()?.as_str()))))
        .collect();
    let mut number = |name: &str, number: Option<u64>| {
        number.map(|number| object.insert(name.to_owned(), json!(number)));
    };
    number("delivery_mode", all.delivery_mode().map(u64::from));
    number("priority", all.priority().map(u64::from));
    number("timestamp", *all.timestamp());
    if let Some(headers) = all.headers() {
        object.insert("headers".to_owned(), to_json(headers));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_come_back_as_they_were() {
        let properties = json!({"content_type": "text/plain", "content_encoding": "gzip", "headers": {"a": 1}, "delivery_mode": 2,
            "priority": 9, "correlation_id": "c", "reply_to": "q", "expiration": "1000", "message_id": "m", "timestamp": 17,
            "type": "t", "user_id": "u", "app_id": "a", "cluster_id": "x"});
        let content = content(&properties, b"body").unwrap();
        assert_eq!((to_object(&content), content.body()), (properties, &b"body"[..]));
    }

    #[test]
    fn a_number_as_text_and_a_text_as_number_are_understood() {
        let content = content(&json!({"delivery_mode": "2", "expiration": 1000}), b"").unwrap();
        assert_eq!(to_object(&content), json!({"delivery_mode": 2, "expiration": "1000"}));
        for bad in
            [json!({"delivery_mode": 300}), json!({"nothing": 1}), json!({"priority": "high"}), json!(7)]
        {
            assert!(super::content(&bad, b"").is_err(), "{bad}");
        }
    }
}
