//! A segment: a file of fixed size that is filled with records, and used again when nothing in it lives.
//!
//! ```text
//!   0        512      1024                                                    size
//!   ┌────────┬────────┬────────┬────────┬────────┬──────────┬───────────────────┐
//!   │ header │ header │ record │ record │ record │ 0 0 0 0  │ old bytes, or 0   │
//!   └────────┴────────┴────────┴────────┴────────┴──────────┴───────────────────┘
//!   header: "ch6log1\n" │ id u32 │ salt u64 │ last message u64 │ CRC32C u32
//!   record: length u32 │ place u32 │ check u32 │ body │ 0 to 7 bytes, so that the next one begins at a multiple of 8
//!             │           │            └─ CRC32C of id, salt, offset, length and body
//!             │           └─ CRC32C of id, salt, offset and length: a record begins here
//!             └─ of the body; 0 = the end
//! ```
//!
//! A record is valid at one offset of one segment only. Therefore old bytes of a segment that is used again never pass; and behind a
//! damaged record the next one is found, although nobody knows how long the damaged one was. (A number instead of the offset would
//! do the first and not the second: how many records are in the gap?) The salt is random: a client cannot put bytes into a
//! message that look like a record. The header is there twice, because one flipped bit in it would cost the whole segment.

use crate::broker::MessageId;

/// Numbers segments in the order in which they are filled, from 1. A file that is used again gets a new number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub u32);

/// Where the first record begins.
pub const HEADER: u64 = 1024;
/// What stands before the body of a record.
pub const HEAD: usize = 12;
/// What stands behind the last record: a length of 0.
pub const END: u64 = 8;
const MAGIC: &[u8; 8] = b"ch6log1\n";
const COPY: usize = HEADER as usize / 2;
const HEADER_USED: usize = 32;

/// What a segment's file begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Which segment.
    pub id: SegmentId,
    /// Random.
    pub salt: u64,
    /// No message had a higher id when the segment was begun: ids are not used again, even if all messages are gone.
    pub last_message: MessageId,
}

impl Header {
    /// Both copies.
    pub fn encode(&self, to: &mut Vec<u8>) {
        let mut copy = [0; COPY];
        copy[..8].copy_from_slice(MAGIC);
        copy[8..12].copy_from_slice(&self.id.0.to_le_bytes());
        copy[12..20].copy_from_slice(&self.salt.to_le_bytes());
        copy[20..28].copy_from_slice(&self.last_message.0.to_le_bytes());
        let check = crc32c::crc32c(&copy[..28]);
        copy[28..HEADER_USED].copy_from_slice(&check.to_le_bytes());
        to.extend_from_slice(&copy);
        to.extend_from_slice(&copy);
    }

    /// From the first bytes of a file; `None` if neither copy is right.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Header> {
        let copies = [bytes.get(..HEADER_USED), bytes.get(COPY..COPY + HEADER_USED)];
        copies.into_iter().flatten().filter_map(Header::decode_copy).max_by_key(|header| header.id)
    }

    fn decode_copy(bytes: &[u8]) -> Option<Header> {
        let right = bytes.starts_with(MAGIC) && crc32c::crc32c(&bytes[..28]) == u32_at(bytes, 28);
        right.then(|| Header {
            id: SegmentId(u32_at(bytes, 8)),
            salt: u64_at(bytes, 12),
            last_message: MessageId(u64_at(bytes, 20)),
        })
    }

    /// What the check sums of the segment's records begin with.
    #[must_use]
    pub fn seed(&self) -> Seed {
        Seed(crc32c::crc32c_append(crc32c::crc32c(&self.id.0.to_le_bytes()), &self.salt.to_le_bytes()))
    }
}

/// What makes check sums of one segment different from those of all others.
#[derive(Debug, Clone, Copy)]
pub struct Seed(u32);

impl Seed {
    fn place(self, offset: u64, length: u32) -> u32 {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&offset.to_le_bytes());
        bytes[8..].copy_from_slice(&length.to_le_bytes());
        crc32c::crc32c_append(self.0, &bytes)
    }

    /// Fills in what stands before the body: the first [`HEAD`] bytes of `record`, which is to be written at `offset`.
    ///
    /// # Panics
    /// The body is empty (its length would mean the end), or 4 GiB long.
    pub fn seal(self, record: &mut [u8], offset: u64) {
        let length = u32::try_from(record.len() - HEAD).expect("a body is shorter than 4 GiB");
        assert!(length > 0, "a record has a body");
        let place = self.place(offset, length);
        let check = crc32c::crc32c_append(place, &record[HEAD..]);
        record[..4].copy_from_slice(&length.to_le_bytes());
        record[4..8].copy_from_slice(&place.to_le_bytes());
        record[8..HEAD].copy_from_slice(&check.to_le_bytes());
    }

    /// The record that begins with these bytes and was read at `offset`.
    #[must_use]
    pub fn open(self, bytes: &[u8], offset: u64) -> Found<'_> {
        if bytes.iter().take(END as usize).all(|byte| *byte == 0) {
            return Found::End;
        }
        let Some(head) = bytes.get(..HEAD) else { return Found::Bad };
        let length = u32_at(head, 0);
        let Some(body) = bytes[HEAD..].get(..length as usize) else { return Found::Bad };
        let place = u32_at(head, 4);
        if length == 0 || self.place(offset, length) != place {
            return Found::Bad;
        }
        if crc32c::crc32c_append(place, body) == u32_at(head, 8) { Found::Record(body) } else { Found::Bad }
    }
}

/// What stands at an offset.
#[derive(Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// A record, and this is its body.
    Record(&'a [u8]),
    /// Zeros, or nothing at all.
    End,
    /// Something else: a record that is damaged or not whole, or old bytes.
    Bad,
}

/// How much room a record takes.
#[must_use]
pub fn space(body: usize) -> u64 {
    (HEAD + body).next_multiple_of(8) as u64
}

/// A piece of a segment, read from its beginning to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A record.
    Record {
        /// Where.
        offset: u64,
        /// What is in it.
        body: &'a [u8],
    },
    /// Something that cannot be read, with records behind it.
    Damaged {
        /// From here.
        from: u64,
        /// To here.
        to: u64,
    },
    /// Something that cannot be read, and no record is behind it: the write that the crash interrupted, as a rule.
    Cut {
        /// From here.
        from: u64,
    },
}

/// Goes through the records of a segment.
#[derive(Debug)]
pub struct Pieces<'a> {
    bytes: &'a [u8],
    seed: Seed,
    offset: u64,
}

impl<'a> Pieces<'a> {
    /// Of a whole file.
    #[must_use]
    pub fn new(bytes: &'a [u8], header: &Header) -> Pieces<'a> {
        Pieces { bytes, seed: header.seed(), offset: HEADER }
    }

    fn found(&self, offset: u64) -> Found<'a> {
        self.seed.open(self.bytes.get(offset as usize..).unwrap_or_default(), offset)
    }

    /// Where the next record begins that is right. Zeros are no proof that nothing follows: a disk can lose a sector.
    fn next_record(&self, behind: u64) -> Option<u64> {
        let candidates = (behind + 8..self.bytes.len() as u64).step_by(8);
        candidates.into_iter().find(|&offset| matches!(self.found(offset), Found::Record(_)))
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let offset = self.offset;
        let found = self.found(offset);
        if let Found::Record(body) = found {
            self.offset += space(body.len());
            return Some(Piece::Record { offset, body });
        }
        if offset >= self.bytes.len() as u64 {
            return None;
        }
        let next = self.next_record(offset);
        self.offset = next.unwrap_or(self.bytes.len() as u64);
        match (next, found) {
            (Some(to), _) => Some(Piece::Damaged { from: offset, to }),
            (None, Found::End) => None,
            (None, _) => Some(Piece::Cut { from: offset }),
        }
    }
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Header = Header { id: SegmentId(7), salt: 99, last_message: MessageId(5) };

    fn segment(header: &Header, bodies: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        for body in bodies {
            let offset = bytes.len();
            bytes.extend_from_slice(&[0; HEAD]);
            bytes.extend_from_slice(body);
            header.seed().seal(&mut bytes[offset..], offset as u64);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        bytes
    }

    fn bodies(bytes: &[u8]) -> Vec<&[u8]> {
        let pieces = Pieces::new(bytes, &OF);
        pieces
            .filter_map(|piece| if let Piece::Record { body, .. } = piece { Some(body) } else { None })
            .collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut bytes = segment(&OF, &[b"one", b"second", &[0; 100]]);
        assert_eq!(Header::decode(&bytes), Some(OF));
        assert_eq!(bodies(&bytes), [&b"one"[..], b"second", &[0; 100]]);
        bytes.resize(4096, 0);
        assert_eq!(Pieces::new(&bytes, &OF).count(), 3, "zeros are the end, and no damage");
    }

    #[test]
    fn one_copy_of_the_header_is_enough() {
        let bytes = segment(&OF, &[]);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::decode(&bytes), Some(OF), "bit {bit}");
        }
    }

    #[test]
    fn old_bytes_of_a_segment_do_not_pass() {
        let old = segment(&Header { id: SegmentId(3), ..OF }, &[b"old1", b"old2", b"old3"]);
        let mut bytes = segment(&OF, &[b"new1"]);
        bytes.extend_from_slice(&old[bytes.len()..]);
        assert_eq!(bodies(&bytes), [b"new1"]);
        let salted = segment(&Header { salt: 1, ..OF }, &[b"old1", b"old2", b"old3"]);
        assert!(bodies(&salted).is_empty());
    }

    #[test]
    fn a_record_is_valid_in_its_place_only() {
        let bytes = segment(&OF, &[b"one", b"two", b"six"]);
        let mut moved = bytes.clone();
        moved.copy_within(HEADER as usize + 16..HEADER as usize + 32, HEADER as usize + 32);
        assert_eq!(bodies(&moved), [b"one", b"two"]);
    }

    #[test]
    fn a_lost_sector_is_not_the_end() {
        let mut bytes = segment(&OF, &[b"one", b"two", b"six"]);
        bytes[HEADER as usize + 16..HEADER as usize + 32].fill(0);
        let damaged = Piece::Damaged { from: HEADER + 16, to: HEADER + 32 };
        assert!(Pieces::new(&bytes, &OF).any(|piece| piece == damaged));
        assert_eq!(bodies(&bytes), [b"one", b"six"]);
    }
}
