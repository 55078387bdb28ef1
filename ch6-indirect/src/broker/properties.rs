//! The properties of a message in wire form: looked into without reading all of them, and changed without losing what we do not know.
//!
//! ```text
//!   flags (2 bytes, the highest bit first)   a value for each bit that is set
//!   1 0 1 1 0 0 0 1 …                        content_type  headers  delivery_mode  expiration
//! ```
//!
//! A publisher pays for these few lines on each message: nothing is allocated, and a table is read only where a header is asked for.

use bytes::Bytes;

use super::arguments;
use crate::amqp::FieldTable;
use crate::amqp::command::Content;

/// How deep tables and arrays may stand in each other: a reader that calls itself must not run out of stack.
const DEEPEST: usize = 32;

/// Properties, in the order of their flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Property {
    /// The table of headers.
    Headers = 2,
    /// 2 for persistent.
    DeliveryMode = 3,
    /// 0 to 255.
    Priority = 4,
    /// Where an answer is to go.
    ReplyTo = 6,
    /// Milliseconds, as text.
    Expiration = 7,
    /// The user who published it.
    UserId = 11,
}

/// Where each property stands.
#[derive(Debug)]
pub struct Properties<'a> {
    fields: [Option<&'a [u8]>; 14],
}

impl<'a> Properties<'a> {
    /// Finds the fields; `None` when these are no properties.
    pub fn read(bytes: &'a [u8]) -> Option<Properties<'a>> {
        let (flags, mut rest) = bytes.split_first_chunk::<2>()?;
        let flags = u16::from_be_bytes(*flags);
        if flags & 0b11 != 0 {
            return None;
        }
        let mut fields = [None; 14];
        for (index, field) in
            fields.iter_mut().enumerate().filter(|(index, _)| flags & (1 << (15 - index)) != 0)
        {
            let length = match index {
                2 => 4 + u32::from_be_bytes(*rest.first_chunk()?) as usize,
                3 | 4 => 1,
                9 => 8,
                _ => 1 + usize::from(*rest.first()?),
            };
            let (value, behind) = rest.split_at_checked(length)?;
            *field = Some(value);
            rest = behind;
        }
        (rest.is_empty() && fields[2].is_none_or(is_shallow)).then_some(Properties { fields })
    }

    /// A property of one byte.
    pub fn byte(&self, property: Property) -> Option<u8> {
        self.fields[property as usize]?.first().copied()
    }

    /// A property that is a short string.
    pub fn text(&self, property: Property) -> Option<&'a [u8]> {
        self.fields[property as usize].map(|field| &field[1..])
    }

    /// Whether these bytes are in the headers: a quick look before the table is read.
    pub fn headers_contain(&self, name: &[u8]) -> bool {
        self.fields[Property::Headers as usize]
            .is_some_and(|field| field.windows(name.len()).any(|window| window == name))
    }

    /// The headers; `None` when there are none, or when they cannot be read.
    pub fn headers(&self) -> Option<FieldTable> {
        let field = self.fields[Property::Headers as usize]?;
        amq_protocol::types::parsing::parse_field_table(field).ok().map(|(_, table)| table)
    }

    /// The same properties with some replaced or (`None`) taken away, before the same body.
    pub fn with(&self, body: &[u8], changes: &[(Property, Option<Vec<u8>>)]) -> Content {
        let mut fields = self.fields;
        for (property, value) in changes {
            fields[*property as usize] = value.as_deref();
        }
        let flags = fields
            .iter()
            .enumerate()
            .filter(|(_, field)| field.is_some())
            .fold(0u16, |flags, (index, _)| flags | 1 << (15 - index));
        let mut bytes = flags.to_be_bytes().to_vec();
        for field in fields.into_iter().flatten() {
            bytes.extend_from_slice(field);
        }
        let length = bytes.len();
        bytes.extend_from_slice(body);
        Content::new(Bytes::from(bytes), length)
    }
}

/// A headers table as a field.
pub fn headers_field(headers: &FieldTable) -> Vec<u8> {
    arguments::wire(headers)
}

/// A short string as a field, cut where it is too long.
pub fn text_field(text: &str) -> Vec<u8> {
    let text = &text.as_bytes()[..text.len().min(255)];
    let mut field = vec![text.len() as u8];
    field.extend_from_slice(text);
    field
}

/// Whether no table or array of this wire form (a field table with its length) stands deeper than a reader can follow.
pub fn is_shallow(table: &[u8]) -> bool {
    shallow(table, DEEPEST, true).is_some()
}

fn shallow(bytes: &[u8], left: usize, has_names: bool) -> Option<()> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let mut rest = rest.get(..u32::from_be_bytes(*length) as usize)?;
    let left = left.checked_sub(1)?;
    while !rest.is_empty() {
        if has_names {
            rest = rest.get(1 + usize::from(*rest.first()?)..)?;
        }
        let (kind, value) = rest.split_first()?;
        let long = || value.first_chunk().map(|length| 4 + u32::from_be_bytes(*length) as usize);
        let length = match kind {
            b't' | b'b' | b'B' => 1,
            b's' | b'U' | b'u' => 2,
            b'I' | b'i' | b'f' => 4,
            b'l' | b'L' | b'd' | b'T' => 8,
            b'D' => 5,
            b'S' | b'x' => long()?,
            b'A' | b'F' => {
                shallow(value, left, *kind == b'F')?;
                long()?
            }
            b'V' => 0,
            _ => return None,
        };
        rest = value.get(length..)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::AMQPValue;
    use amq_protocol::protocol::BasicProperties;
    use amq_protocol::protocol::basic::gen_properties;

    pub fn wire(properties: &BasicProperties) -> Vec<u8> {
        gen_properties(properties)(Vec::new().into()).unwrap().write
    }

    #[test]
    fn fields_are_found_and_changed_and_the_others_stay() {
        let mut headers = FieldTable::default();
        headers.insert("k".into(), AMQPValue::LongInt(7));
        let all = BasicProperties::default()
            .with_content_type("text/plain".into())
            .with_headers(headers)
            .with_delivery_mode(2)
            .with_expiration("60000".into())
            .with_timestamp(9)
            .with_app_id("me".into());
        let bytes = wire(&all);
        let properties = Properties::read(&bytes).unwrap();
        assert_eq!(properties.byte(Property::DeliveryMode), Some(2));
        assert_eq!(properties.text(Property::Expiration), Some(&b"60000"[..]));
        assert_eq!(properties.headers().as_ref(), all.headers().as_ref());
        let changed = properties
            .with(b"body", &[(Property::Expiration, None), (Property::ReplyTo, Some(text_field("r")))]);
        let mut expected = BasicProperties::default()
            .with_content_type("text/plain".into())
            .with_headers(all.headers().clone().unwrap())
            .with_delivery_mode(2)
            .with_reply_to("r".into())
            .with_timestamp(9);
        expected = expected.with_app_id("me".into());
        assert_eq!((changed.properties(), changed.body()), (wire(&expected).as_slice(), &b"body"[..]));
    }

    #[test]
    fn bytes_cut_anywhere_are_no_properties() {
        let bytes =
            wire(&BasicProperties::default().with_reply_to("r".into()).with_timestamp(1).with_priority(3));
        for end in 0..bytes.len() {
            assert!(Properties::read(&bytes[..end]).is_none(), "{end}");
        }
    }

    #[test]
    fn tables_that_stand_too_deep_in_each_other_are_refused() {
        let mut table = FieldTable::default();
        for _ in 0..DEEPEST - 1 {
            let mut outer = FieldTable::default();
            outer.insert("t".into(), AMQPValue::FieldTable(table));
            table = outer;
        }
        assert!(is_shallow(&arguments::wire(&table)));
        let mut outer = FieldTable::default();
        outer.insert("t".into(), AMQPValue::FieldTable(table));
        assert!(!is_shallow(&arguments::wire(&outer)));
    }
}
