//! A text of the board as an argument: any bytes, in the form that each encoding has for them (the data conversion of steps 4, 7 and 10).
//!
//! ```text
//!   bincode   05 'h' 'e' 'l' 'l' 'o'       a length, then the bytes as they are
//!   JSON      "hello"                      a string, which must be UTF-8
//!             {"base64":"/wA="}            any other bytes
//! ```

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text. A clone shares the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(pub Arc<[u8]>);

impl Text {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.as_bytes().into())
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Text {
        Text(bytes.into())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_bytes(&self.0);
        }
        if let Ok(text) = std::str::from_utf8(&self.0) {
            return serializer.serialize_str(text);
        }
        let mut object = serializer.serialize_struct("Text", 1)?;
        object.serialize_field("base64", &STANDARD.encode(&self.0))?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(AnyForm)
        } else {
            deserializer.deserialize_bytes(AnyForm)
        }
    }
}

struct AnyForm;

impl<'de> Visitor<'de> for AnyForm {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, or an object with the member `base64`")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
        Ok(Text(bytes.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(text.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        let Some((name, encoded)) = map.next_entry::<String, String>()? else {
            return Err(A::Error::missing_field("base64"));
        };
        if name != "base64" {
            return Err(A::Error::unknown_field(&name, &["base64"]));
        }
        STANDARD.decode(encoded).map(Text::from).map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_a_string_where_it_can() {
        for (bytes, json) in [
            (&b"hello"[..], r#""hello""#),
            ("\u{1}ä\"".as_bytes(), r#""\u0001ä\"""#),
            (b"\xff\0", r#"{"base64":"/wA="}"#),
            (b"", r#""""#),
        ] {
            let text = Text(bytes.into());
            assert_eq!(serde_json::to_string(&text).unwrap(), json);
            assert_eq!(serde_json::from_str::<Text>(json).unwrap(), text);
        }
        for bad in [r#"{"base64":"/"}"#, r#"{"base32":"aa"}"#, "{}", "7"] {
            assert!(serde_json::from_str::<Text>(bad).is_err(), "{bad}");
        }
    }
}
