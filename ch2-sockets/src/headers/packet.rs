//! An IPv4 packet, and what its headers are shown as: fields. Sans-I/O.
//!
//! ```text
//!   byte  0         4         8          12              16               20
//!         | version | ident   | TTL      | source        | destination    | options (length × 4 - 20), payload
//!         | length  | flags   | protocol |
//!         | total   | offset  | checksum |
//! ```

use std::net::Ipv4Addr;
use std::ops::Range;

/// A field of a header, for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Which bytes of the header it is in, from 0. Fields smaller than a byte share one.
    pub bytes: Range<usize>,
    /// What the RFC calls it.
    pub name: &'static str,
    /// Its value, and what that means here.
    pub meaning: String,
}

impl Field {
    /// A field in these bytes.
    pub fn new(bytes: Range<usize>, name: &'static str, meaning: impl Into<String>) -> Field {
        Field { bytes, name, meaning: meaning.into() }
    }
}

/// Bytes that are no packet of this kind, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// An IPv4 packet (RFC 791), as far as its transport protocol needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ipv4Packet<'a> {
    /// Who sent it.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// Which protocol the payload is of: 6 TCP, 17 UDP.
    pub protocol: u8,
    /// How many routers may still pass it on.
    pub time_to_live: u8,
    /// Length of the header in bytes, 20 without options.
    pub header_length: usize,
    /// What it carries: header and payload of the transport protocol.
    pub payload: &'a [u8],
}

impl<'a> Ipv4Packet<'a> {
    /// Reads a whole packet. What a link has put behind it is left out.
    ///
    /// # Errors
    /// Not IPv4, shorter than it says, or a fragment, whose first one alone has the transport's header.
    pub fn parse(bytes: &'a [u8]) -> Result<Ipv4Packet<'a>, Malformed> {
        let header: &[u8; 20] = bytes.first_chunk().ok_or(Malformed("shorter than an IPv4 header"))?;
        if header[0] >> 4 != 4 {
            return Err(Malformed("not of version 4"));
        }
        let header_length = usize::from(header[0] & 0x0f) * 4;
        let total = usize::from(number16(header, 2));
        if header_length < 20 || total < header_length {
            return Err(Malformed("an IPv4 header of an impossible length"));
        }
        if number16(header, 6) & 0x3fff != 0 {
            return Err(Malformed("a fragment"));
        }
        let payload = bytes.get(header_length..total).ok_or(Malformed("shorter than its total length"))?;
        let address = |at: usize| Ipv4Addr::from(number32(header, at));
        Ok(Ipv4Packet {
            source: address(12),
            destination: address(16),
            protocol: header[9],
            time_to_live: header[8],
            header_length,
            payload,
        })
    }

    /// The sum over what is not in the transport's header and still protected by its checksum: the pseudo header (RFC 768, RFC 9293).
    fn pseudo_header_sum(&self) -> u32 {
        let [source, destination] = [self.source, self.destination].map(|address| address.octets());
        let length = u32::try_from(self.payload.len()).expect("a packet is at most 65535 bytes long");
        sum(&source) + sum(&destination) + u32::from(self.protocol) + length
    }

    /// What the transport's checksum says, which is in the two bytes of the payload from `at` on.
    #[must_use]
    pub fn checksum(&self, at: usize) -> Checksum {
        let found = number16(self.payload, at);
        let pseudo = self.pseudo_header_sum();
        let all = folded(pseudo + sum(self.payload));
        let without = folded(pseudo + sum(&self.payload[..at]) + sum(&self.payload[at + 2..]));
        if all == 0xffff {
            Checksum::Right
        } else if found == folded(pseudo) {
            Checksum::Partial { complete: !without }
        } else {
            Checksum::Wrong { right: !without }
        }
    }
}

/// What a checksum is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checksum {
    /// As it has to be.
    Right,
    /// The sum of the pseudo header alone: the network card is to add the rest, and `complete` is what it would write.
    Partial {
        /// The whole checksum.
        complete: u16,
    },
    /// Neither.
    Wrong {
        /// What it should be.
        right: u16,
    },
}

impl Checksum {
    /// In words, with the value found.
    #[must_use]
    pub fn meaning(self, found: u16) -> String {
        match self {
            Checksum::Right => format!("{found:#06x}: right, over pseudo header, header and payload"),
            Checksum::Partial { complete } => format!(
                "{found:#06x}: the pseudo header only; a network card would complete it to {complete:#06x}"
            ),
            Checksum::Wrong { right } => format!("{found:#06x}: wrong, it should be {right:#06x}"),
        }
    }
}

/// The 16-bit number in network order at this place.
pub(super) fn number16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// The 32-bit number.
pub(super) fn number32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The sum of 16-bit words, an odd byte at the end being the upper half of one (RFC 1071). No packet is long enough to overflow it.
fn sum(bytes: &[u8]) -> u32 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    bytes.chunks(2).map(word).sum()
}

/// Carries added in: the one's complement sum of 16 bits.
fn folded(sum: u32) -> u16 {
    let once = (sum & 0xffff) + (sum >> 16);
    u16::try_from((once & 0xffff) + (once >> 16)).expect("two carries at most")
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A packet from 127.0.0.1 to 127.0.0.1 with this payload.
    pub fn packet(protocol: u8, payload: &[u8]) -> Vec<u8> {
        let total = u16::try_from(20 + payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![0x45, 0, total[0], total[1], 0, 1, 0x40, 0, 64, protocol, 0, 0];
        bytes.extend([127, 0, 0, 1, 127, 0, 0, 1]);
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn a_packet_is_read_and_what_is_none_is_not() {
        let mut bytes = packet(17, b"payload");
        bytes.extend(b"padding of the link");
        let read = Ipv4Packet::parse(&bytes).unwrap();
        assert_eq!((read.payload, read.protocol, read.time_to_live), (&b"payload"[..], 17, 64));
        assert_eq!((read.source, read.destination), (Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST));
        let broken = |at: usize, byte| {
            let mut bytes = packet(17, b"payload");
            bytes[at] = byte;
            Ipv4Packet::parse(&bytes).unwrap_err().0
        };
        assert_eq!(broken(0, 0x65), "not of version 4");
        assert_eq!(broken(0, 0x44), "an IPv4 header of an impossible length");
        assert_eq!(broken(3, 19), "an IPv4 header of an impossible length");
        assert_eq!(broken(3, 28), "shorter than its total length");
        assert_eq!(broken(6, 0x20), "a fragment");
        assert_eq!(Ipv4Packet::parse(&[0x45; 19]).unwrap_err().0, "shorter than an IPv4 header");
    }

    proptest! {
        #[test]
        fn a_checksum_is_right_partial_or_wrong(mut payload in prop::collection::vec(any::<u8>(), 8..100), flip in 1u8..) {
            payload[6..8].fill(0);
            let bytes = packet(17, &payload);
            let read = Ipv4Packet::parse(&bytes).unwrap();
            let pseudo = folded(read.pseudo_header_sum());
            let right = !folded(read.pseudo_header_sum() + sum(&payload));
            let with = |checksum: u16| {
                let mut payload = payload.clone();
                payload[6..8].copy_from_slice(&checksum.to_be_bytes());
                Ipv4Packet::parse(&packet(17, &payload)).unwrap().checksum(6)
            };
            prop_assert_eq!(with(right), Checksum::Right);
            prop_assume!(pseudo != right);
            prop_assert_eq!(with(pseudo), Checksum::Partial { complete: right });
            let other = right ^ u16::from(flip);
            // 0 and 0xffff are one number in this arithmetic.
            prop_assume!(other != pseudo && !(right == 0xffff && other == 0));
            prop_assert_eq!(with(other), Checksum::Wrong { right });
        }

        #[test]
        fn any_bytes_are_a_packet_or_not(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Ipv4Packet::parse(&bytes);
        }
    }
}
