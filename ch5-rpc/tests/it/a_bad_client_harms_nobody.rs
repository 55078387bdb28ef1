//! Bytes that are no calls, calls that never come whole, answers that nobody reads: each costs its own connection, and no other.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ch5_rpc::rpc::codec::Format;
use ch5_rpc::rpc::server::Limits;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use crate::probe::{LONG, ProbeRequest, Probing, Raw, call, ours, ours_in, until};
use crate::support::Server;

const SEED: u64 = 5;

/// Another client is served as if nothing were.
async fn is_well(server: &Probing) {
    let mut raw = Raw::connect(server.address).await;
    raw.send(&call(1, LONG, ProbeRequest::Nothing {})).await;
    assert!(raw.answer().await.unwrap().message.is_ok());
    assert!(!server.task.is_finished());
}

#[tokio::test]
async fn malformed_frames_end_their_connection_at_most() {
    let limits =
        Limits { frame: 4096, connections_per_address: 10_000, connections: 10_000, ..Limits::default() };
    let mut random = StdRng::seed_from_u64(SEED);
    for format in [Format::Bincode, Format::Json] {
        let server = ours_in(format, limits).await;
        let good = call(1, LONG, ProbeRequest::Sleep { milliseconds: 1 });
        let mut streams: Vec<Vec<u8>> = (0..=good.len()).map(|length| good[..length].to_vec()).collect();
        for _ in 0..200 {
            let mut changed = [&good[..], &good[..]].concat();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..changed.len());
                changed[at] = random.random();
            }
            streams.push(changed);
            let garbage: Vec<u8> = (0..random.random_range(0..100)).map(|_| random.random()).collect();
            streams.push(garbage);
        }
        for stream in streams {
            let mut raw = Raw::connect(server.address).await;
            let _ = raw.0.write_all(&stream).await;
            let _ = raw.0.shutdown().await;
            let mut rest = Vec::new();
            // An end, or a reset: but it ends.
            let _ = timeout(LONG, raw.0.read_to_end(&mut rest)).await.expect("the connection ends");
        }
        until("all have gone", || server.statistics.connections.load(Ordering::Relaxed) == 0).await;
        assert!(!server.task.is_finished());
        assert_eq!(server.prober.running(), 0);
        if format == Format::Bincode {
            is_well(&server).await;
        }
    }
}

#[tokio::test]
async fn who_says_nothing_or_half_of_it_is_disconnected_in_time() {
    let short = Duration::from_millis(200);
    let limits = Limits { first_request: short, grace: short, idle: short, ..Limits::default() };
    let server = ours(limits).await;
    let good = call(1, LONG, ProbeRequest::Nothing {});
    for (bytes, what) in [
        (&[][..], "nothing"),
        (&good[..2], "half a header"),
        (&good[..20], "half a request"),
        (&good[..], "one request"),
    ] {
        let mut raw = Raw::connect(server.address).await;
        raw.send(bytes).await;
        if bytes.len() == good.len() {
            assert!(raw.answer().await.is_some());
        }
        assert!(raw.answer().await.is_none(), "{what}");
    }
    // One who waits for an answer is not idle.
    let mut raw = Raw::connect(server.address).await;
    raw.send(&call(1, LONG, ProbeRequest::Sleep { milliseconds: 900 })).await;
    assert!(raw.answer().await.unwrap().message.is_ok());
}

#[tokio::test]
async fn another_protocol_is_seen_by_its_first_bytes() {
    let server = ours(Limits::default()).await;
    let mut raw = Raw::connect(server.address).await;
    raw.send(b"PY").await;
    sleep(Duration::from_millis(20)).await;
    raw.send(b"RO\0\x30").await;
    assert!(raw.answer().await.is_none());
    is_well(&server).await;
}

/// Refusals are answers, too: a client that asks and never reads must not gather them without end.
#[tokio::test]
async fn one_who_never_reads_is_not_read_any_more() {
    let limits = Limits { frame: 1 << 20, calls: 4, stall: Duration::from_secs(2), ..Limits::default() };
    let server = ours(limits).await;
    let mut raw = Raw::connect(server.address).await;
    let flood = async {
        for number in 0u64.. {
            let request = call(number, 100 * LONG, ProbeRequest::Bytes { count: 1 << 19 });
            if raw.0.write_all(&request).await.is_err() {
                return number;
            }
        }
        unreachable!()
    };
    let sent = timeout(LONG, flood).await.expect("it is disconnected when it takes nothing");
    assert!(server.prober.begun() < 60, "{} of {sent} calls were executed for nobody", server.prober.begun());
    until("it has gone", || server.statistics.connections.load(Ordering::Relaxed) == 0).await;
    is_well(&server).await;
}

/// EMFILE: the accept loop neither spins nor ends, and serves who waited.
#[test]
fn a_server_without_descriptors_waits_for_them() {
    let server = Server::with_descriptors(24, &["board-server", "--log", "debug"]);
    let mut waiting: Vec<std::net::TcpStream> =
        (0..40).map(|_| std::net::TcpStream::connect(server.address).unwrap()).collect();
    let attempts = |log: &str| log.matches("no descriptor or memory for a connection").count();
    server.process.stderr.wait(LONG, |log| (attempts(log) > 0).then_some(())).expect("there is none left");
    std::thread::sleep(Duration::from_secs(1)); // in which it tries about twenty times, and with a spin some thousands
    let tried = attempts(&String::from_utf8(server.process.stderr.bytes()).unwrap());
    assert!(tried < 100, "{tried}");
    waiting.truncate(0);
    let port = server.address.port().to_string();
    let said = crate::support::run(&mut crate::support::ch5(&[
        "board-client",
        "-p",
        &port,
        "-m",
        "there",
        "--deadline",
        "30s",
    ]));
    assert!(said.status.success(), "{said:?}");
    let ended = server.stop();
    assert_eq!(ended.status.and_then(|status| status.code()), Some(0));
}

/// "GET " is a frame of a gigabyte: a browser is told what is here, and gets an end.
#[test]
fn a_browser_is_hung_up_on() {
    use std::io::{Read, Write};
    let server = Server::start(&["board-server"]);
    let mut browser = std::net::TcpStream::connect(server.address).unwrap();
    browser.set_read_timeout(Some(LONG)).unwrap();
    let padding = "x".repeat(100);
    write!(browser, "GET {} HTTP/1.1\r\nHost: x\r\nX: {padding}\r\n\r\n", server.url("")).unwrap();
    let mut page = Vec::new();
    // An end, or a reset.
    let _ = browser.read_to_end(&mut page);
    assert!(page.starts_with(b"HTTP/1.1 400 a message board") && page.ends_with(b"\r\n\r\n"), "{page:?}");
    assert_eq!(server.stop().status.and_then(|status| status.code()), Some(0));
}
