//! Headers that a message gets on its way out: `x-delivery-count` of quorum queues, `x-stream-offset` of streams.
//!
//! The message itself is shared and stays as it came: its properties are written anew for this one delivery.

use amq_protocol::protocol::basic::{gen_properties, parse_properties};

use super::frame::append;
use super::{AMQPValue, FieldTable};

/// These properties, in wire form, with a header added or replaced.
///
/// Properties that cannot be read come back as they are: they were looked at when they came, so this does not happen.
#[must_use]
pub fn with_header(properties: &[u8], name: &str, value: i64) -> Vec<u8> {
    let Ok(([], properties)) = parse_properties(properties) else { return properties.to_vec() };
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    let mut headers = FieldTable::from(headers.cloned().unwrap_or_default());
    headers.insert(name.into(), AMQPValue::LongLongInt(value));
    let properties = properties.with_headers(headers);
    let mut written = Vec::new();
    append(&mut written, gen_properties(&properties));
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::ShortString;
    use crate::amqp::table::check_properties;

    #[test]
    fn the_header_is_added_and_the_rest_stays() {
        // A content type, delivery mode 2.
        let before = b"\x90\0\x04text\x02";
        let after = with_header(before, "x-delivery-count", 3);
        assert_eq!(check_properties(&after), Ok(()));
        let (_, read) = parse_properties(&after[..]).unwrap();
        assert_eq!(read.content_type().as_ref().map(ShortString::as_str), Some("text"));
        assert_eq!(*read.delivery_mode(), Some(2));
        let headers = read.headers().as_ref().unwrap().inner();
        assert_eq!(headers["x-delivery-count"], AMQPValue::LongLongInt(3));
        let again = with_header(&after, "x-delivery-count", 4);
        assert_eq!(again.len(), after.len());
    }
}
