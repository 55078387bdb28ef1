//! What clients ask for and do not take costs the server next to nothing, and a small request cannot ask for a huge one.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::calls::{Connection, MODELS, method_call, post};
use crate::support::Server;

/// The most memory that the server has had, MiB.
pub fn peak(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn of_a_long_message_and_a_long_list() {
    for model in ["epoll", "thread-per-connection"] {
        let server = Server::start(&["xmlrpc-server", "--model", model]);
        let mut client = Connection::open(server.address);
        let text = "x".repeat(15 << 20);
        assert!(client.call("publish", &[&text]).contains("<int>0</int>"));
        let bytes = format!("<base64>{}</base64>", "AAEC".repeat(3 << 20));
        assert!(client.call("publish", &[&bytes]).contains("<int>1</int>"));
        let publish = "<value><struct><member><name>methodName</name><value>publish</value></member><member><name>params\
                       </name><value><array><data><value/></data></array></value></member></struct></value>";
        for _ in 0..30 {
            let calls = format!("<array><data>{}</data></array>", publish.repeat(1000));
            assert!(!client.call("system.multicall", &[&calls]).contains("fault"));
        }
        let before = peak(&server);
        // 60 clients that read nothing: 20 × (15 + 12 MiB + 30 000 ids).
        let silent: Vec<Connection> = (0..60)
            .map(|number| {
                let mut client = Connection::open(server.address);
                let call = match number % 3 {
                    0 => method_call("get", &["<int>0</int>"]),
                    1 => method_call("get", &["<int>1</int>"]),
                    _ => method_call("last", &[]),
                };
                client.send(&post("/RPC2", call.as_bytes()));
                client
            })
            .collect();
        assert!(client.call("get", &["<int>0</int>"]).contains(&text), "the others do not slow it");
        let last = client.call("last", &["<int>0</int>"]);
        assert!(last.ends_with(
            "<value><int>30001</int></value></data></array></value></param></params></methodResponse>\n"
        ));
        let grown = peak(&server) - before;
        assert!(grown < 64, "{model}: {grown} MiB more for clients that read nothing");
        drop(silent);
        assert!(server.stop().success());
    }
}

#[test]
fn of_several_calls_for_a_long_message() {
    let server = Server::start(&["xmlrpc-server", "--content", "1MiB"]);
    let mut client = Connection::open(server.address);
    client.call("publish", &[&"x".repeat(600_000)]);
    let get = "<value><struct><member><name>methodName</name><value>get</value></member><member><name>params</name><value>\
               <array><data><value><int>0</int></value></data></array></value></member></struct></value>";
    let answer =
        client.call("system.multicall", &[&format!("<array><data>{}</data></array>", get.repeat(1000))]);
    assert!(answer.len() < 1_200_000, "{} bytes", answer.len());
    assert_eq!(answer.matches("faultCode").count(), 999);
}

#[test]
fn of_what_is_packed() {
    let server = Server::start(&["xmlrpc-server", "--content", "1MiB", "--model", "thread-per-connection"]);
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..64 {
        packer.write_all(&[b' '; 1 << 20]).unwrap();
    }
    let packed = packer.finish().unwrap();
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        packed.len()
    );
    let before = peak(&server);
    let mut clients: Vec<Connection> = (0..40).map(|_| Connection::open(server.address)).collect();
    for client in &mut clients {
        client.send(&[head.as_bytes(), &packed].concat());
    }
    for client in &mut clients {
        assert_eq!(client.receive().status, 413);
        assert!(client.has_ended());
    }
    let grown = peak(&server) - before;
    assert!(grown < 32, "{grown} MiB more for 40 requests that unpack to 64 MiB each");
}

#[test]
fn of_calls_whose_answers_nobody_reads() {
    for model in MODELS {
        let server = Server::start(&["xmlrpc-server", "--model", model]);
        let mut client = Connection::open(server.address);
        client.call("publish", &[&"x".repeat(100_000)]);
        let before = peak(&server);
        let request = post("/RPC2", method_call("get", &["<int>0</int>"]).as_bytes()).repeat(1000);
        let silent: Vec<Connection> = (0..10)
            .map(|_| {
                let mut silent = Connection::open(server.address);
                silent.send_what_is_taken(&request);
                silent
            })
            .collect();
        client.call("last", &[]);
        let grown = peak(&server) - before;
        assert!(grown < 32, "{model}: {grown} MiB more for 10 clients that read nothing");
        assert!(server.stop().success(), "{model}");
        drop(silent);
    }
}
