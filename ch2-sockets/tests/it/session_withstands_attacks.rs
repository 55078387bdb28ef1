//! What strangers and liars can do to a session server: nothing to others, little to it, and nothing twice.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use ch2_sockets::session::datagram::{Data, Reason, Refusal, Side};
use ch2_sockets::session::pdu::{OPEN, OPEN_EXTENSION, ResponsePdu};
use ch2_sockets::session::{Batch, Config, Held, Limits, Server};
use common::netem::Profile;
use proptest::prelude::*;

use crate::virtual_time::{SEED, World, message, ms};

const HOUR: Duration = Duration::from_secs(3600);

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, 7], port))
}

/// What the server answers to one datagram, and whether it ran something.
fn answers(server: &mut Server, now: Duration, from: SocketAddr, datagram: &[u8]) -> Vec<Vec<u8>> {
    server.handle_datagram(now, from, datagram.len(), datagram);
    let (mut batch, mut answers) = (Batch::new(), Vec::new());
    while server.poll_transmit(now, &mut batch) {
        assert_eq!(batch.to, from);
        answers.extend(batch.datagrams().map(<[u8]>::to_vec));
    }
    answers
}

fn token(server: &mut Server, now: Duration, from: SocketAddr) -> u64 {
    let answer = answers(server, now, from, OPEN_EXTENSION).remove(0);
    match ResponsePdu::parse(&answer) {
        Some(ResponsePdu::Token(token)) => token,
        other => panic!("no token but {other:?}"),
    }
}

fn original_session(server: &mut Server, from: SocketAddr) -> String {
    match ResponsePdu::parse(&answers(server, ms(0), from, OPEN).remove(0)) {
        Some(ResponsePdu::Done(session)) => session.to_string(),
        other => panic!("no session but {other:?}"),
    }
}

fn data(token: u64, exchange: u32, length: u32, block: u32, payload: &[u8]) -> Vec<u8> {
    let data =
        Data { side: Side::Request, block_size: 1368, token, exchange, sequence: block, length, block };
    [data.encode(payload).as_slice(), payload].concat()
}

fn reason(answer: &[u8]) -> Option<Reason> {
    Refusal::parse(answer).map(|refusal| refusal.reason)
}

#[test]
fn a_stolen_token_is_worth_nothing_at_another_address() {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let token = token(&mut server, ms(0), address(1));
    let (first, second) = (message(1368, 1), message(632, 2));
    assert_eq!(answers(&mut server, ms(1), address(1), &data(token, 0, 2000, 0, &first)).len(), 1);
    let held = server.held();
    // Before its owner's next block, somebody else has the token and says something else.
    for port in [2, 3] {
        let stolen = answers(&mut server, ms(2), address(port), &data(token, 0, 2000, 1, &[b'!'; 632]));
        assert_eq!(reason(&stolen[0]), Some(Reason::Unknown));
    }
    assert_eq!(server.held(), held);
    assert!(server.poll_request().is_none());
    answers(&mut server, ms(3), address(1), &data(token, 0, 2000, 1, &second));
    let delivered = server.poll_request().unwrap();
    assert_eq!((delivered.from, delivered.request), (address(1), [first, second].concat()));
    // Nor can anybody else make the response go away, or come.
    server.respond(ms(4), delivered.exchange, message(5000, 3));
    assert_eq!(answers(&mut server, ms(4), address(1), b"").len(), 5);
    let refusal = Refusal { reason: Reason::TooLong, token, exchange: 0 }.encode();
    assert!(answers(&mut server, ms(5), address(2), &refusal).is_empty());
    assert_eq!(server.held().active, 1);
}

#[test]
fn an_original_session_belongs_to_its_address() {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let session = original_session(&mut server, address(1));
    let block = |index, text: &str| format!("b?{session}?{index}?2?3?{text}").into_bytes();
    assert_eq!(answers(&mut server, ms(0), address(1), &block(0, "1:a")), [b"0?1"]);
    for port in [2, 3] {
        assert_eq!(answers(&mut server, ms(0), address(port), &block(1, "bad")), [b"z"]);
        assert_eq!(answers(&mut server, ms(0), address(port), format!("c?{session}").as_bytes()), [b"z"]);
    }
    assert_eq!(answers(&mut server, ms(0), address(1), &block(1, "bcd")), [b"0?2"]);
    assert_eq!(answers(&mut server, ms(0), address(1), format!("c?{session}").as_bytes()), [b"0?1"]);
    assert_eq!(server.poll_request().unwrap().request, b"1:abcd");
}

#[test]
fn numbers_of_original_sessions_cannot_be_guessed() {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let numbers: Vec<u64> =
        (0..40).map(|port| original_session(&mut server, address(port)).parse().unwrap()).collect();
    assert!(numbers.iter().all(|&number| number < 10_000_000_000_000_000));
    assert!(numbers.iter().filter(|&&number| number > 1_000_000_000_000_000).count() > 30);
    let mut differences: Vec<u64> = numbers.windows(2).map(|pair| pair[0].abs_diff(pair[1])).collect();
    differences.sort_unstable();
    differences.dedup();
    assert_eq!(differences.len(), 39);
    let mut other = Server::new(Limits::default(), Config::default(), [43; 32]);
    assert!(!numbers.contains(&original_session(&mut other, address(1)).parse().unwrap()));
}

/// A client's address and what it sent.
type Recording = (SocketAddr, Vec<Vec<u8>>);

/// Three clients have had their requests run; all that they sent, and the world after it.
fn recorded() -> (World, Vec<Recording>) {
    let mut world = World::new(1, Limits::default(), Config::default());
    let profile = Profile { loss: 0.1, duplicate: 0.3, delay: ms(5), ..Profile::default() };
    let hosts = [world.join(&profile, Config::default()), world.join(&profile, Config::default())];
    let original = world.join_original(&Profile { delay: ms(5), ..Profile::default() }, Config::default());
    for host in hosts {
        for number in 0..4 {
            world.ask(host, message(5_000, (host * 10 + number) as u64 + 1));
        }
    }
    world.ask(original, message(150_000, 99));
    world.hosts.iter_mut().for_each(|host| host.recorded = Some(Vec::new()));
    assert!(world.run(HOUR));
    assert!(world.now < Duration::from_secs(5), "{:?}", world.now);
    assert_eq!(world.runs.len(), 9);
    let recordings =
        world.hosts.iter_mut().map(|host| (host.address, host.recorded.take().unwrap_or_default()));
    let recordings = recordings.collect();
    (world, recordings)
}

#[test]
fn recorded_datagrams_run_nothing_twice() {
    // At once, while the sessions are idle, when they have been silent for long but their tokens are valid, and when those are not.
    for replay_at in [0, 10, 29, 31, 36, 45, 58, 61, 89, 91, 200] {
        let (mut world, recordings) = recorded();
        world.pass(Duration::from_secs(replay_at).max(world.now));
        for _ in 0..2 {
            for (address, datagrams) in &recordings {
                for datagram in datagrams.iter().chain(datagrams.iter().rev()) {
                    // Openings are new ones each time, which is harmless: they bring nothing.
                    world.inject(*address, datagram);
                }
            }
            assert!(world.runs.values().all(|&count| count == 1), "after {replay_at} s something ran twice");
            assert_eq!(world.runs.len(), 9);
            world.pass(world.now + Duration::from_secs(20));
        }
        world.pass(HOUR);
        assert_eq!(world.server.held(), Held::default());
    }
}

#[test]
fn whoever_goes_away_is_forgotten() {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    for port in 0..20 {
        let token = token(&mut server, ms(0), address(port));
        answers(&mut server, ms(0), address(port), &data(token, 0, 1 << 20, 3, &message(1368, 1)));
        let session = original_session(&mut server, address(port));
        answers(&mut server, ms(0), address(port), format!("b?{session}?5?9?3?abc").as_bytes());
    }
    // One has had its request run, and never takes the response.
    let token = token(&mut server, ms(0), address(99));
    answers(&mut server, ms(0), address(99), &data(token, 0, 2, 0, b"2:"));
    let delivered = server.poll_request().unwrap();
    server.respond(ms(0), delivered.exchange, message(1 << 20, 1));
    assert_eq!(server.held().active, 41);
    assert!(server.held().bytes > 1 << 20);
    let (mut batch, mut sent) = (Batch::new(), 0);
    while let Some(now) = server.deadline() {
        server.handle_timeout(now);
        while server.poll_transmit(now, &mut batch) {
            sent += batch.datagrams().count();
        }
        let held = server.held();
        assert!(now < Duration::from_secs(30) || held.bytes == 0 && held.active == 0, "{now:?}: {held:?}");
        assert!(now <= Duration::from_secs(61));
    }
    assert_eq!(server.held(), Held::default());
    assert!(sent < 100, "{sent} datagrams to a client that is gone");
}

#[test]
fn memory_stays_below_the_limit_whatever_is_announced() {
    let limits = Limits { bytes_per_client: 8 << 20, bytes: 20 << 20, ..Limits::default() };
    let mut server = Server::new(limits, Config::default(), SEED);
    let (mut refused, mut most) = (0, 0);
    for client in 0..10u8 {
        for port in 0..60u16 {
            let from = SocketAddr::from(([198, 51, 100, client], port));
            if port % 2 == 0 {
                let token = token(&mut server, ms(0), from);
                // 200 MiB announced, one block far out: the most memory for one datagram.
                for block in [3063, 3062, 100_000, 0] {
                    let datagram = data(token, 0, 200 << 20, block, &[1; 1368]);
                    for answer in answers(&mut server, ms(0), from, &datagram) {
                        refused += usize::from(reason(&answer) == Some(Reason::NoRoom));
                    }
                }
            } else {
                let session = original_session(&mut server, from);
                for index in [0u64, 7, 1_000_000, 99_999_999] {
                    let head = format!("b?{session}?{index}?100000000?60000?");
                    let answer =
                        answers(&mut server, ms(0), from, &[head.as_bytes(), &[b'x'; 60_000]].concat());
                    refused += usize::from(answer == [b"z"]);
                }
            }
            most = most.max(server.held().bytes);
        }
    }
    assert!(refused > 100, "{refused}");
    assert!(most <= 20 << 20 && most > 15 << 20, "{most}");
    // And when they are gone there is room again.
    server.handle_timeout(Duration::from_secs(31));
    assert_eq!((server.held().bytes, server.held().active), (0, 0));
}

#[test]
fn a_client_has_so_many_sessions_and_others_still_get_theirs() {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let mut reasons = HashMap::new();
    for port in 0..100 {
        let token = token(&mut server, ms(0), address(port));
        let answer =
            answers(&mut server, ms(0), address(port), &data(token, 0, 5000, 0, &[1; 1368])).remove(0);
        *reasons.entry(format!("{:?}", reason(&answer))).or_insert(0) += 1;
    }
    assert_eq!(reasons, HashMap::from([("None".into(), 64), ("Some(NoRoom)".into(), 36)]));
    let other = SocketAddr::from(([203, 0, 113, 1], 1));
    let token = token(&mut server, ms(0), other);
    let answer = answers(&mut server, ms(0), other, &data(token, 0, 5000, 0, &[1; 1368])).remove(0);
    assert_eq!(reason(&answer), None);
}

#[test]
fn openings_of_original_sessions_crowd_nobody_out() {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let kept = original_session(&mut server, address(1));
    assert_eq!(answers(&mut server, ms(0), address(1), format!("b?{kept}?0?2?2?ab").as_bytes()), [b"0?1"]);
    // Forged addresses, and one address again and again: more than there is room for.
    for number in 0..20_000u32 {
        let [_, a, b, c] = number.to_be_bytes();
        for from in [SocketAddr::from(([10, a, b, c], 5)), address(number as u16)] {
            assert_eq!(&answers(&mut server, ms(0), from, OPEN)[0][..2], b"0?");
        }
    }
    assert_eq!(server.held(), Held { active: 1, idle: 0, bytes: server.held().bytes });
    // A client of either protocol is served, at any address.
    for from in [address(1), address(2), SocketAddr::from(([10, 0, 0, 1], 5))] {
        let token = token(&mut server, ms(0), from);
        let answer = answers(&mut server, ms(0), from, &data(token, 0, 5000, 0, &[1; 1368])).remove(0);
        assert_eq!(reason(&answer), None);
        let session = original_session(&mut server, from);
        let block = format!("b?{session}?0?2?2?ab");
        assert_eq!(answers(&mut server, ms(0), from, block.as_bytes()), [b"0?1"]);
    }
    assert_eq!(answers(&mut server, ms(0), address(1), format!("b?{kept}?1?2?2?cd").as_bytes()), [b"0?2"]);
    assert_eq!(answers(&mut server, ms(0), address(1), format!("c?{kept}").as_bytes()), [b"0?1"]);
    assert_eq!(server.poll_request().unwrap().request, b"abcd");
}

#[test]
fn too_long_a_message_is_refused_at_its_first_block() {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let token = token(&mut server, ms(0), address(1));
    for length in [(200 << 20) + 1, u32::MAX] {
        let answer = answers(&mut server, ms(0), address(1), &data(token, 0, length, 0, &[1; 1368]));
        assert_eq!(reason(&answer[0]), Some(Reason::TooLong));
    }
    assert_eq!(server.held().bytes, 0);
    assert_eq!(
        reason(&answers(&mut server, ms(0), address(1), &data(token, 0, 200 << 20, 0, &[1; 1368]))[0]),
        None
    );
}

#[test]
fn neither_an_answer_nor_a_damaged_datagram_is_answered() {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let token = token(&mut server, ms(0), address(1));
    let block = data(token, 0, 1000, 0, &[1; 1000]);
    for bit in 0..8 * block.len() {
        let mut damaged = block.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(answers(&mut server, ms(0), address(1), &damaged).is_empty(), "bit {bit}");
    }
    for bit in 0..8 * OPEN_EXTENSION.len() {
        let mut damaged = OPEN_EXTENSION.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let answers = answers(&mut server, ms(0), address(1), &damaged);
        assert!(answers.is_empty() || answers == [b"z"], "bit {bit}: a token or a session");
    }
    assert_eq!(server.held(), Held::default());
    // What another server would answer.
    let response =
        Data { side: Side::Response, block_size: 1368, token, exchange: 0, sequence: 0, length: 0, block: 0 };
    let refusal = Refusal { reason: Reason::Unknown, token, exchange: 0 };
    for answer in [&response.encode(b"")[..], &refusal.encode(), b"0?17", b"1?00000000000000ab", b"y", b"z"] {
        assert!(answers(&mut server, ms(0), address(1), answer).is_empty(), "{}", answer.escape_ascii());
    }
}

/// Bytes that go out for a first datagram: never more than came in, but for what the smallest frame carries anyway.
fn check_amplification(datagram: &[u8]) {
    let mut server = Server::new(Limits::default(), Config::default(), SEED);
    let mut out: usize = answers(&mut server, ms(0), address(1), datagram).iter().map(Vec::len).sum();
    // Nor later: nothing is ever sent again to who has not proved his address.
    while let Some(now) = server.deadline() {
        server.handle_timeout(now);
        out += answers(&mut server, now, address(1), b"z").iter().map(Vec::len).sum::<usize>();
    }
    assert!(out <= datagram.len().max(18), "{out} bytes for {}: {}", datagram.len(), datagram.escape_ascii());
}

#[test]
fn every_kind_of_first_datagram_is_answered_with_no_more_bytes() {
    for first in 0..=255u8 {
        check_amplification(&[first]);
        for rest in ["?", "?0", "?1", "?2", "?0000000000000001", "?1?0?1?3?abc", "?9999999999999999", ":x"] {
            check_amplification(&[&[first], rest.as_bytes()].concat());
        }
        for length in [2, 15, 16, 19, 20, 31, 32, 36, 1400] {
            check_amplification(&[vec![first], vec![0; length - 1]].concat());
        }
    }
    check_amplification(&data(7, 0, 5000, 0, &[1; 1368]));
    check_amplification(&data(7, 0, 0, 0, b""));
    check_amplification(b"D\0\0\0\xbb\xff\xff\xff"); // its check is right
    check_amplification(b"");
}

proptest! {
    #[test]
    fn no_first_datagram_is_amplified(head in prop::sample::select(b"abcDKX123z".to_vec()), rest: Vec<u8>) {
        check_amplification(&[&[head], rest.as_slice()].concat());
    }

    #[test]
    fn any_datagrams_do_no_harm(
        datagrams in prop::collection::vec(
            (any::<bool>(), 0u32..4, 0u32..3000, 0u32..4, prop::sample::select(b"abcDKXyz".to_vec()), prop::collection::vec(any::<u8>(), 0..300)),
            0..60,
        ),
    ) {
        let mut server = Server::new(Limits::default(), Config::default(), SEED);
        let token = token(&mut server, ms(0), address(1));
        let session = original_session(&mut server, address(1));
        for (at, (formed, exchange, length, block, kind, bytes)) in datagrams.into_iter().enumerate() {
            let now = ms(10 * at as u64);
            let datagram = match (formed, kind) {
                (true, b'b') => [format!("b?{session}?{block}?3?{}?", bytes.len()).as_bytes(), &bytes].concat(),
                (true, b'c') => format!("c?{session}").into_bytes(),
                (true, _) => {
                    let payload = vec![7; (length as usize).saturating_sub(block as usize * 1368).min(1368)];
                    data(token, exchange, length, block, &payload)
                }
                (false, _) => [&[kind], bytes.as_slice()].concat(),
            };
            answers(&mut server, now, address(1), &datagram);
            if let Some(delivered) = server.poll_request() {
                server.respond(now, delivered.exchange, bytes);
            }
        }
        while let Some(now) = server.deadline() {
            server.handle_timeout(now);
        }
        prop_assert_eq!(server.held(), Held::default());
    }
}
