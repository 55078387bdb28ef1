//! The fields of a head, of a request and of an answer alike: `name: value`, several of one name, and lists (RFC 9110 section 5).
//!
//! ```text
//!   Connection: keep-alive, Upgrade        one list of three elements; names and elements
//!   connection: TE                         are compared without regard to case
//! ```
//!
//! Not here: quoted strings in a list. No field that our servers read has them.

/// The longest head that is taken from a peer, bytes. RFC 9112 section 3 asks for 8000 for the first line alone.
pub const HEAD_LIMIT: usize = 16 * 1024;

/// The most fields in a head.
pub const FIELD_LIMIT: usize = 100;

/// The fields, in the order in which they came. All are in one buffer: a buffer for each name and each value would be half the cost of
/// a head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    bytes: Vec<u8>,
    /// Where a name and its value end in `bytes`.
    ends: Vec<[usize; 2]>,
}

impl Fields {
    /// Those that `httparse` has found.
    pub(super) fn new(parsed: &[httparse::Header<'_>]) -> Fields {
        let length = parsed.iter().map(|field| field.name.len() + field.value.len()).sum();
        let (mut bytes, mut ends) = (Vec::with_capacity(length), Vec::with_capacity(parsed.len()));
        for field in parsed {
            bytes.extend_from_slice(field.name.as_bytes());
            let name = bytes.len();
            bytes.extend_from_slice(field.value.trim_ascii());
            ends.push([name, bytes.len()]);
        }
        Fields { bytes, ends }
    }

    /// The values of all fields with this name.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().filter_map(move |&[middle, end]| {
            let other = &self.bytes[std::mem::replace(&mut start, end)..middle];
            other.eq_ignore_ascii_case(name.as_bytes()).then(|| &self.bytes[middle..end])
        })
    }

    /// Whether there is a field with this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// The value of the only field with this name. `None` if there is no such field, if there are several, or if it is not UTF-8.
    #[must_use]
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.values(name);
        let value = str::from_utf8(values.next()?).ok()?;
        values.next().is_none().then_some(value)
    }

    /// The elements of the list that all fields with this name make together. Empty elements do not count.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let elements = self.values(name).flat_map(|value| value.split(|&byte| byte == b','));
        elements.map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
    }

    /// Whether the list of this name has this element.
    #[must_use]
    pub fn lists(&self, name: &str, element: &str) -> bool {
        self.list(name).any(|other| other.eq_ignore_ascii_case(element.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &[(&str, &str)]) -> Fields {
        let parsed: Vec<_> =
            lines.iter().map(|(name, value)| httparse::Header { name, value: value.as_bytes() }).collect();
        Fields::new(&parsed)
    }

    #[test]
    fn fields_of_one_name_are_one_list() {
        let fields =
            fields(&[("Connection", "keep-alive,\tUpgrade ,,"), ("Host", "a"), ("connection", "TE")]);
        let elements: Vec<&[u8]> = fields.list("CONNECTION").collect();
        assert_eq!(elements, [&b"keep-alive"[..], b"Upgrade", b"TE"]);
        assert!(fields.lists("connection", "upgrade") && fields.lists("connection", "te"));
        assert!(!fields.lists("connection", "keep") && !fields.lists("host", "upgrade"));
    }

    #[test]
    fn what_stands_twice_is_not_the_only_one() {
        let fields = fields(&[("Host", " a "), ("Origin", "b"), ("ORIGIN", "b")]);
        assert_eq!((fields.only("host"), fields.only("origin"), fields.only("te")), (Some("a"), None, None));
        assert!(fields.contains("origin") && !fields.contains("te"));
    }
}
