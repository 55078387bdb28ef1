//! The options of a TCP header: a kind, and, but for two of them, a length and data. Sans-I/O.
//!
//! ```text
//!   | 0 |  end     | 1 |  nothing, for alignment     | kind | length, all of it | data … |
//! ```

use common::support::count::count;
use std::fmt;

use super::super::packet::{Malformed, number16, number32};

/// An option (RFC 9293, section 3.2; RFC 7323; RFC 2018).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TcpOption {
    /// Kind 0.
    End,
    /// Kind 1.
    Nothing,
    /// Kind 2.
    MaximumSegmentSize(u16),
    /// Kind 3.
    WindowScale(u8),
    /// Kind 4.
    SackPermitted,
    /// Kind 8.
    Timestamps(u32, u32),
    /// Any other: its kind and the bytes of its data.
    Other(u8, usize),
}

impl TcpOption {
    /// Its length in bytes, kind and length byte included.
    #[must_use]
    pub fn length(&self) -> usize {
        match self {
            TcpOption::End | TcpOption::Nothing => 1,
            TcpOption::MaximumSegmentSize(_) => 4,
            TcpOption::WindowScale(_) => 3,
            TcpOption::SackPermitted => 2,
            TcpOption::Timestamps(..) => 10,
            TcpOption::Other(_, data) => 2 + data,
        }
    }
}

impl fmt::Display for TcpOption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TcpOption::End => write!(formatter, "0: the end of the options"),
            TcpOption::Nothing => write!(formatter, "1: nothing; the next one begins at a better place"),
            TcpOption::MaximumSegmentSize(size) => {
                write!(formatter, "2: maximum segment size {size}: so many bytes of payload may come at once")
            }
            TcpOption::WindowScale(shift) => {
                write!(
                    formatter,
                    "3: window scale {shift}: the windows that follow count times {}",
                    1u32 << shift
                )
            }
            TcpOption::SackPermitted => {
                write!(formatter, "4: selective acknowledgments are understood")
            }
            TcpOption::Timestamps(value, echo) => {
                write!(
                    formatter,
                    "8: timestamp {value}, in answer to {echo}: for round trips and old duplicates"
                )
            }
            TcpOption::Other(kind, data) => {
                write!(formatter, "{kind}: with {} of data", count(*data, "byte"))
            }
        }
    }
}

/// All options, with the place where each begins.
pub(super) fn options(bytes: &[u8]) -> Result<Vec<(usize, TcpOption)>, Malformed> {
    let mut all = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let option = match bytes[at] {
            0 => TcpOption::End,
            1 => TcpOption::Nothing,
            kind => {
                let impossible = Malformed("a TCP option with an impossible length");
                let length = usize::from(*bytes.get(at + 1).ok_or(impossible)?);
                let data = bytes.get(at + 2..at + length).ok_or(impossible)?;
                match (kind, data.len()) {
                    (2, 2) => TcpOption::MaximumSegmentSize(number16(data, 0)),
                    (3, 1) => TcpOption::WindowScale(data[0].min(14)), // RFC 7323, section 2.3
                    (4, 0) => TcpOption::SackPermitted,
                    (8, 8) => TcpOption::Timestamps(number32(data, 0), number32(data, 4)),
                    (kind, length) => TcpOption::Other(kind, length),
                }
            }
        };
        let is_end = option == TcpOption::End;
        let length = option.length();
        all.push((at, option));
        if is_end {
            break;
        }
        at += length;
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn kinds_are_known_and_others_skipped() {
        let bytes = [2, 4, 5, 180, 4, 2, 254, 3, 9, 1, 3, 3, 7, 0, 99, 99];
        let read: Vec<_> = options(&bytes).unwrap();
        use TcpOption::{End, MaximumSegmentSize, Nothing, Other, SackPermitted, WindowScale};
        let expected = [
            (0, MaximumSegmentSize(1460)),
            (4, SackPermitted),
            (6, Other(254, 1)),
            (9, Nothing),
            (10, WindowScale(7)),
            (13, End),
        ];
        assert_eq!(read, expected, "and what stands behind the end is none");
        assert!(WindowScale(7).to_string().contains("times 128"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_options_or_not(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(all) = options(&bytes) {
                for (at, option) in all {
                    prop_assert!(at + option.length() <= bytes.len());
                    prop_assert!(!option.to_string().is_empty());
                }
            }
        }
    }
}
