//! A text that lies on a board and is sent from there, with its length in each wire.
//!
//! To find the length of 200 MiB in XML takes a good part of a second. A request of a hundred bytes asks for it, so it is found once, and
//! not for every request.

use std::sync::{Arc, OnceLock};

use super::escape;

/// Any bytes. A clone is the same text.
#[derive(Debug, Clone)]
pub struct SharedText {
    bytes: Arc<[u8]>,
    lengths: Arc<Lengths>,
}

/// `None` where the wire cannot carry it as a text.
#[derive(Debug, Default)]
struct Lengths {
    xml: OnceLock<Option<u64>>,
    json: OnceLock<Option<u64>>,
}

impl SharedText {
    /// A text whose lengths nobody has asked for.
    #[must_use]
    pub fn new(bytes: Arc<[u8]>) -> SharedText {
        SharedText { bytes, lengths: Arc::default() }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// Its length as a text in XML, bytes; `None` when XML cannot carry it.
    #[must_use]
    pub fn xml_length(&self) -> Option<u64> {
        let find = || escape::is_xml(&self.bytes).then(|| escape::xml_length(&self.bytes));
        *self.lengths.xml.get_or_init(find)
    }

    /// Its length as a text in JSON, bytes; `None` when it is not UTF-8.
    #[must_use]
    pub fn json_length(&self) -> Option<u64> {
        let find = || str::from_utf8(&self.bytes).is_ok().then(|| escape::json_length(&self.bytes));
        *self.lengths.json.get_or_init(find)
    }

    /// Whether somebody has asked for its lengths.
    #[cfg(test)]
    pub fn is_measured(&self) -> bool {
        self.lengths.xml.get().is_some() && self.lengths.json.get().is_some()
    }
}

impl From<Arc<[u8]>> for SharedText {
    fn from(bytes: Arc<[u8]>) -> SharedText {
        SharedText::new(bytes)
    }
}

impl PartialEq for SharedText {
    fn eq(&self, other: &SharedText) -> bool {
        self.bytes == other.bytes
    }
}
