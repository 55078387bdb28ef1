//! Sequence markers: where a part belongs in its message. Sans-I/O: bytes in, bytes out.
//!
//! ```text
//!    0         2            6            10           14
//!   +---------+------------+------------+------------+------
//!   | 'P' 'T' | message    | index      | count      | data …      numbers big-endian, index < count
//!   +---------+------------+------------+------------+------
//! ```
//!
//! `message` is drawn by the sender, so that two messages of one address are told apart. `count` in every part makes a
//! terminator unnecessary: any part says how many there are, whichever comes first.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

/// Bytes before the data.
pub const HEADER: usize = 14;
/// A message has at most so many parts.
pub const MAX_PARTS: u32 = 1 << 20;
/// A message has at most so many bytes: 16 MiB. Who sends what it never completes costs its receiver that much, and some 40
/// bytes of bookkeeping for each part besides.
pub const MAX_BYTES: usize = 16 << 20;

const MAGIC: [u8; 2] = *b"PT";

/// One part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'a> {
    /// Which message of its sender.
    pub message: u32,
    /// Which part, from 0.
    pub index: u32,
    /// Of how many, at least 1 and at most [`MAX_PARTS`].
    pub count: u32,
    /// The bytes.
    pub data: &'a [u8],
}

/// Why a datagram is no part, or none of this message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPart {
    /// Not our magic, or shorter than the header.
    #[error("no sequence marker")]
    NoMarker,
    /// `count` is 0 or too big, or `index` is not below it.
    #[error("an impossible place in the message")]
    BadPlace,
    /// Another message, another count than before, or more bytes than [`MAX_BYTES`].
    #[error("does not belong to the message it claims")]
    Contradiction,
}

impl<'a> Part<'a> {
    /// Reads a datagram.
    ///
    /// # Errors
    /// When it has no marker or an impossible one.
    pub fn decode(datagram: &'a [u8]) -> Result<Part<'a>, BadPart> {
        let (header, data) = datagram.split_first_chunk::<HEADER>().ok_or(BadPart::NoMarker)?;
        let [m0, m1, a, b, c, d, e, f, g, h, i, j, k, l] = *header;
        if [m0, m1] != MAGIC {
            return Err(BadPart::NoMarker);
        }
        let [message, index, count] = [[a, b, c, d], [e, f, g, h], [i, j, k, l]].map(u32::from_be_bytes);
        if count > MAX_PARTS || index >= count {
            return Err(BadPart::BadPlace);
        }
        Ok(Part { message, index, count, data })
    }

    /// Writes the datagram.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut datagram = Vec::with_capacity(HEADER + self.data.len());
        datagram.extend(MAGIC);
        for number in [self.message, self.index, self.count] {
            datagram.extend(number.to_be_bytes());
        }
        datagram.extend(self.data);
        datagram
    }
}

/// What a part was to its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartArrival {
    /// The next one, or beyond a gap.
    New,
    /// One that a later part had overtaken.
    Late,
    /// Here already.
    Duplicate,
}

impl fmt::Display for PartArrival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PartArrival::New => "new",
            PartArrival::Late => "late",
            PartArrival::Duplicate => "duplicate",
        })
    }
}

/// Puts one message together from its parts, whatever their order.
#[derive(Debug)]
pub struct Restorer {
    message: u32,
    count: u32,
    bytes: usize,
    parts: BTreeMap<u32, Vec<u8>>,
    /// Parts that came twice or more often.
    pub duplicates: u64,
    /// Parts that a later one had overtaken.
    pub late: u64,
}

impl Restorer {
    /// For the message that this part is of; the part itself is still to be [received](Restorer::receive).
    #[must_use]
    pub fn new(first: &Part<'_>) -> Restorer {
        let (message, count) = (first.message, first.count);
        Restorer { message, count, bytes: 0, parts: BTreeMap::new(), duplicates: 0, late: 0 }
    }

    /// Takes a part.
    ///
    /// # Errors
    /// [`BadPart::Contradiction`]; then nothing has changed.
    pub fn receive(&mut self, part: &Part<'_>) -> Result<PartArrival, BadPart> {
        if (part.message, part.count) != (self.message, self.count) || part.index >= self.count {
            return Err(BadPart::Contradiction);
        }
        if self.parts.contains_key(&part.index) {
            self.duplicates += 1;
            return Ok(PartArrival::Duplicate);
        }
        if self.bytes + part.data.len() > MAX_BYTES {
            return Err(BadPart::Contradiction);
        }
        let late = self.parts.last_key_value().is_some_and(|(last, _)| part.index < *last);
        self.late += u64::from(late);
        self.bytes += part.data.len();
        self.parts.insert(part.index, part.data.to_vec());
        Ok(if late { PartArrival::Late } else { PartArrival::New })
    }

    /// Parts the message has, and parts that are here.
    #[must_use]
    pub fn progress(&self) -> (u32, u32) {
        (self.count, self.parts.len() as u32) // at most MAX_PARTS
    }

    /// The parts that are not here, as ranges of indexes.
    #[must_use]
    pub fn gaps(&self) -> Vec<RangeInclusive<u32>> {
        let mut gaps = Vec::new();
        let mut next = 0;
        for &index in self.parts.keys().chain([&self.count]) {
            if index > next {
                gaps.push(next..=index - 1);
            }
            next = index + 1;
        }
        gaps
    }

    /// The message, once every part is here.
    #[must_use]
    pub fn message(&self) -> Option<Vec<u8>> {
        let whole = self.parts.len() == self.count as usize;
        whole.then(|| self.parts.values().flatten().copied().collect())
    }
}

/// Cuts a message into datagrams of at most `size` bytes, marker and all.
///
/// # Panics
/// When `size` leaves no room for data, or the message is over the limits: the caller has checked both.
#[must_use]
pub fn cut(message: u32, text: &[u8], size: usize) -> Vec<Vec<u8>> {
    assert!(size > HEADER && text.len() <= MAX_BYTES, "the caller checks the size");
    let blocks: Vec<_> = if text.is_empty() { vec![text] } else { text.chunks(size - HEADER).collect() };
    assert!(blocks.len() <= MAX_PARTS as usize, "the caller checks the size");
    let count = blocks.len() as u32;
    (0..).zip(blocks).map(|(index, data)| Part { message, index, count, data }.encode()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bytes_are_as_documented() {
        let part = Part { message: 0x0102_0304, index: 1, count: 2, data: b"x" };
        assert_eq!(part.encode(), b"PT\x01\x02\x03\x04\0\0\0\x01\0\0\0\x02x");
        for (datagram, error) in [
            (&b"Hello world!"[..], BadPart::NoMarker),
            (b"Hello world! Hello", BadPart::NoMarker),
            (b"PT\0\0\0\0\0\0\0\x02\0\0\0\x02", BadPart::BadPlace),
            (b"PT\0\0\0\0\0\0\0\0\0\0\0\0", BadPart::BadPlace),
            (b"PT\0\0\0\0\0\0\0\0\xff\0\0\0", BadPart::BadPlace),
        ] {
            assert_eq!(Part::decode(datagram), Err(error));
        }
    }

    #[test]
    fn a_part_that_contradicts_the_others_is_refused() {
        let part = Part { message: 7, index: 0, count: 2, data: b"a" };
        let mut restorer = Restorer::new(&part);
        assert_eq!(restorer.receive(&part), Ok(PartArrival::New));
        for other in [Part { message: 8, ..part }, Part { count: 3, ..part }] {
            assert_eq!(restorer.receive(&other), Err(BadPart::Contradiction));
        }
        assert_eq!(restorer.progress(), (2, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_decoded_or_refused(datagram: Vec<u8>, marked: bool) {
            let datagram = if marked { [&MAGIC[..], &datagram].concat() } else { datagram };
            if let Ok(part) = Part::decode(&datagram) {
                prop_assert_eq!(part.encode(), &datagram[..]);
                let _ = Restorer::new(&part).receive(&part);
            }
        }

        #[test]
        fn any_order_and_any_duplicates_give_the_message(
            text in prop::collection::vec(any::<u8>(), 0..2000),
            size in HEADER + 1..200,
            picks in prop::collection::vec(any::<prop::sample::Index>(), 0..300),
        ) {
            let datagrams = cut(3, &text, size);
            let first = Part::decode(&datagrams[0]).unwrap();
            let mut restorer = Restorer::new(&first);
            // First some at random, then all of them backwards.
            let order = picks.iter().map(|pick| pick.get(&datagrams)).chain(datagrams.iter().rev());
            for datagram in order {
                prop_assert!(datagram.len() <= size);
                restorer.receive(&Part::decode(datagram).unwrap()).unwrap();
            }
            prop_assert_eq!(restorer.duplicates as usize, picks.len());
            prop_assert!(restorer.gaps().is_empty());
            prop_assert_eq!(restorer.message(), Some(text));
        }

        #[test]
        fn what_is_lost_is_exactly_the_gaps(lost in prop::collection::btree_set(0u32..50, 0..50)) {
            let datagrams = cut(3, &[9; 50], HEADER + 1);
            let mut restorer = Restorer::new(&Part::decode(&datagrams[0]).unwrap());
            for (index, datagram) in (0..).zip(&datagrams) {
                if !lost.contains(&index) {
                    restorer.receive(&Part::decode(datagram).unwrap()).unwrap();
                }
            }
            let gaps: Vec<u32> = restorer.gaps().into_iter().flatten().collect();
            prop_assert_eq!(restorer.message().is_some(), lost.is_empty());
            prop_assert_eq!(gaps, lost.into_iter().collect::<Vec<_>>());
        }
    }
}
