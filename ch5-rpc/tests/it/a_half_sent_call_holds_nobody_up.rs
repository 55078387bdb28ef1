//! Clients that say half a request, or go away. Reports: Radicale 576 (a half-sent request blocks all others), ros_comm 371 (connections
//! in CLOSE_WAIT pile up); and `test_partial_post` of Python.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::calls::{Connection, MODELS, method_call, post};
use crate::support::Server;

#[test]
fn half_a_request_is_refused_in_its_time_and_others_do_not_wait() {
    for model in MODELS {
        let limits = ["--first-request", "5m", "--idle", "5m", "--grace", "4s", "--min-rate", "1MB/s"];
        let server = Server::start(&[&["xmlrpc-server", "--model", model][..], &limits].concat());
        let head = "POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
        let mut halves = ["POST /RPC2 HT", head, &format!("{head}<methodCall>")].map(|half| {
            let mut client = Connection::open(server.address);
            client.send(half.as_bytes());
            client
        });
        let begin = Instant::now();
        assert!(Connection::open(server.address).call("publish", &["a"]).contains("<int>0</int>"));
        assert!(begin.elapsed() < Duration::from_secs(4), "{model}: it has waited for the halves");
        for half in &mut halves {
            assert_eq!(half.receive().status, 408, "{model}");
            assert!(half.has_ended());
        }
        assert!(server.stop().success());
    }
}

#[test]
fn what_follows_an_early_end_of_the_content_is_no_second_request() {
    let server = Server::start(&["xmlrpc-server"]);
    // As in Python's own suite: the content is shorter than announced, and what follows looks like a request.
    let mut client = Connection::open(server.address);
    client.send(b"POST /RPC2 HTTP/1.0\r\nContent-Length: 100\r\n\r\nbye HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    let mut other = Connection::open(server.address);
    other.call("last", &[]);
    client.send(&[b' '; 100]);
    let response = client.receive();
    assert_eq!(response.status, 200);
    assert!(String::from_utf8(response.content).unwrap().contains("faultCode"));
    assert!(client.has_ended());
}

#[test]
fn clients_that_come_and_go_leave_no_socket_behind() {
    for model in MODELS {
        let server = Server::start(&["xmlrpc-server", "--model", model]);
        let request = post("/RPC2", method_call("last", &[]).as_bytes());
        for number in 0..60 {
            let mut client = Connection::open(server.address);
            match number % 3 {
                0 => drop(client.call("last", &[])),
                1 => client.send(&request[..request.len() / 2]),
                _ => client.send(&request),
            }
        }
        let begin = Instant::now();
        while sockets_in_close_wait(server.address) > 0 {
            assert!(begin.elapsed() < Duration::from_secs(20), "{model}: sockets in CLOSE_WAIT stay");
            sleep(Duration::from_millis(50));
        }
        Connection::open(server.address).call("last", &[]);
        assert!(server.stop().success());
    }
}

#[test]
fn a_client_that_finds_no_descriptor_waits_for_one() {
    for model in MODELS {
        let server = Server::with_descriptors(24, &["xmlrpc-server", "--model", model]);
        let clients: Vec<Connection> = (0..40)
            .map(|_| {
                let mut client = Connection::open(server.address);
                client.send(&post("/RPC2", method_call("publish", &["a"]).as_bytes()));
                client
            })
            .collect();
        for mut client in clients {
            assert_eq!(client.receive().status, 200, "{model}"); // and goes
        }
        assert!(Connection::open(server.address).call("last", &[]).contains("<int>39</int>"));
        assert!(server.stop().success(), "{model}");
    }
}

#[test]
fn the_log_says_in_our_words_what_was_refused() {
    let server = Server::with_log(&["xmlrpc-server"]);
    let mut client = Connection::open(server.address);
    client.send(b"POST /\x1b[31m HTTP/1.1\r\nHost: a\r\nOrigin: secret\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.receive().status, 400);
    let mut client = Connection::open(server.address);
    client.send(b"POST /RPC2 HTTP/1.1\r\nHost: a\r\nOrigin: secret\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.receive().status, 403);
    let log = server.process.stderr.wait(Duration::from_secs(20), |log| {
        log.contains("bad request: a page in a browser").then(|| log.to_owned())
    });
    let log = log.unwrap();
    assert!(
        log.contains("bad request: not a request") && !log.contains("secret") && !log.contains('\x1b'),
        "{log}"
    );
}

/// How many sockets of this server wait for its close, in the kernel's table.
fn sockets_in_close_wait(server: SocketAddr) -> usize {
    let local = format!(":{:04X}", server.port());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let is_one = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields[1].ends_with(&local) && fields[3] == "08"
    };
    table.lines().skip(1).filter(is_one).count()
}
