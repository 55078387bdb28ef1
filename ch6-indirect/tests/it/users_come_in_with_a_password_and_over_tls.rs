//! Who may come from other machines, and what they may do.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use ch6_indirect::amqp::FieldTable;
use ch6_indirect::amqp::frame::PROTOCOL_HEADER;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::client::{Client, Introduction, channel_closed, connection_closed, declare};
use crate::support::{Broker, ch6, run, text};

/// A file with ann, who may do everything in `/`, and bob, who may only publish to `orders` there.
fn users(directory: &std::path::Path) -> String {
    let file = directory.join("users.json").display().to_string();
    for arguments in [
        &["user", "add", "ann", "--users", &file][..],
        &["user", "add", "bob", "--users", &file, "--configure", "", "--write", "orders", "--read", ""],
    ] {
        let mut command = ch6(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"a secret\n").unwrap();
        assert!(child.wait().unwrap().success());
    }
    file
}

#[test]
fn permissions_are_those_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let broker = Broker::start(&["--users", &users(directory.path())]);
    let as_user = |user| Introduction { user, password: "a secret", ..Introduction::default() };
    let mut ann = Client::introduce(broker.address, &as_user("ann"));
    ann.open_channel(1);
    ann.declare("q", [false; 3], FieldTable::default());
    let mut bob = Client::introduce(broker.address, &as_user("bob"));
    bob.open_channel(1);
    let answer = bob.ask(1, declare("mine", [false; 3], FieldTable::default()));
    assert_eq!(channel_closed(&answer).0, 403);
    let mut guest = Client::silent(broker.address);
    assert_eq!(connection_closed(&guest.begin(&Introduction::default())).0, 403);
}

#[test]
fn a_broker_for_other_machines_needs_users_and_tls() {
    let directory = tempfile::tempdir().unwrap();
    let file = users(directory.path());
    for more in [&[][..], &["--users", &file]] {
        let output = run(ch6(&["broker", "-p", "0", "-l", "0.0.0.0"]).args(more));
        assert_eq!(output.status.code(), Some(1));
        let why = text(&output.stderr);
        assert!(why.contains("needs users (--users) and TLS"), "{why}");
    }
}

/// RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
}

#[test]
fn the_broker_speaks_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    std::fs::write(&certificate, pem("CERTIFICATE", issued.cert.der())).unwrap();
    std::fs::write(&key, pem("PRIVATE KEY", &issued.signing_key.serialize_der())).unwrap();
    let file = users(directory.path());
    let [certificate, key] = [certificate, key].map(|path| path.display().to_string());
    let secret = ["--tls-cert", &certificate, "--tls-key", &key, "--users", &file];
    let broker = Broker::start(&[&["-l", "0.0.0.0"][..], &secret].concat());

    let mut roots = RootCertStore::empty();
    roots.add(issued.cert.der().clone()).unwrap();
    let trusting = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let client = ClientConnection::new(Arc::new(trusting), name).unwrap();
    let stream = TcpStream::connect(("127.0.0.1", broker.address.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(client, stream);
    stream.write_all(&PROTOCOL_HEADER).unwrap();
    let mut start = [0; 11];
    stream.read_exact(&mut start).unwrap();
    assert_eq!((start[0], &start[7..]), (1, &[0, 10, 0, 10][..]), "connection.start");
}
