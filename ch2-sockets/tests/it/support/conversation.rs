//! Clients and a board server at work: every kind of PDU, right and wrong, beside what the dissector must say of it.
//!
//! The bytes are put together here and not by our own protocol code, so that the two can disagree.

use std::net::SocketAddr;

use super::capture::Capture;
use Way::{Down, Up};

/// The session of the extension that all use.
pub const TOKEN: u64 = 0x9c1f_0011_2233_aabb;
/// The server's port.
pub const SERVER: u16 = 7777;

/// Who sends: a client by its port, or the server to it.
#[derive(Clone, Copy)]
pub enum Way {
    Up(u16),
    Down(u16),
}

/// Every kind of PDU, what the dissector says of it, and what can be wrong with it.
pub fn conversation() -> Vec<(Way, Vec<u8>, &'static str)> {
    let text = |way: Way, pdu: &str, info| (way, pdu.as_bytes().to_vec(), info);
    let (board, old, new) = (34_234, 34_235, 34_236);
    let ours = (TOKEN, 0);
    let block = format!("1:{}He", "Hello ".repeat(42)).into_bytes();
    let mut cut = ack(0, ours, 1, &[(2, 3)]);
    cut.truncate(43);
    let mut damaged = data(0, 256, ours, 517, 2, b"world");
    damaged[19] ^= 1; // its sequence
    vec![
        text(Up(board), "1:Hello world!", "PUBLISH \"Hello world!\""),
        text(Down(board), "0", "OK"),
        text(Up(board), "2:10", "LAST 10"),
        text(Up(board), "2:10", "LAST 10 (again)"),
        text(Down(board), "0:3:4:5", "ids 3 4 5"),
        text(Up(board), "2:10", "LAST 10"),
        text(Down(board), "0:3:4:5", "ids 3 4 5"),
        text(Up(board), "3:4", "GET 4"),
        text(
            Down(board),
            "0:1795198052.42:127.0.0.1:34234:a:b \"č\"\n",
            "message from 127.0.0.1:34234 \"a:b \\\"č\\\"\\n\"",
        ),
        text(Up(board), "3:5", "GET 5"),
        text(Down(board), "0:1.5:[::1]:34234:", "message from [::1]:34234 \"\""),
        text(Up(board), "3:99", "GET 99"),
        text(Down(board), "2", "MSGNOTFOUND"),
        text(Up(board), "2:0", "LAST 0"),
        text(Down(board), "0", "no ids"),
        text(Up(board), "7:0", "CURRENT TIME 0"),
        text(Down(board), "0:1795198060.17", "OK \"1795198060.17\""),
        text(Up(board), "8:4", "DELIVERY TIME 4"),
        text(Down(board), "0:1795198052.42", "OK \"1795198052.42\""),
        text(Up(board), "9:x", "malformed: unknown control code: \"9:x\""),
        text(Down(board), "3", "UNKNCONTROL"),
        text(Up(board), "4:1", "malformed: unknown control code: \"4:1\""),
        text(Up(board), "2:2:3", "LAST malformed: no number: \"2:3\""),
        text(Down(board), "1", "BADFORMAT"),
        text(Up(board), "1", "malformed: too short: \"1\""),
        text(Up(board), "3:1", "GET 1"),
        text(Down(board), "0:1:2", "OK malformed: no message: \"1:2\""),
        text(Up(board), "2:99999999999999999999999", "LAST 18446744073709551615"),
        text(Down(board), "0:1:x", "ids 1 malformed: no id: \"x\""),
        text(Down(40_000), "0:1:2", "ids 1 2"),
        text(Down(40_000), "7", "malformed: no response: \"7\""),
        // the original block protocol
        text(Up(old), "a?0", "open"),
        text(Down(old), "0?1234567890123456", "session 1234567890123456"),
        text(Up(old), "b?12?0?2?5?1:Hel", "block 0 of 2, session 12: PUBLISH \"Hel\" …"),
        text(Down(old), "0?1", "1 block stored"),
        text(Up(old), "b?12?1?2?3?lol?", "block 1 of 2, session 12 malformed: 4 bytes of data, not 3"),
        text(Down(old), "y", "wrong length, send again"),
        text(Up(old), "b?12?2?2?3?lo?", "block 2 of 2, session 12 malformed: there is no such block"),
        text(Down(old), "z", "refused"),
        text(Up(old), "b?12?1?2?3?lo?", "block 1 of 2, session 12"),
        text(Down(old), "0?2", "2 blocks stored"),
        text(Up(old), "c?12", "close session 12"),
        text(Down(old), "0?1", "delivered"),
        text(Up(old), "c?13", "close session 13"),
        text(Down(old), "0?0", "incomplete, discarded"),
        text(Up(old), "garbage", "malformed: neither board nor session: \"garbage\""),
        // our extension
        text(Up(new), "a?0000000000000001", "open (extension)"),
        text(Down(new), "1?9c1f00112233aabb", "token 9c1f00112233aabb"),
        text(Down(new), "1?9c1f", "malformed: no answer of a session: \"1?9c1f\""),
        (
            Up(new),
            data(0, 256, ours, 517, 0, &block),
            "data 0 of 3, request of exchange 0: PUBLISH \"Hello Hello Hello Hello Hello Hello Hello Hello Hello Hello …\" …",
        ),
        (Up(new), data(0, 256, ours, 517, 2, b"world"), "data 2 of 3, request of exchange 0"),
        (Down(new), ack(0, ours, 1, &[(2, 3)]), "ack 0..1 + [2,3), request of exchange 0"),
        (Up(new), data(0, 256, ours, 517, 1, &block), "data 1 of 3, request of exchange 0"),
        (Up(new), data(0, 256, ours, 517, 1, &block), "data 1 of 3, request of exchange 0 (again)"),
        (Down(new), ack(0, ours, 3, &[]), "ack 0..3, request of exchange 0"),
        (Down(new), data(1, 1000, ours, 1, 0, b"0"), "data 0 of 1, response of exchange 0: OK"),
        (Up(new), ack(1, ours, 1, &[]), "ack 0..1, response of exchange 0"),
        (Down(new), refuse(1), "refuse exchange 0: unknown or expired"),
        (Down(new), refuse(9), "refuse exchange 0: reason 9 malformed: unknown reason"),
        (Up(new), b"D123".to_vec(), "data malformed: 4 bytes, its header has 32"),
        (Down(new), cut, "ack 0..1, request of exchange 0 malformed: 43 bytes, not 44"),
        (Up(new), data(0, 8, ours, 517, 0, b"1:"), "data malformed: blocks of 8 bytes, less than 256"),
        (Up(new), data(2, 256, ours, 517, 0, b"1:"), "data malformed: neither request nor response: 2"),
        (
            Up(new),
            data(0, 256, ours, 517, 3, b"x"),
            "data 3 of 3, request of exchange 0 malformed: there is no such block",
        ),
        (
            Up(new),
            data(0, 256, ours, 517, 2, b"worl"),
            "data 2 of 3, request of exchange 0 malformed: 4 bytes of data, not 5",
        ),
        (Up(new), damaged, "data 2 of 3, request of exchange 0 malformed: the check is wrong"),
        (Up(new), ack(0, ours, 1, &[]), "ack 0..1, request of exchange 0 malformed: it goes the wrong way"),
        (
            Down(new),
            ack(0, ours, 1, &[(3, 3)]),
            "ack 0..1 + [3,3), request of exchange 0 malformed: no range beyond the others: [3,3)",
        ),
    ]
}

pub fn data(
    side: u8,
    size: u16,
    (token, exchange): (u64, u32),
    length: u32,
    block: u32,
    payload: &[u8],
) -> Vec<u8> {
    let sequence = block; // of its first transmission, which is enough here
    let mut pdu = vec![b'D', side];
    pdu.extend_from_slice(&size.to_be_bytes());
    pdu.extend_from_slice(&token.to_be_bytes());
    for field in [exchange, sequence, length, block, 0] {
        pdu.extend_from_slice(&field.to_be_bytes());
    }
    pdu.extend_from_slice(payload);
    sealed(pdu, 32)
}

pub fn ack(side: u8, (token, exchange): (u64, u32), cumulative: u32, ranges: &[(u32, u32)]) -> Vec<u8> {
    let (largest, delay, window) = (0, 50, 40);
    let mut pdu = vec![b'K', side, 0, ranges.len() as u8];
    pdu.extend_from_slice(&token.to_be_bytes());
    for field in [exchange, largest, delay, cumulative, window, 0] {
        pdu.extend_from_slice(&field.to_be_bytes());
    }
    for (first, end) in ranges {
        pdu.extend_from_slice(&[first.to_be_bytes(), end.to_be_bytes()].concat());
    }
    sealed(pdu, 36)
}

fn refuse(reason: u8) -> Vec<u8> {
    sealed([&[b'X', reason, 0, 0], &TOKEN.to_be_bytes()[..], &[0; 8]].concat(), 20)
}

/// Writes the check where the header ends: the inverted sum of all words, little-endian, padded with zeros.
fn sealed(mut pdu: Vec<u8>, header: usize) -> Vec<u8> {
    let word = |bytes: &[u8]| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        u32::from_le_bytes(word)
    };
    let check = !pdu.chunks(4).map(word).fold(0, u32::wrapping_add);
    pdu[header - 4..header].copy_from_slice(&check.to_le_bytes());
    pdu
}

pub fn capture_of(conversation: &[(Way, Vec<u8>, &str)]) -> Capture {
    let mut capture = Capture::new();
    for (way, pdu, _) in conversation {
        send(&mut capture, *way, pdu);
    }
    capture
}

pub fn send(capture: &mut Capture, way: Way, pdu: &[u8]) {
    let (Up(port) | Down(port)) = way;
    let (client, server) = ends(port);
    match way {
        Up(_) => capture.udp(client, server, pdu),
        Down(_) => capture.udp(server, client, pdu),
    }
}

/// Clients have ephemeral ports: of two ports, tshark tries the lower first, and many a low one has a dissector.
pub fn ends(port: u16) -> (SocketAddr, SocketAddr) {
    (SocketAddr::from(([127, 0, 0, 1], port)), SocketAddr::from(([127, 0, 0, 1], SERVER)))
}
