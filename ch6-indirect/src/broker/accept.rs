//! What the broker must know of a message before it takes it over: its properties, further keys, and whether it may say who sent it.

use std::sync::Arc;
use std::time::Duration;

use common::support::terminal;

use super::arguments;
use super::channel::Staged;
use super::commands::{Done, no};
use super::message::{Message, MessageId};
use super::options::LONGEST;
use super::properties::{Properties, Property, headers_field, text_field};
use super::{At, Broker};
use crate::amqp::command::Content;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPValue, FieldTable, basic};

/// The name by which a client asks for direct replies.
pub const REPLY_TO: &str = "amq.rabbitmq.reply-to";

impl Broker {
    /// Reads of a publish what the broker must know of it.
    pub(super) fn staged(
        &mut self,
        at: At,
        publish: &basic::Publish,
        mut content: Content,
    ) -> Result<Staged, Exception> {
        let bytes = content.bytes().clone();
        let length = content.properties().len();
        let Some(properties) = Properties::read(&bytes[..length]) else {
            return no(ReplyCode::SyntaxError, "the properties of the message cannot be read");
        };
        self.check_user(at, &properties)?;
        let mut more_keys = Vec::new();
        let mut changes = Vec::new();
        if (properties.headers_contain(b"CC") || properties.headers_contain(b"BCC"))
            && let Some(mut headers) = properties.headers()
        {
            more_keys.extend(keys_of(&headers, "CC")?);
            let blind = keys_of(&headers, "BCC")?;
            if headers.contains_key("BCC") {
                headers = arguments::without(&headers, "BCC");
                changes.push((Property::Headers, Some(headers_field(&headers))));
            }
            more_keys.extend(blind);
        }
        if properties.text(Property::ReplyTo) == Some(REPLY_TO.as_bytes()) {
            let Some((_, name)) = self.channel(at)?.reply_queue.clone() else {
                return no(ReplyCode::PreconditionFailed, "fast reply consumer does not exist");
            };
            changes.push((Property::ReplyTo, Some(text_field(&name))));
        }
        let expiration = properties.text(Property::Expiration).map(expiration).transpose()?;
        if !changes.is_empty() {
            content = properties.with(content.body(), &changes);
        }
        self.last_message += 1;
        let message = Message {
            id: MessageId(self.last_message),
            exchange: publish.exchange.as_str().into(),
            routing_key: publish.routing_key.as_str().into(),
            is_persistent: properties.byte(Property::DeliveryMode) == Some(2),
            priority: properties.byte(Property::Priority).unwrap_or(0),
            expiration,
            content,
        };
        Ok(Staged { message: Arc::new(message), more_keys, is_mandatory: publish.mandatory })
    }

    fn check_user(&self, at: At, properties: &Properties<'_>) -> Done {
        let user = &self.connection(at)?.login.user;
        match properties.text(Property::UserId) {
            Some(claimed) if claimed != user.as_bytes() => no(
                ReplyCode::PreconditionFailed,
                format_args!(
                    "user_id property set to '{}' but authenticated user was '{user}'",
                    terminal::text(claimed)
                ),
            ),
            _ => Ok(()),
        }
    }
}

/// The routing keys of the header CC or BCC.
fn keys_of(headers: &FieldTable, name: &str) -> Result<Vec<Box<str>>, Exception> {
    let wrong = || {
        Exception::new(
            ReplyCode::PreconditionFailed,
            format!("unexpected value of the header {name}: an array of strings is expected"),
        )
    };
    match headers.inner().get(name) {
        None => Ok(Vec::new()),
        Some(AMQPValue::FieldArray(keys)) => {
            let key = |value| arguments::text(value).map(Box::from).ok_or_else(wrong);
            keys.as_slice().iter().map(key).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// The property `expiration`: milliseconds, as text.
fn expiration(text: &[u8]) -> Result<Duration, Exception> {
    let shown = terminal::text(text);
    let wrong = |why: String| {
        Exception::new(ReplyCode::PreconditionFailed, format!("invalid expiration '{shown}': {why}"))
    };
    let digits = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    match (shown.parse::<u64>(), text.first()) {
        (Ok(value), Some(first)) if first.is_ascii_digit() && value <= LONGEST => {
            Ok(Duration::from_millis(value))
        }
        (Ok(value), _) if value > LONGEST => Err(wrong(format!("{{value_too_big,{value}}}"))),
        _ if shown.parse::<i64>().is_ok_and(|value| value < 0) => {
            Err(wrong(format!("{{value_negative,{shown}}}")))
        }
        _ if digits > 0 && digits < text.len() => {
            Err(wrong(format!("{{leftover_string,\"{}\"}}", shown.get(digits..).unwrap_or_default())))
        }
        _ => Err(wrong("no_integer".to_owned())),
    }
}
