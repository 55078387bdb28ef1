//! The UDP header (RFC 768). Sans-I/O.
//!
//! ```text
//!   byte  0              2                   4                      6           8
//!         | source port  | destination port  | length, header and   | checksum  | payload
//!         |              |                   | payload              |           |
//! ```

use common::support::count::count;

use super::packet::{Field, Ipv4Packet, Malformed, number16};

/// Length of the header, in bytes.
const HEADER: usize = 8;

/// A datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UdpDatagram<'a> {
    packet: Ipv4Packet<'a>,
    /// The port it was sent from.
    pub source: u16,
    /// The port it goes to.
    pub destination: u16,
    /// What it carries.
    pub payload: &'a [u8],
}

impl<'a> UdpDatagram<'a> {
    /// Reads the datagram in a packet.
    ///
    /// # Errors
    /// Not of UDP, or of an impossible length.
    pub fn parse(packet: Ipv4Packet<'a>) -> Result<UdpDatagram<'a>, Malformed> {
        if packet.protocol != 17 {
            return Err(Malformed("not UDP"));
        }
        let bytes = packet.payload;
        if bytes.len() < HEADER {
            return Err(Malformed("shorter than a UDP header"));
        }
        let payload = bytes.get(HEADER..usize::from(number16(bytes, 4)));
        let payload = payload.ok_or(Malformed("a UDP header with an impossible length"))?;
        Ok(UdpDatagram { packet, source: number16(bytes, 0), destination: number16(bytes, 2), payload })
    }

    /// The header, byte by byte.
    #[must_use]
    pub fn header(&self) -> &'a [u8] {
        &self.packet.payload[..HEADER]
    }

    /// Its fields, in order.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let header = self.header();
        let length = HEADER + self.payload.len();
        let checksum = match number16(header, 6) {
            0 => "0: none was computed, which IPv4 allows".into(),
            found => self.packet.checksum(6).meaning(found),
        };
        vec![
            Field::new(0..2, "source port", self.source.to_string()),
            Field::new(2..4, "destination port", self.destination.to_string()),
            Field::new(
                4..6,
                "length",
                format!("{length}: {HEADER} of the header and {} of payload", self.payload.len()),
            ),
            Field::new(6..8, "checksum", checksum),
        ]
    }

    /// In one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let payload = count(self.payload.len(), "byte");
        format!(
            "{}:{} -> {}:{}, {payload} of payload",
            self.packet.source, self.source, self.packet.destination, self.destination
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::tests::packet;
    use super::*;

    #[test]
    fn a_header_is_read_field_by_field() {
        // As captured on `lo`: 40000 -> 7778, `Hello world!`, and a checksum that nobody has completed.
        let mut bytes = vec![0x9c, 0x40, 0x1e, 0x62, 0, 20, 0xfe, 0x27];
        bytes.extend(b"Hello world!");
        let bytes = packet(17, &bytes);
        let datagram = UdpDatagram::parse(Ipv4Packet::parse(&bytes).unwrap()).unwrap();
        assert_eq!(datagram.payload, b"Hello world!");
        assert_eq!(datagram.summary(), "127.0.0.1:40000 -> 127.0.0.1:7778, 12 bytes of payload");
        let meanings: Vec<_> = datagram.fields().into_iter().map(|field| field.meaning).collect();
        assert_eq!(
            meanings[..3],
            ["40000", "7778", "20: 8 of the header and 12 of payload"].map(String::from)
        );
        // Computed with another program.
        assert_eq!(meanings[3], "0xfe27: the pseudo header only; a network card would complete it to 0xd531");
    }

    #[test]
    fn no_checksum_is_said_and_a_false_length_refused() {
        let read = |bytes: &[u8]| {
            let bytes = packet(17, bytes);
            UdpDatagram::parse(Ipv4Packet::parse(&bytes).unwrap())
                .map(|datagram| datagram.fields()[3].clone())
        };
        assert!(read(&[0, 1, 0, 2, 0, 8, 0, 0]).unwrap().meaning.starts_with("0: none"));
        for bytes in [&[0; 7][..], &[0, 1, 0, 2, 0, 7, 0, 0], &[0, 1, 0, 2, 0, 9, 0, 0]] {
            assert!(read(bytes).is_err(), "{bytes:?}");
        }
        let bytes = packet(6, &[0; 8]);
        assert_eq!(UdpDatagram::parse(Ipv4Packet::parse(&bytes).unwrap()), Err(Malformed("not UDP")));
    }
}
