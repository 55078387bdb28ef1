//! The TCP header (RFC 9293, section 3.1). Sans-I/O.
//!
//! ```text
//!   byte  0              2                   4           8            12              14        16         18        20
//!         | source port  | destination port  | sequence  | acknow-    | offset | flags | window  | checksum | urgent  | options,
//!         |              |                   | number    | ledgment   | 4 bits | 8     |         |          | pointer | payload
//! ```

pub mod options;

use super::packet::{Field, Ipv4Packet, Malformed, number16, number32};
use common::support::count::count;
use options::{TcpOption, options};

/// The flags, from the lowest bit up.
const FLAGS: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
const FIN: u8 = 1;
const SYN: u8 = 2;
const ACK: u8 = 16;
const URG: u8 = 32;

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpSegment<'a> {
    packet: Ipv4Packet<'a>,
    /// The port it was sent from.
    pub source: u16,
    /// The port it goes to.
    pub destination: u16,
    /// The number of its first byte; of a SYN, the number before the first byte.
    pub sequence: u32,
    /// The next byte that its sender expects, if it is an ACK.
    pub acknowledgment: u32,
    flags: u8,
    window: u16,
    options: Vec<(usize, TcpOption)>,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> TcpSegment<'a> {
    /// Reads the segment in a packet.
    ///
    /// # Errors
    /// Not of TCP, of an impossible length, or with options that are none.
    pub fn parse(packet: Ipv4Packet<'a>) -> Result<TcpSegment<'a>, Malformed> {
        if packet.protocol != 6 {
            return Err(Malformed("not TCP"));
        }
        let bytes = packet.payload;
        if bytes.len() < 20 {
            return Err(Malformed("shorter than a TCP header"));
        }
        let offset = usize::from(bytes[12] >> 4) * 4;
        let (Some(raw), Some(payload)) = (bytes.get(20..offset), bytes.get(offset..)) else {
            return Err(Malformed("a TCP header with an impossible data offset"));
        };
        Ok(TcpSegment {
            packet,
            source: number16(bytes, 0),
            destination: number16(bytes, 2),
            sequence: number32(bytes, 4),
            acknowledgment: number32(bytes, 8),
            flags: bytes[13],
            window: number16(bytes, 14),
            options: options(raw)?,
            payload,
        })
    }

    /// The header, byte by byte, with its options.
    #[must_use]
    pub fn header(&self) -> &'a [u8] {
        &self.packet.payload[..self.packet.payload.len() - self.payload.len()]
    }

    /// Whether it opens its direction.
    #[must_use]
    pub fn is_syn(&self) -> bool {
        self.flags & SYN != 0
    }

    /// Whether it closes its direction.
    #[must_use]
    pub fn is_fin(&self) -> bool {
        self.flags & FIN != 0
    }

    /// Whether its acknowledgment number counts.
    #[must_use]
    pub fn is_ack(&self) -> bool {
        self.flags & ACK != 0
    }

    /// The number behind it: SYN and FIN count as a byte each, so that they can be acknowledged.
    #[must_use]
    pub fn end(&self) -> u32 {
        let bytes = u32::try_from(self.payload.len()).expect("a packet is at most 65535 bytes long");
        let flags = u32::from(self.is_syn()) + u32::from(self.is_fin());
        self.sequence.wrapping_add(bytes).wrapping_add(flags)
    }

    /// Its flags, as `SYN, ACK`.
    #[must_use]
    pub fn flags(&self) -> String {
        let set = FLAGS.iter().enumerate().filter(|(bit, _)| self.flags & (1 << bit) != 0);
        let names: Vec<_> = set.map(|(_, name)| *name).collect();
        if names.is_empty() { "none".into() } else { names.join(", ") }
    }

    /// Its fields, in order. Numbers are also shown relative to the first of their direction: of this one, and of the other.
    #[must_use]
    pub fn fields(&self, first: u32, first_of_other: Option<u32>) -> Vec<Field> {
        let header = self.header();
        let relative = self.sequence.wrapping_sub(first);
        let sequence = if self.is_syn() {
            format!("{}: the initial one, chosen at random; the first byte has the next", self.sequence)
        } else {
            format!("{}: {relative} from the SYN", self.sequence)
        };
        let acknowledgment = match first_of_other {
            Some(first) if self.is_ack() => {
                let relative = self.acknowledgment.wrapping_sub(first);
                format!(
                    "{}: all before this one has come; {relative} from the other SYN",
                    self.acknowledgment
                )
            }
            _ if self.is_ack() => format!("{}: all before this one has come", self.acknowledgment),
            _ => format!("{}: means nothing without the flag ACK", self.acknowledgment),
        };
        let window = if self.is_syn() {
            format!("{}: bytes that the sender can take; never scaled in a SYN", self.window)
        } else {
            format!("{}: bytes that the sender can take, times 2^(window scale of its SYN)", self.window)
        };
        let urgent = number16(header, 18);
        let urgent = if self.flags & URG == 0 {
            format!("{urgent}: means nothing without the flag URG")
        } else {
            format!("{urgent}: the urgent data ends so many bytes after the sequence number")
        };
        let words = header.len() / 4;
        let mut fields = vec![
            Field::new(0..2, "source port", self.source.to_string()),
            Field::new(2..4, "destination port", self.destination.to_string()),
            Field::new(4..8, "sequence number", sequence),
            Field::new(8..12, "acknowledgment number", acknowledgment),
            Field::new(
                12..13,
                "data offset",
                format!(
                    "upper 4 bits: {} of 4 bytes, so {}",
                    count(words, "word"),
                    count(header.len(), "byte")
                ),
            ),
            Field::new(12..13, "reserved", format!("lower 4 bits: {:#x}", header[12] & 0x0f)),
            Field::new(13..14, "flags", format!("{:#010b}: {}", self.flags, self.flags())),
            Field::new(14..16, "window", window),
            Field::new(16..18, "checksum", self.packet.checksum(16).meaning(number16(header, 16))),
            Field::new(18..20, "urgent pointer", urgent),
        ];
        for (at, option) in &self.options {
            fields.push(Field::new(20 + at..20 + at + option.length(), "option", option.to_string()));
        }
        fields
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::tests::packet;
    use super::*;

    /// A SYN as Linux sends it on loopback, with a checksum that nobody has completed.
    const SYN_OF_LINUX: [u8; 40] = [
        0x9c, 0x40, 0x1e, 0x61, 0x00, 0x00, 0x03, 0xe8, 0x00, 0x00, 0x00, 0x00, 0xa0, 0x02, 0xff, 0xd7, 0xfe,
        0x30, 0x00, 0x00, 0x02, 0x04, 0xff, 0xd7, 0x04, 0x02, 0x08, 0x0a, 0x00, 0x00, 0x00, 0x07, 0x00, 0x00,
        0x00, 0x00, 0x01, 0x03, 0x03, 0x07,
    ];

    #[test]
    fn a_syn_is_read_field_by_field() {
        let bytes = packet(6, &SYN_OF_LINUX);
        let segment = TcpSegment::parse(Ipv4Packet::parse(&bytes).unwrap()).unwrap();
        assert_eq!((segment.source, segment.destination, segment.sequence), (40000, 7777, 1000));
        assert_eq!((segment.flags(), segment.end(), segment.payload), ("SYN".into(), 1001, &b""[..]));
        let fields = segment.fields(1000, None);
        let of = |name| fields.iter().find(|field| field.name == name).unwrap();
        assert_eq!(of("data offset").meaning, "upper 4 bits: 10 words of 4 bytes, so 40 bytes");
        assert_eq!((of("window").bytes.clone(), of("checksum").bytes.clone()), (14..16, 16..18));
        assert!(of("checksum").meaning.starts_with("0xfe30: the pseudo header only"), "{fields:?}");
        assert!(of("acknowledgment number").meaning.contains("means nothing"), "{fields:?}");
        let options: Vec<_> =
            fields[10..].iter().map(|field| (field.bytes.clone(), &*field.meaning)).collect();
        assert_eq!(options.len(), 5);
        assert_eq!(options[4].0, 37..40);
        assert!(
            fields.windows(2).all(|pair| pair[0].bytes.end >= pair[1].bytes.start),
            "no byte is left out"
        );
    }

    #[test]
    fn numbers_go_round_and_a_fin_counts() {
        let mut bytes = SYN_OF_LINUX[..20].to_vec();
        bytes[4..8].fill(0xff);
        (bytes[12], bytes[13]) = (0x50, FIN | ACK);
        bytes.extend(b"ab");
        let bytes = packet(6, &bytes);
        let segment = TcpSegment::parse(Ipv4Packet::parse(&bytes).unwrap()).unwrap();
        assert_eq!((segment.end(), segment.flags(), segment.header().len()), (2, "FIN, ACK".into(), 20));
        assert!(segment.fields(u32::MAX - 4, Some(0))[2].meaning.ends_with("4 from the SYN"));
    }

    #[test]
    fn what_is_no_segment_is_refused() {
        let read = |bytes: &[u8], at: usize, byte: u8| {
            let mut bytes = bytes.to_vec();
            bytes[at] = byte;
            TcpSegment::parse(Ipv4Packet::parse(&packet(6, &bytes)).unwrap()).unwrap_err().0
        };
        assert_eq!(read(&SYN_OF_LINUX, 12, 0x40), "a TCP header with an impossible data offset");
        assert_eq!(read(&SYN_OF_LINUX, 12, 0xb0), "a TCP header with an impossible data offset");
        assert_eq!(read(&SYN_OF_LINUX, 21, 1), "a TCP option with an impossible length");
        assert_eq!(read(&SYN_OF_LINUX[..19], 0, 0), "shorter than a TCP header");
    }
}
