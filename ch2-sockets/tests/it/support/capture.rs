//! Capture files written byte by byte, so that a test can show a dissector packets that no socket would send.
//!
//! ```text
//! file header 24 bytes | packet header 16: seconds, µs, captured, length | IP | UDP or TCP | payload | packet header …
//! ```
//!
//! The format is the classic one of libpcap (pcap-savefile(5)) with link type 101: every packet begins with its IP header,
//! version 4 or 6, and there is no Ethernet. Packets are a millisecond apart, from 1970 on.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

const LINK_TYPE_RAW: u32 = 101;
const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;

/// The flags of a TCP segment, as they stand in its header.
pub mod flags {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const ACK: u8 = 0x10;
}

/// A capture that grows packet by packet.
pub struct Capture {
    bytes: Vec<u8>,
    packets: u32,
    snap: usize,
}

impl Capture {
    /// An empty capture that keeps whole packets.
    pub fn new() -> Capture {
        Capture::of_at_most(65_535)
    }

    /// An empty capture that keeps so many bytes of each packet, as `tcpdump -s` does.
    pub fn of_at_most(snap: usize) -> Capture {
        let mut bytes = Vec::new();
        for field in [0xa1b2_c3d4, 2 | (4 << 16), 0, 0, 65_535, LINK_TYPE_RAW] {
            bytes.extend_from_slice(&u32::to_le_bytes(field));
        }
        Capture { bytes, packets: 0, snap }
    }

    /// How many packets there are: the number of the last one.
    pub fn packets(&self) -> u32 {
        self.packets
    }

    pub fn save(&self, path: &Path) -> io::Result<()> {
        fs::write(path, &self.bytes)
    }

    pub fn udp(&mut self, from: SocketAddr, to: SocketAddr, payload: &[u8]) {
        let length = u16::try_from(8 + payload.len()).expect("a payload that fits a datagram");
        let mut datagram =
            [from.port().to_be_bytes(), to.port().to_be_bytes(), length.to_be_bytes(), [0; 2]].concat();
        datagram.extend_from_slice(payload);
        self.packet(from.ip(), to.ip(), PROTOCOL_UDP, &mut datagram, 6);
    }

    /// One segment; `sequence` is that of its first byte.
    pub fn tcp(&mut self, from: SocketAddr, to: SocketAddr, flags: u8, sequence: u32, payload: &[u8]) {
        let mut segment = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
        segment.extend_from_slice(&sequence.to_be_bytes());
        segment.extend_from_slice(&[0, 0, 0, 1]); // acknowledges nothing but the SYN
        segment.extend_from_slice(&[5 << 4, flags, 0xff, 0xff, 0, 0, 0, 0]); // header of 5 words, window, checksum, urgent
        segment.extend_from_slice(payload);
        self.packet(from.ip(), to.ip(), PROTOCOL_TCP, &mut segment, 16);
    }

    /// A connection of one request and one response, each in these segments. The FIN comes alone, or in the last segment.
    pub fn connection(
        &mut self,
        client: SocketAddr,
        server: SocketAddr,
        fin_alone: bool,
        request: &[&[u8]],
        response: &[&[u8]],
    ) {
        self.tcp(client, server, flags::SYN, 0, b"");
        self.tcp(server, client, flags::SYN | flags::ACK, 0, b"");
        self.tcp(client, server, flags::ACK, 1, b"");
        for (from, to, segments) in [(client, server, request), (server, client, response)] {
            let mut sequence = 1;
            for (index, segment) in segments.iter().enumerate() {
                let fin = !fin_alone && index + 1 == segments.len();
                self.tcp(from, to, flags::ACK | (u8::from(fin) * flags::FIN), sequence, segment);
                sequence += segment.len() as u32;
            }
            if fin_alone {
                self.tcp(from, to, flags::ACK | flags::FIN, sequence, b"");
            }
        }
    }

    fn packet(&mut self, from: IpAddr, to: IpAddr, protocol: u8, payload: &mut [u8], checksum_at: usize) {
        let length = payload.len() as u16;
        let mut addresses = Vec::new();
        let mut header = Vec::new();
        match (from, to) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                addresses.extend_from_slice(&[from.octets(), to.octets()].concat());
                header.extend_from_slice(&[0x45, 0]);
                header.extend_from_slice(&(20 + length).to_be_bytes());
                header.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
                header.extend_from_slice(&addresses);
                let checksum = internet_checksum(&[&header]);
                header[10..12].copy_from_slice(&checksum);
            }
            (IpAddr::V6(from), IpAddr::V6(to)) => {
                addresses.extend_from_slice(&[from.octets(), to.octets()].concat());
                header.extend_from_slice(&[0x60, 0, 0, 0]);
                header.extend_from_slice(&length.to_be_bytes());
                header.extend_from_slice(&[protocol, 64]);
                header.extend_from_slice(&addresses);
            }
            _ => panic!("both addresses of one family"),
        }
        let [high, low] = length.to_be_bytes();
        let pseudo_header = [0, protocol, high, low];
        let checksum = internet_checksum(&[&addresses, &pseudo_header, payload]);
        payload[checksum_at..checksum_at + 2].copy_from_slice(&checksum);

        let packet = [&header, &*payload].concat();
        let kept = packet.len().min(self.snap);
        self.packets += 1;
        for field in [self.packets / 1000, self.packets % 1000 * 1000, kept as u32, packet.len() as u32] {
            self.bytes.extend_from_slice(&field.to_le_bytes());
        }
        self.bytes.extend_from_slice(&packet[..kept]);
    }
}

/// RFC 1071: the complement of the ones' complement sum of 16-bit words. Every part but the last has an even length.
fn internet_checksum(parts: &[&[u8]]) -> [u8; 2] {
    let words = parts.iter().flat_map(|part| part.chunks(2));
    let sum: u32 = words.map(|word| (u32::from(word[0]) << 8) | u32::from(*word.get(1).unwrap_or(&0))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    (!((folded & 0xffff) + (folded >> 16)) as u16).to_be_bytes()
}
