//! The dissector shows in tshark what the protocol says, and takes any bytes. Needs tshark; without it, it says so.

use std::net::{Ipv6Addr, SocketAddr};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::support::capture::{Capture, flags};
use crate::support::conversation::Way::{Down, Up};
use crate::support::conversation::{SERVER, TOKEN, ack, capture_of, conversation, data, ends, send};
use crate::support::tshark::Tshark;

const SEED: u64 = 20_261_121;

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
