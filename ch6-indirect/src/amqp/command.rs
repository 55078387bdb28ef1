//! A command: a method, and the content that follows it where the method carries one. Specification 0-9-1, sections 2.3.5 and 4.2.6.
//!
//! ```text
//!   frame:   method            header                        body*
//!            basic.publish     length of the body,           at most frame_max - 8 bytes each
//!                              properties
//!   command: └──────────────── one Command ──────────────────────┘
//! ```

use bytes::Bytes;

use super::AMQPClass;

/// What came on one channel, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// The channel; 0 is the connection itself.
    pub channel: u16,
    /// The method and its arguments.
    pub method: AMQPClass,
    /// The content, for `basic.publish` (and, towards a client, `basic.deliver`, `basic.get-ok` and `basic.return`).
    pub content: Option<Content>,
}

/// A message's properties and body, as they came: one allocation, shared by all that relay it.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The properties, in the form of a content header behind its body size (flags and values), and then the body.
    bytes: Bytes,
    properties: u32,
}

impl Content {
    /// Of bytes of which the first `properties` are the properties in wire form, and the rest is the body.
    ///
    /// # Panics
    /// When there are fewer bytes.
    #[must_use]
    pub fn new(bytes: Bytes, properties: usize) -> Content {
        assert!(properties <= bytes.len(), "the properties are part of the content");
        Content { bytes, properties: u32::try_from(properties).expect("a frame is shorter than 4 GiB") }
    }

    /// The properties in wire form: flags and values.
    #[must_use]
    pub fn properties(&self) -> &[u8] {
        &self.bytes[..self.properties as usize]
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.properties as usize..]
    }

    /// Both.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({} B of properties, {} B of body)", self.properties, self.body().len())
    }
}
