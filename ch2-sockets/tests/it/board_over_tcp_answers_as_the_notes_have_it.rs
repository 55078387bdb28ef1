//! The board over TCP: a stream up to the half-close is a request, whatever pieces it comes in.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::support::{PATIENCE, Server};

fn server(address: &str) -> Server {
    Server::start(&["board-server", "--transport", "tcp", "-l", address, "-p", "0"])
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&to, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn ask(to: SocketAddr, request: impl AsRef<[u8]>) -> Vec<u8> {
    let mut stream = connect(to);
    stream.write_all(request.as_ref()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    response
}

fn ask_text(to: SocketAddr, request: &str) -> String {
    ask(to, request).escape_ascii().to_string()
}

/// `<time> ` taken off the front; the time is checked.
fn without_time(line: &str) -> &str {
    let (time, rest) = line.split_once(' ').unwrap();
    assert!(time.parse::<f64>().unwrap() > 1.6e9, "{line}");
    rest
}

#[test]
fn the_examples_byte_for_byte_over_ipv4_and_ipv6() {
    for (address, host) in [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")] {
        let server = server(address);
        let to = server.address;
        assert_eq!(ask_text(to, "2:0"), "0");
        assert_eq!((ask_text(to, "4:0"), ask_text(to, "5:0")), ("0".into(), "0".into()));
        for bad in ["", "1", "1:", "9:", "4:x", "5:x", "4:-1", "3:abc"] {
            assert_eq!(ask_text(to, bad), "1", "{bad:?}");
        }
        for unknown in ["9:x", "6:1", "1xhello"] {
            assert_eq!(ask_text(to, unknown), "3", "{unknown:?}");
        }
        assert_eq!(ask_text(to, "1:one"), "0");
        assert_eq!(ask_text(to, "1:a:b"), "0");
        assert_eq!(ask_text(to, "2:0"), "0:0:1");
        assert_eq!(ask_text(to, "3:7"), "2");
        let message = ask_text(to, "3:1");
        assert!(message.ends_with(":a:b") && message.contains(&format!(":{host}:")), "{message}");

        let list = ask_text(to, "4:1");
        let line = without_time(list.strip_prefix("0:").unwrap());
        let without_colons = host.trim_matches(['[', ']']).replace(':', "-"); // which would break the list
        assert!(line.starts_with(&format!("{without_colons} ")) && line.ends_with(" a:b"), "{line}");
        let list = ask_text(to, "5:1");
        let (length, line) = list.strip_prefix("0:").unwrap().split_once(':').unwrap();
        assert_eq!(length.parse::<usize>().unwrap(), line.len());
        assert!(without_time(line).ends_with(" a:b"), "{line}");
        server.stop(Duration::from_secs(3));
    }
}

#[test]
fn a_request_may_come_in_any_pieces_and_be_any_bytes() {
    let server = server("127.0.0.1");
    let text: Vec<u8> =
        (0..3_000_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut stream = connect(server.address);
    stream.set_nodelay(true).unwrap();
    for piece in [b"1".as_slice(), b":", &text[..1], &text[1..]] {
        stream.write_all(piece).unwrap();
    }
    stream.shutdown(Shutdown::Write).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    assert_eq!(response, b"0");
    let got = ask(server.address, "5:0");
    assert!(got.ends_with(&text), "{} bytes came back", got.len());
    server.stop(Duration::from_secs(3));
}

#[test]
fn one_client_that_fails_or_stalls_disturbs_no_other() {
    let server = server("127.0.0.1");
    let silent = connect(server.address);
    let mut half = connect(server.address);
    half.write_all(b"1:half a mess").unwrap();
    let reset = connect(server.address);
    socket2::SockRef::from(&reset).set_linger(Some(Duration::ZERO)).unwrap();
    drop(reset);
    let to = server.address;
    thread::scope(|scope| {
        for number in 0..50 {
            scope.spawn(move || assert_eq!(ask_text(to, &format!("1:{number}")), "0"));
        }
    });
    assert_eq!(ask_text(to, "2:0").split(':').count(), 51);
    server.stop(Duration::from_secs(3)); // with two clients still connected: their halves are not published
    drop((silent, half));
}

#[test]
fn connections_beyond_the_limit_wait_and_are_served() {
    let server = Server::start(&["board-server", "--transport", "tcp", "-p", "0", "--connections", "2"]);
    let idle = (connect(server.address), connect(server.address));
    let mut third = connect(server.address);
    third.write_all(b"1:patience").unwrap();
    third.shutdown(Shutdown::Write).unwrap();
    drop(idle);
    let mut response = Vec::new();
    third.read_to_end(&mut response).unwrap();
    assert_eq!(response, b"0");
    server.stop(Duration::from_secs(3));
}
