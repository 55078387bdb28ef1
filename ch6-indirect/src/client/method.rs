//! Methods, written: a builder that appends arguments, and the few methods that the client sends.

use super::frame::{self, METHOD};

/// A method under construction.
#[derive(Debug, Clone)]
pub struct Method(Vec<u8>);

impl Method {
    /// Without arguments.
    #[must_use]
    pub fn new(class: u16, method: u16) -> Method {
        Method(Vec::with_capacity(64)).short(class).short(method)
    }

    /// One byte, or up to eight bits.
    #[must_use]
    pub fn octet(mut self, value: u8) -> Method {
        self.0.push(value);
        self
    }

    /// Two bytes.
    #[must_use]
    pub fn short(mut self, value: u16) -> Method {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Four bytes.
    #[must_use]
    pub fn long(mut self, value: u32) -> Method {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Eight bytes.
    #[must_use]
    pub fn long_long(mut self, value: u64) -> Method {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A short string.
    ///
    /// # Panics
    /// It has more than 255 bytes.
    #[must_use]
    pub fn text(mut self, text: &str) -> Method {
        self.0.push(u8::try_from(text.len()).expect("a short string has at most 255 bytes"));
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    /// A long string.
    #[must_use]
    pub fn long_text(self, text: &[u8]) -> Method {
        let mut method = self.long(u32::try_from(text.len()).expect("shorter than 4 GiB"));
        method.0.extend_from_slice(text);
        method
    }

    /// A table of strings.
    #[must_use]
    pub fn table(self, fields: &[(&str, &str)]) -> Method {
        let table = fields.iter().fold(Method(Vec::new()), |table, (name, value)| {
            table.text(name).octet(b'S').long_text(value.as_bytes())
        });
        self.long_text(&table.0)
    }

    /// As a frame on a channel.
    #[must_use]
    pub fn frame(&self, channel: u16) -> Vec<u8> {
        let mut frame = Vec::with_capacity(self.0.len() + 8);
        self.append(METHOD, channel, &mut frame);
        frame
    }

    /// Appended as a frame of that kind: a content header is written like a method.
    pub fn append(&self, kind: u8, channel: u16, out: &mut Vec<u8>) {
        frame::write(kind, channel, &self.0, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_follow_class_and_method() {
        let method = Method::new(50, 10).short(0).text("q").octet(2).table(&[("a", "bc")]);
        let table = [0, 0, 0, 9, 1, b'a', b'S', 0, 0, 0, 2, b'b', b'c'];
        let arguments = [&[0, 50, 0, 10, 0, 0, 1, b'q', 2][..], &table].concat();
        let frame = [&[1, 0, 7, 0, 0, 0, 22][..], &arguments, &[0xCE]].concat();
        assert_eq!(method.frame(7), frame);
    }
}
