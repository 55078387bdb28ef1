//! The dissector shows in tshark what the protocol says, and takes any bytes. Needs tshark; without it, it says so.

#[path = "support/capture.rs"]
mod capture;
#[path = "support/tshark.rs"]
mod tshark;

use std::net::{Ipv6Addr, SocketAddr};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use capture::{Capture, flags};
use tshark::Tshark;

const TOKEN: u64 = 0x9c1f_0011_2233_aabb;
const SERVER: u16 = 7777;
const SEED: u64 = 20_261_121;

/// Who sends: a client by its port, or the server to it.
#[derive(Clone, Copy)]
enum Way {
    Up(u16),
    Down(u16),
}
use Way::{Down, Up};

#[test]
fn every_pdu_over_udp_reads_as_the_protocol_does() {
    let Some(tshark) = Tshark::find() else { return };
    let conversation = conversation();
    let shown = tshark.columns(&capture_of(&conversation), &[]);
    for ((_, pdu, expected), (protocol, info)) in conversation.iter().zip(&shown) {
        assert_eq!((protocol.as_str(), info.as_str()), ("MBOARD", *expected), "{}", pdu.escape_ascii());
    }
    assert_eq!(shown.len(), conversation.len());
}

#[test]
fn what_breaks_the_protocol_is_found_by_a_filter() {
    let Some(tshark) = Tshark::find() else { return };
    let conversation = conversation();
    let numbers = |pattern: &str| -> Vec<String> {
        let matching = conversation.iter().enumerate().filter(|(_, (_, _, info))| info.contains(pattern));
        matching.map(|(index, _)| (index + 1).to_string()).collect()
    };
    let capture = capture_of(&conversation);
    for (filter, pattern) in [("mboard.malformed", "malformed"), ("mboard.again", "(again)")] {
        assert!(!numbers(pattern).is_empty());
        assert_eq!(tshark.fields(&capture, filter, &["frame.number"]), numbers(pattern), "{filter}");
    }
}

#[test]
fn requests_and_responses_point_at_each_other() {
    let Some(tshark) = Tshark::find() else { return };
    let mut capture = Capture::new();
    for (way, pdu) in [
        (Up(41_001), b"2:1".to_vec()),
        (Up(41_002), b"3:4".to_vec()),
        (Down(41_002), b"0:12.5:127.0.0.1:34234:4:5".to_vec()),
        (Down(41_001), b"0:4".to_vec()),
        (Up(41_003), data(0, 256, (7, 0), 3, 0, b"3:4")),
        (Down(41_003), ack(0, (7, 0), 1, &[])),
        (Down(41_003), data(1, 256, (7, 0), 10, 0, b"0:12.5:127")),
    ] {
        send(&mut capture, way, &pdu);
    }
    let fields = ["frame.number", "mboard.response_in", "mboard.response_to", "mboard.response_time"];
    assert_eq!(
        tshark.fields(&capture, "mboard", &fields),
        ["1|4||", "2|3||", "3||2|0.001000000", "4||1|0.003000000", "5|7||", "6|||", "7||5|0.002000000"]
    );
    let fields = ["mboard.status", "mboard.from", "mboard.from_port", "mboard.text"];
    assert_eq!(tshark.fields(&capture, "mboard.message", &fields), ["0|127.0.0.1|34234|4:5"]);
    assert_eq!(tshark.fields(&capture, "mboard.code == 2", &["mboard.count"]), ["1"]);
    let fields = ["mboard.ack.cumulative", "mboard.ack.frame", "mboard.ack.round_trip"];
    assert_eq!(tshark.fields(&capture, "mboard.kind == \"K\"", &fields), ["1|5|0.001000000"]);
}

#[test]
fn a_stream_over_tcp_is_read_when_its_fin_has_come() {
    let Some(tshark) = Tshark::find() else { return };
    let mut capture = Capture::new();
    let (client, server) = ends(44_001);
    capture.connection(client, server, true, &[b"1:Hel", b"lo ", b"world!"], &[b"0"]);
    let (client, server) = ends(44_002);
    capture.connection(
        client,
        server,
        false,
        &[b"4:", b"0"],
        &[b"0:1.5 127.0.0.1 34234 a:b:2.5 [::1] 34235 c"],
    );
    let server = SocketAddr::from((Ipv6Addr::LOCALHOST, SERVER));
    let client = SocketAddr::from((Ipv6Addr::LOCALHOST, 44_003));
    capture.connection(
        client,
        server,
        false,
        &[b"5:2"],
        &[b"0:23:1.5 127.0.0.1 34", b"234 a:b17:2.5 [::1] 34235 c"],
    );
    let (client, server) = ends(44_004);
    capture.connection(client, server, false, &[b"4:0"], &[b"0"]);
    let (client, server) = ends(44_005);
    capture.connection(client, server, true, &[b"1:"], &[b"1"]);
    // No FIN: what the request will be, nobody knows yet.
    let (client, server) = ends(44_006);
    capture.tcp(client, server, flags::SYN, 0, b"");
    capture.tcp(client, server, flags::ACK, 1, b"1:and so on");
    let shown = tshark.columns(&capture, &["-Y", "mboard"]);
    let infos: Vec<&str> = shown.iter().map(|(_, info)| info.as_str()).collect();
    assert_eq!(
        infos,
        [
            "PUBLISH \"Hello world!\"",
            "OK",
            "LAST JOINED 0",
            "3 messages: 127.0.0.1:34234 \"a\", ? \"b\", [::1]:34235 \"c\"",
            "LAST COUNTED 2",
            "2 messages: 127.0.0.1:34234 \"a:b\", [::1]:34235 \"c\"",
            "LAST JOINED 0",
            "no messages",
            "PUBLISH malformed: shorter than 3 bytes over TCP",
            "BADFORMAT",
        ]
    );
    assert_eq!(tshark.fields(&capture, "mboard.flawed", &["mboard.request"]), ["LAST JOINED"]);
}

#[test]
fn other_ports_can_be_named() {
    let Some(tshark) = Tshark::find() else { return };
    let mut capture = Capture::new();
    send(&mut capture, Up(41_001), b"2:0");
    let relay = SocketAddr::from(([127, 0, 0, 1], 8888));
    capture.udp(ends(41_002).0, relay, b"3:1");
    let shown = tshark.columns(&capture, &["-o", "mboard.ports:7777,8880-8890"]);
    let shown: Vec<_> = shown.iter().map(|(protocol, info)| (protocol.as_str(), info.as_str())).collect();
    assert_eq!(shown, [("MBOARD", "LAST 0"), ("MBOARD", "GET 1")]);
    let only_relay = tshark.columns(&capture, &["-o", "mboard.ports:8888"]);
    assert_eq!((only_relay[0].0.as_str(), only_relay[1].0.as_str()), ("UDP", "MBOARD"));
}

#[test]
fn what_the_capture_cut_is_not_called_malformed() {
    let Some(tshark) = Tshark::find() else { return };
    let conversation = conversation();
    for kept in [29, 40, 48, 60] {
        let mut capture = Capture::of_at_most(kept);
        let mut cut = 0;
        for (way, pdu, _) in &conversation {
            send(&mut capture, *way, pdu);
            cut += usize::from(28 + pdu.len() > kept);
        }
        assert_eq!(tshark.fields(&capture, "mboard.cut", &["frame.number"]).len(), cut);
        assert!(tshark.fields(&capture, "mboard.cut && mboard.malformed", &["frame.number"]).is_empty());
        assert_no_lua_error(&tshark, &capture);
    }
}

#[test]
fn any_bytes_do_no_harm() {
    let Some(tshark) = Tshark::find() else { return };
    println!("seed {SEED}");
    let mut random = StdRng::seed_from_u64(SEED);
    let mut capture = Capture::new();
    for (way, pdu, _) in conversation() {
        for end in 1..=pdu.len().min(80) {
            send(&mut capture, way, &pdu[..end]);
        }
        for _ in 0..40 {
            let mut pdu = pdu.clone();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..pdu.len());
                pdu[at] = any_byte(&mut random);
            }
            send(&mut capture, if random.random() { Up(40_009) } else { Down(40_009) }, &pdu);
        }
    }
    for _ in 0..200 {
        let mut batch = data(0, 256, (TOKEN, 0), 600, 0, &[b'1'; 256]).repeat(4);
        for _ in 0..random.random_range(1..8) {
            let at = random.random_range(0..batch.len());
            batch[at] = any_byte(&mut random);
        }
        send(&mut capture, Up(40_010), &batch);
    }
    for port in 42_000..43_000 {
        let length = random.random_range(1..60);
        let bytes: Vec<u8> = (0..length).map(|_| any_byte(&mut random)).collect();
        send(&mut capture, Up(port), &bytes);
        send(&mut capture, Down(port), &bytes);
        let (client, server) = ends(port);
        capture.connection(client, server, random.random(), &[b"4:0"], &[b"0:", &bytes]);
    }
    assert_no_lua_error(&tshark, &capture);
    let datagrams = tshark.fields(&capture, "udp && !mboard", &["frame.number"]);
    assert!(datagrams.is_empty(), "not taken: {datagrams:?} of {}", capture.packets());
}

/// GSO: the kernel hands many datagrams over as one, and on the loopback interface that is what a capture sees.
#[test]
fn datagrams_that_were_captured_as_one_are_read_one_by_one() {
    let Some(tshark) = Tshark::find() else { return };
    let mut capture = Capture::new();
    let text = "x".repeat(254);
    let first = format!("1:{text}");
    let batch: Vec<u8> = [first.as_bytes(), &[b'y'; 256], &[b'z'; 256], b"last"]
        .into_iter()
        .enumerate()
        .flat_map(|(block, payload)| data(0, 256, (TOKEN, 0), 772, block as u32, payload))
        .collect();
    send(&mut capture, Up(40_001), &batch);
    send(&mut capture, Up(40_001), &batch[288..2 * 288]);
    send(&mut capture, Up(40_001), &batch[2 * 288..batch.len() - 1]);
    let shown = tshark.columns(&capture, &[]);
    let infos: Vec<&str> = shown.iter().map(|(_, info)| info.as_str()).collect();
    let all = format!(
        "4 datagrams: data 0 of 4, request of exchange 0: PUBLISH \"{}…\" …; to data 3 of 4, request of exchange 0",
        &text[..60]
    );
    assert_eq!(
        infos,
        [
            all.as_str(),
            "data 1 of 4, request of exchange 0 (again)",
            "2 datagrams: data 2 of 4, request of exchange 0 (again); \
             to data 3 of 4, request of exchange 0 malformed: 3 bytes of data, not 4",
        ]
    );
    let blocks = tshark.fields(&capture, "frame.number == 1", &["mboard.block", "mboard.again_of"]);
    assert_eq!(blocks, ["0,1,2,3|"]);
}

/// Every kind of PDU, what the dissector says of it, and what can be wrong with it.
fn conversation() -> Vec<(Way, Vec<u8>, &'static str)> {
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

fn data(
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
    [&sealed(pdu, 32), payload].concat()
}

fn ack(side: u8, (token, exchange): (u64, u32), cumulative: u32, ranges: &[(u32, u32)]) -> Vec<u8> {
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

/// Writes the check where the header ends: the inverted sum of the other words.
fn sealed(mut pdu: Vec<u8>, header: usize) -> Vec<u8> {
    let words = pdu.chunks(4).map(|word| u32::from_be_bytes(word.try_into().expect("whole words")));
    let check = !words.fold(0, u32::wrapping_add);
    pdu[header - 4..header].copy_from_slice(&check.to_be_bytes());
    pdu
}

fn capture_of(conversation: &[(Way, Vec<u8>, &str)]) -> Capture {
    let mut capture = Capture::new();
    for (way, pdu, _) in conversation {
        send(&mut capture, *way, pdu);
    }
    capture
}

fn send(capture: &mut Capture, way: Way, pdu: &[u8]) {
    let (Up(port) | Down(port)) = way;
    let (client, server) = ends(port);
    match way {
        Up(_) => capture.udp(client, server, pdu),
        Down(_) => capture.udp(server, client, pdu),
    }
}

/// Clients have ephemeral ports: of two ports, tshark tries the lower first, and many a low one has a dissector.
fn ends(port: u16) -> (SocketAddr, SocketAddr) {
    (SocketAddr::from(([127, 0, 0, 1], port)), SocketAddr::from(([127, 0, 0, 1], SERVER)))
}

/// Half of them such as the protocol is made of.
fn any_byte(random: &mut StdRng) -> u8 {
    const COMMON: &[u8] = b"0123459abcyzDKX:?[]. \n";
    if random.random() { random.random() } else { COMMON[random.random_range(0..COMMON.len())] }
}

/// Wireshark catches an error in Lua and shows it in the packet's tree.
fn assert_no_lua_error(tshark: &Tshark, capture: &Capture) {
    let tree = tshark.dissect(capture, &["-2", "-V"]);
    assert!(tree.contains("Message Board"));
    let errors: Vec<&str> = tree.lines().filter(|line| line.contains("Lua Error")).collect();
    assert!(errors.is_empty(), "{errors:?}");
}
