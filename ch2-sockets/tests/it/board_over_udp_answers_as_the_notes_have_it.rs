//! The stateless board over real sockets: the examples of the protocol byte for byte, whatever else comes in.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{TryRecvError, channel};
use std::thread;
use std::time::Duration;

use crate::support::{PATIENCE, Server};

/// A client written from the protocol alone.
struct DatagramClient(UdpSocket);

impl DatagramClient {
    fn of(server: SocketAddr) -> DatagramClient {
        let any = if server.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
        let socket = UdpSocket::bind(any).unwrap();
        socket.connect(server).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        DatagramClient(socket)
    }

    fn ask(&self, request: impl AsRef<[u8]>) -> String {
        self.0.send(request.as_ref()).unwrap();
        let mut response = vec![0; 1 << 16];
        let length = self.0.recv(&mut response).expect("every request is answered");
        response[..length].escape_ascii().to_string()
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

fn server(address: &str) -> Server {
    Server::start(&["board-server", "-l", address, "-p", "0"])
}

#[test]
fn the_examples_byte_for_byte_over_ipv4_and_ipv6() {
    for address in ["127.0.0.1", "::1", "0.0.0.0", "::"] {
        let server = server(address);
        let mut to = server.address;
        if to.ip().is_unspecified() {
            to.set_ip([127, 0, 0, 2].into()); // must be answered from there, or the client will not hear it
        }
        let client = DatagramClient::of(to);
        assert_eq!(client.ask("2:0"), "0");
        assert_eq!(client.ask("1:x"), "0");
        assert_eq!(client.ask("1:"), "0");
        assert_eq!(client.ask("1:a:b"), "0");
        assert_eq!(client.ask("2:0"), "0:0:1:2");
        assert_eq!(client.ask("2:1"), "0:2");
        assert_eq!(client.ask("2:99"), "0:0:1:2");
        for bad in ["2:x", "2:2:3", "3:abc", "2:-1", "9", ""] {
            assert_eq!(client.ask(bad), "1", "{bad:?}");
        }
        for unknown in ["9:x", "1xhello", "2x", "4:0", "5:0"] {
            assert_eq!(client.ask(unknown), "3", "{unknown:?}");
        }
        assert_eq!(client.ask("3:99"), "2");
        let message = client.ask("3:2");
        let (time, rest) = message.strip_prefix("0:").unwrap().split_once(':').unwrap();
        let (seconds, hundredths) = time.split_once('.').unwrap();
        assert!(seconds.parse::<u64>().unwrap() > 1_600_000_000 && hundredths.len() == 2, "{message}");
        let host = if client.address().is_ipv6() { "[::1]" } else { &client.address().ip().to_string() };
        assert_eq!(rest, format!("{host}:{}:a:b", client.address().port()));
        server.stop(Duration::from_secs(2));
    }
}

#[test]
fn the_longest_text_is_taken_and_comes_back_cut_to_a_datagram() {
    let server = server("127.0.0.1");
    let client = DatagramClient::of(server.address);
    let text = "x".repeat(65_502);
    assert_eq!(client.ask(format!("1:{text}")), "0");
    assert_eq!(client.ask(format!("1:{text}x")), "1");
    let message = client.ask("3:0");
    assert_eq!(message.len(), 65_504);
    assert!(message.ends_with("xxx"));
    server.stop(Duration::from_secs(2));
}

/// Bytes from a fixed seed: the same garbage every time.
fn garbage(number: u64) -> Vec<u8> {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let length = next() % 90;
    let first = b"123abcDKXz9?:\0\xff"[(next() % 15) as usize];
    let rest = (1..length)
        .map(|_| if next() % 2 == 0 { b"0123456789?:"[(next() % 12) as usize] } else { next() as u8 });
    std::iter::once(first).chain(rest).collect()
}

#[test]
fn garbage_of_every_kind_disturbs_nobody() {
    let server = server("127.0.0.1");
    let (vandal, client) = (DatagramClient::of(server.address), DatagramClient::of(server.address));
    for number in 0..20_000 {
        vandal.0.send(&garbage(number)).unwrap();
        if number % 500 == 0 {
            assert_eq!(client.ask("3:999999999"), "2"); // and so the socket's buffer never overflows
        }
    }
    vandal.0.send(b"").unwrap();
    drop(vandal); // with answers on their way to it: the system will say "port unreachable"
    assert_eq!(client.ask("1:I am well"), "0");
    server.stop(Duration::from_secs(2));
}

#[test]
fn fifty_clients_at_once_lose_nothing() {
    let server = server("127.0.0.1");
    let to = server.address;
    thread::scope(|scope| {
        for number in 0..50 {
            scope.spawn(move || {
                let client = DatagramClient::of(to);
                for text in 0..20 {
                    assert_eq!(client.ask(format!("1:{number}.{text}")), "0");
                }
            });
        }
    });
    let client = DatagramClient::of(to);
    let ids = client.ask("2:0");
    assert_eq!(ids.split(':').count(), 1 + 1000);
    let mut texts: Vec<String> =
        (0..1000).map(|id| client.ask(format!("3:{id}")).rsplit(':').next().unwrap().to_owned()).collect();
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 1000);
    server.stop(Duration::from_secs(2));
}

#[test]
fn the_stop_comes_at_once_also_under_load() {
    let server = server("127.0.0.1");
    let to = server.address;
    assert_eq!(DatagramClient::of(to).ask("3:0"), "2");
    let (over, is_over) = channel::<()>();
    let (flooding, is_flooding) = channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            for number in 0u64.. {
                let _ = client.send_to(b"2:0", to);
                if number == 5000 {
                    flooding.send(()).unwrap();
                }
                if is_over.try_recv() == Err(TryRecvError::Disconnected) {
                    break;
                }
            }
        });
        is_flooding.recv_timeout(PATIENCE).unwrap();
        server.stop(Duration::from_secs(2));
        drop(over);
    });
}

#[test]
fn a_full_board_refuses() {
    let server = Server::start(&["board-server", "-p", "0", "--board-messages", "1", "--board-bytes", "5"]);
    let client = DatagramClient::of(server.address);
    assert_eq!(client.ask("1:longer"), "1");
    assert_eq!(client.ask("1:short"), "0");
    assert_eq!(client.ask("1:"), "1");
    assert_eq!(client.ask("2:0"), "0:0");
    server.stop(Duration::from_secs(2));
}
