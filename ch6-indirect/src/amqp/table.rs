//! Tables and properties, looked at before they are read.
//!
//! ```text
//!   table:  length (u32)  { name (short string), type (1 byte), value }*        'F' is a table, 'A' an array of values
//! ```
//!
//! A reader that calls itself for each table in a table can be made to call itself twenty thousand times by one frame, and then the
//! stack ends, and the broker with it. So the depth is checked here first, by a loop.

use super::known::TablePlace;

/// Tables in tables in tables: deeper ones are refused.
pub const DEEPEST: usize = 64;

/// Bytes that are no table, or one that is too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no table, or one that is too deep")]
pub struct NoTable;

/// Looks at the table among a method's arguments.
///
/// # Errors
/// See [`NoTable`].
pub fn check_argument(arguments: &[u8], place: TablePlace) -> Result<(), NoTable> {
    let mut rest = Rest(arguments);
    rest.take(place.fixed)?;
    for _ in 0..place.strings {
        rest.short()?;
    }
    rest.take(place.bits)?;
    rest.table()
}

/// Looks at the properties of a content header: flags and values, and nothing behind them.
///
/// # Errors
/// They cannot be read.
pub fn check_properties(properties: &[u8]) -> Result<(), NoTable> {
    let mut rest = Rest(properties);
    let flags = u16::from_be_bytes(rest.array()?);
    for bit in (2..16u16).rev() {
        if flags & (1 << bit) == 0 {
            continue;
        }
        match bit {
            13 => rest.table()?,
            12 | 11 => drop(rest.take(1)?),
            6 => drop(rest.take(8)?),
            _ => rest.text()?,
        }
    }
    if rest.0.is_empty() && flags & 3 == 0 { Ok(()) } else { Err(NoTable) }
}

/// What is left to look at.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NoTable> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(NoTable)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NoTable> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(NoTable)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn short(&mut self) -> Result<&'a [u8], NoTable> {
        let [length] = self.array()?;
        self.take(length.into())
    }

    fn text(&mut self) -> Result<(), NoTable> {
        std::str::from_utf8(self.short()?).map(drop).map_err(|_| NoTable)
    }

    fn length(&mut self) -> Result<usize, NoTable> {
        Ok(u32::from_be_bytes(self.array()?) as usize)
    }

    /// A table, with all that is in it.
    fn table(&mut self) -> Result<(), NoTable> {
        // What is left behind each table or array that is open, and whether it is a table.
        let mut open: Vec<(usize, bool)> = Vec::new();
        let mut begin = Some(true);
        loop {
            if let Some(is_table) = begin.take() {
                let length = self.length()?;
                let behind = self.0.len().checked_sub(length).ok_or(NoTable)?;
                let fits = open.last().is_none_or(|&(outer, _)| behind >= outer);
                if !fits || open.len() >= DEEPEST {
                    return Err(NoTable);
                }
                open.push((behind, is_table));
            }
            let Some(&(behind, is_table)) = open.last() else { return Ok(()) };
            if self.0.len() <= behind {
                if self.0.len() < behind {
                    return Err(NoTable);
                }
                open.pop();
                continue;
            }
            if is_table {
                self.text()?;
            }
            let [kind] = self.array()?;
            match kind {
                b't' | b'b' | b'B' => drop(self.take(1)?),
                b's' | b'U' | b'u' => drop(self.take(2)?),
                b'I' | b'i' | b'f' => drop(self.take(4)?),
                b'L' | b'l' | b'd' | b'T' => drop(self.take(8)?),
                b'D' => drop(self.take(5)?),
                b'V' => {}
                b'S' | b'x' => {
                    let length = self.length()?;
                    self.take(length)?;
                }
                b'F' => begin = Some(true),
                b'A' => begin = Some(false),
                _ => return Err(NoTable),
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// `depth` arrays in a table.
    pub fn nested(depth: usize) -> Vec<u8> {
        let mut value = vec![b'V'];
        for _ in 1..depth {
            let length = u32::try_from(value.len()).unwrap();
            value = [&b"A"[..], &length.to_be_bytes(), &value].concat();
        }
        let entry = [&b"\x01a"[..], &value].concat();
        [&u32::try_from(entry.len()).unwrap().to_be_bytes()[..], &entry].concat()
    }

    const FRONT: TablePlace = TablePlace { fixed: 0, strings: 0, bits: 0 };

    #[test]
    fn a_table_may_be_deep_but_not_as_deep_as_the_stack() {
        assert_eq!(check_argument(&nested(DEEPEST), FRONT), Ok(()));
        assert_eq!(check_argument(&nested(DEEPEST + 1), FRONT), Err(NoTable));
        assert_eq!(check_argument(&nested(20_000), FRONT), Err(NoTable));
    }

    #[test]
    fn a_value_ends_within_its_table() {
        for table in
            [&b"\0\0\0\x03\x01aI\0\0\0\0"[..], b"\0\0\0\x09\x01aF\0\0\0\x08\0\0", b"\0\0\0\x02\x01aV"]
        {
            assert_eq!(check_argument(table, FRONT), Err(NoTable), "{table:?}");
        }
        assert_eq!(check_argument(b"\0\0\0\0", FRONT), Ok(()));
    }

    #[test]
    fn properties_are_read_to_their_end() {
        assert_eq!(check_properties(b"\0\0"), Ok(()));
        assert_eq!(check_properties(b"\x10\0\x02"), Ok(()), "delivery mode 2");
        for bad in [&b"\0"[..], b"\0\0\0", b"\x10\0", b"\0\x01", b"\x80\0\x05text", b"\x80\0\x01\xff"] {
            assert_eq!(check_properties(bad), Err(NoTable), "{bad:?}");
        }
    }
}
