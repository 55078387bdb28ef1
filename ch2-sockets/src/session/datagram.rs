//! The extension's three datagrams as bytes. All integers are big-endian.
//!
//! ```text
//! data      0         1        2              4        12         16         20       24      28        32
//!           ┌───┬──────┬────────────┬─────────┬──────────┬──────────┬────────┬───────┬───────┬─────────┐
//!           │ D │ side │ block size │ token   │ exchange │ sequence │ length │ block │ check │ payload │
//!           └───┴──────┴────────────┴─────────┴──────────┴──────────┴────────┴───────┴───────┴─────────┘
//! ack       0   1      2            4         12         16        20      24           28       32      36
//!           ┌───┬──────┬────────────┬─────────┬──────────┬─────────┬───────┬────────────┬────────┬───────┬────────────────┐
//!           │ K │ side │ ranges     │ token   │ exchange │ largest │ delay │ cumulative │ window │ check │ first,end, …   │
//!           └───┴──────┴────────────┴─────────┴──────────┴─────────┴───────┴────────────┴────────┴───────┴────────────────┘
//! refusal   0   1        2          4         12         16      20
//!           ┌───┬────────┬──────────┬─────────┬──────────┬───────┐
//!           │ X │ reason │ 0        │ token   │ exchange │ check │
//!           └───┴────────┴──────────┴─────────┴──────────┴───────┘
//! ```
//!
//! *Side* is 0 for the request and 1 for the response; an ack names the side of the data that it acknowledges. *Sequence*
//! numbers transmissions, *block* places in the message: a block that is sent again has a new sequence, and so an ack always
//! says which of the two it saw.
//!
//! *Check* makes the datagram whole: all its bytes, taken as little-endian 32-bit words and filled up with zeros, add up to
//! 2^32 − 1. Any single flipped bit is found. UDP's own checksum is 16 bits weak, may be absent over IPv4, and is made afresh by
//! boxes on the way; a header that went wrong unnoticed could cost a whole exchange. Little-endian is unlike the rest, and what
//! most machines add fastest: this is done to every byte.

/// Bytes of a data datagram before its payload.
pub const DATA_HEADER: usize = 32;
/// Bytes of an ack before its ranges.
pub const ACK_HEADER: usize = 36;
/// Bytes of a refusal.
pub const REFUSAL: usize = 20;
/// The smallest block size that a message of more than one block may have, bytes. Smaller ones would cost us more memory in
/// bookkeeping than they carry.
pub const MIN_BLOCK: u16 = 256;
/// The most ranges in an ack: what fits in 1400 bytes.
pub const MAX_RANGES: usize = (1400 - ACK_HEADER) / RANGE;

/// Bytes of one range.
const RANGE: usize = 8;

/// Which message of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// From client to server.
    Request,
    /// From server to client.
    Response,
}

impl Side {
    fn parse(byte: u8) -> Option<Side> {
        match byte {
            0 => Some(Side::Request),
            1 => Some(Side::Response),
            _ => None,
        }
    }
}

/// The header of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data {
    /// Which message of the exchange.
    pub side: Side,
    /// Bytes of every block but the last.
    pub block_size: u16,
    /// Proof of the client's address, and with it the session's name.
    pub token: u64,
    /// Number of the exchange in the session.
    pub exchange: u32,
    /// Number of this transmission: never the same twice in an exchange and side.
    pub sequence: u32,
    /// Bytes of the whole message.
    pub length: u32,
    /// Place in the message, in blocks.
    pub block: u32,
}

impl Data {
    /// Reads a datagram; `None` if it is not well formed. The payload is exactly as long as its block must be.
    pub fn parse(datagram: &[u8]) -> Option<(Data, &[u8])> {
        let (header, payload) = datagram.split_first_chunk::<DATA_HEADER>()?;
        if header[0] != b'D' || !is_whole(datagram) {
            return None;
        }
        let data = Data {
            side: Side::parse(header[1])?,
            block_size: u16::from_be_bytes([header[2], header[3]]),
            token: double(header, 4),
            exchange: word(header, 12),
            sequence: word(header, 16),
            length: word(header, 20),
            block: word(header, 24),
        };
        let blocks = block_count(data.length, data.block_size)?;
        (data.block < blocks && payload.len() == data.payload_length()).then_some((data, payload))
    }

    /// The header's bytes, for this payload.
    #[inline]
    pub fn encode(&self, payload: &[u8]) -> [u8; DATA_HEADER] {
        let mut header = [0; DATA_HEADER];
        header[0] = b'D';
        header[1] = self.side as u8;
        header[2..4].copy_from_slice(&self.block_size.to_be_bytes());
        header[4..12].copy_from_slice(&self.token.to_be_bytes());
        header[12..16].copy_from_slice(&self.exchange.to_be_bytes());
        header[16..20].copy_from_slice(&self.sequence.to_be_bytes());
        header[20..24].copy_from_slice(&self.length.to_be_bytes());
        header[24..28].copy_from_slice(&self.block.to_be_bytes());
        let check = !sum(&header).wrapping_add(sum(payload));
        header[28..].copy_from_slice(&check.to_le_bytes());
        header
    }

    /// Bytes of this block's payload.
    fn payload_length(&self) -> usize {
        let size = usize::from(self.block_size);
        (self.length as usize).saturating_sub(self.block as usize * size).min(size)
    }
}

/// How many blocks a message has: an empty one has one, which is empty. `None` if the block size is not allowed.
pub fn block_count(length: u32, block_size: u16) -> Option<u32> {
    (block_size >= MIN_BLOCK).then(|| length.div_ceil(u32::from(block_size)).max(1))
}

/// What the receiver has. The ranges are beyond `cumulative`, in any order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Side of the data that is acknowledged.
    pub side: Side,
    /// The session's token.
    pub token: u64,
    /// Number of the exchange.
    pub exchange: u32,
    /// The largest sequence that has come.
    pub largest: u32,
    /// Microseconds between its coming and this ack's leaving.
    pub delay: u32,
    /// All blocks before this one are here.
    pub cumulative: u32,
    /// So many blocks may be in flight, and as many times [`SPAN`](super::receiver::SPAN) from `cumulative` on are taken.
    pub window: u32,
}

impl Ack {
    /// Reads a datagram and what it says of blocks beyond the cumulative one; `None` if it is not well formed.
    pub fn parse(datagram: &[u8]) -> Option<(Ack, Ranges<'_>)> {
        let (header, ranges) = datagram.split_first_chunk::<ACK_HEADER>()?;
        let count = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let formed = header[0] == b'K' && count <= MAX_RANGES && ranges.len() == count * RANGE;
        if !formed || !is_whole(datagram) {
            return None;
        }
        let ack = Ack {
            side: Side::parse(header[1])?,
            token: double(header, 4),
            exchange: word(header, 12),
            largest: word(header, 16),
            delay: word(header, 20),
            cumulative: word(header, 24),
            window: word(header, 28),
        };
        let ranges = Ranges(ranges);
        ranges.clone().all(|(first, end)| ack.cumulative < first && first < end).then_some((ack, ranges))
    }

    /// Appends the datagram to `out`, with at most [`MAX_RANGES`] of the ranges.
    pub fn encode(&self, ranges: impl Iterator<Item = (u32, u32)>, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&[b'K', self.side as u8, 0, 0]);
        out.extend_from_slice(&self.token.to_be_bytes());
        for field in [self.exchange, self.largest, self.delay, self.cumulative, self.window, 0] {
            out.extend_from_slice(&field.to_be_bytes());
        }
        let mut count = 0u16;
        for (first, end) in ranges.take(MAX_RANGES) {
            out.extend_from_slice(&first.to_be_bytes());
            out.extend_from_slice(&end.to_be_bytes());
            count += 1;
        }
        out[start + 2..start + 4].copy_from_slice(&count.to_be_bytes());
        seal(&mut out[start..], ACK_HEADER);
    }
}

/// Ranges of blocks: the first, and the one behind the last.
#[derive(Debug, Clone)]
pub struct Ranges<'a>(&'a [u8]);

impl Iterator for Ranges<'_> {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        let (range, rest) = self.0.split_first_chunk::<RANGE>()?;
        self.0 = rest;
        Some((word(range, 0), word(range, 4)))
    }
}

/// Why a server, or seldom a client, will not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The token is not valid here, or the session has expired.
    Unknown,
    /// The message is longer than the limit.
    TooLong,
    /// Too many sessions, or too many bytes held: try again later.
    NoRoom,
    /// The datagram was not understood.
    NotUnderstood,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Reason::Unknown => "the session is unknown or has expired",
            Reason::TooLong => "the message is too long",
            Reason::NoRoom => "there is no room for more, try later",
            Reason::NotUnderstood => "the datagrams are not understood",
        })
    }
}

/// An exchange is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// As in the refused datagram.
    pub token: u64,
    /// As in the refused datagram.
    pub exchange: u32,
}

impl Refusal {
    /// Reads a datagram; `None` if it is not well formed.
    pub fn parse(datagram: &[u8]) -> Option<Refusal> {
        let bytes: &[u8; REFUSAL] = datagram.try_into().ok()?;
        if bytes[0] != b'X' || bytes[2..4] != [0, 0] || !is_whole(bytes) {
            return None;
        }
        let reason = match bytes[1] {
            1 => Reason::Unknown,
            2 => Reason::TooLong,
            3 => Reason::NoRoom,
            4 => Reason::NotUnderstood,
            _ => return None,
        };
        Some(Refusal { reason, token: double(bytes, 4), exchange: word(bytes, 12) })
    }

    /// The datagram.
    pub fn encode(&self) -> [u8; REFUSAL] {
        let mut bytes = [0; REFUSAL];
        bytes[0] = b'X';
        bytes[1] = self.reason as u8 + 1;
        bytes[4..12].copy_from_slice(&self.token.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.exchange.to_be_bytes());
        seal(&mut bytes, REFUSAL);
        bytes
    }

    /// The refusal of a block of a request that came whole and makes no sense: what stands where its token and exchange would be
    /// goes back. `None` if its check is wrong: then it was damaged on the way, and counts as lost. `None` as well for an answer of
    /// another server, and for what is shorter than the refusal.
    pub fn of_unread(datagram: &[u8]) -> Option<Refusal> {
        let header = datagram.first_chunk::<REFUSAL>()?;
        if header[1] != Side::Request as u8 || !is_whole(datagram) {
            return None;
        }
        Some(Refusal { reason: Reason::NotUnderstood, token: double(header, 4), exchange: word(header, 12) })
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn double(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Writes the check into the word before `end`, which is zero until now.
fn seal(datagram: &mut [u8], end: usize) {
    let check = !sum(datagram);
    datagram[end - 4..end].copy_from_slice(&check.to_le_bytes());
}

/// Whether it all adds up: whatever the sum of the other words is, the check is its inverse and makes it all ones.
#[inline]
fn is_whole(datagram: &[u8]) -> bool {
    sum(datagram) == u32::MAX
}

#[inline]
fn sum(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<4>();
    let mut last = [0; 4];
    last[..rest.len()].copy_from_slice(rest);
    words.iter().fold(u32::from_le_bytes(last), |sum, word| sum.wrapping_add(u32::from_le_bytes(*word)))
}

#[cfg(test)]
mod tests;
