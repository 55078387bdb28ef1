//! A server that sends a byte of a good answer now and then, and never all of it: no client waits longer than it was told to.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use ch5_rpc::container::message::{Fault, Invocation, Message, Order};
use ch5_rpc::container::remote;

use crate::support::{ch5, run, text};

/// Between two bytes: much less than any timeout.
const DROP: Duration = Duration::from_millis(30);

/// What a client is told, and how long it may take on a loaded machine.
const TIME: &str = "600ms";
const LONG: Duration = Duration::from_secs(20);

/// A server that says this to each client, a byte at a time, and then zeros without end. It ends with the test.
fn dripping(first: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let place = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            thread::spawn(move || {
                let mut client = client.unwrap();
                for byte in first.iter().chain(std::iter::repeat(&b'0')) {
                    if client.write_all(&[*byte]).is_err() {
                        break;
                    }
                    thread::sleep(DROP);
                }
            });
        }
    });
    place
}

/// This client ends by itself, and says this.
fn ends(args: &[&str], status: i32, words: &str) {
    let began = Instant::now();
    let output = run(&mut ch5(args));
    let said = text(&output.stderr);
    assert!(began.elapsed() < LONG, "{args:?} has taken {:?}: {said}", began.elapsed());
    assert!(output.status.code() == Some(status) && said.contains(words), "{args:?}: {said}");
}

#[test]
fn of_xml_rpc_and_json_rpc() {
    let head = dripping(b"HTTP/1.1 200 OK\r\nX: ");
    let content = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n<?xml");
    let chunks = dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n");
    for place in [head, content, chunks] {
        for path in ["RPC2", "rpc"] {
            let url = format!("http://{place}/{path}");
            ends(&["call", &url, "last", "0", "--timeout", TIME], 1, "not ended within 600ms");
        }
        ends(&["describe", &format!("http://{place}/RPC2"), "--timeout", TIME], 1, "not ended within 600ms");
    }
}

#[test]
fn of_remote_objects_in_each_wire() {
    // A greeting of each version of Pyro, of which some hundred thousand bytes are to come; and a frame of ours.
    let five = dripping(b"PYRO\x01\xf6\x02\x01\0\0\0\0\0\x01\0\0");
    let four = dripping(b"PYRO\0\x30\0\x02\0\0\0\0\0\x01\0\0");
    let framed = dripping(b"\0\0\x04\0\x01\0\0\0\x0f\xff\xff");
    for (place, wire) in [(five, "5"), (four, "4"), (framed, "framed")] {
        let uri = format!("PYRO:6f@{place}");
        let args = ["chat-client", "-u", &uri, "-n", "a", "-m", "b", "--no-reconnect", "--wire", wire];
        ends(&[&args[..], &["--timeout", TIME]].concat(), 1, "error: ");
    }
    ends(&["names", "list", "-p", &five.port().to_string(), "--timeout", TIME], 1, "not ended within 600ms");
}

#[test]
fn of_the_board() {
    let tarpc = dripping(b"\0\x0f\xff\xff\0\0\0").port().to_string();
    for transport in ["tcp", "json"] {
        let args = ["board-client", "-p", &tarpc, "-t", transport, "-m", "a", "--deadline", TIME];
        ends(&args, 4, "until the deadline");
    }
}

#[test]
fn of_another_node_of_a_container() {
    let place = dripping(b"\0\x0f\xff\xff\0\0\0");
    let call = Invocation {
        from: "a".into(),
        to: "b".into(),
        what: "Board".into(),
        method: Some("last".into()),
        arguments: Vec::new(),
        left: None,
    };
    let began = Instant::now();
    let message = Message { key: String::new(), order: Order::Invoke(call) };
    let ended = remote::ask(place, &message, Some(Duration::from_millis(600)));
    assert!(matches!(ended, Err(Fault::Late(_))), "{ended:?}");
    assert!(began.elapsed() < LONG);
}
