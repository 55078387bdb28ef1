//! Clients that know nothing of our code, only the protocols' description: `foreign/board_client.py`, and for the session
//! extension `foreign/session_client.py`, which the chapter's README has as the smallest there can be.

use std::process::Command;
use std::time::Duration;

use crate::support::Server;

/// Lets it talk to a server over `transport`; where there is no Python that is said, and nothing is checked.
fn talk(what: &str, transport: &str, address: &str) {
    let server = Server::start(&["board-server", "-t", transport, "-l", address, "-p", "0"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/foreign/board_client.py");
    let (host, port) = (server.address.ip().to_string(), server.address.port().to_string());
    match Command::new("python3").args([script, what, &host, &port]).output() {
        Err(error) => eprintln!("SKIPPED, nothing is checked: python3 cannot be started: {error}"),
        Ok(ended) => {
            let said = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
            assert!(ended.status.success() && said.0 == "ok\n", "{said:?}");
        }
    }
    server.stop(Duration::from_secs(3));
}

#[test]
fn over_udp() {
    talk("udp", "udp", "127.0.0.1");
    talk("udp", "udp", "::1");
}

#[test]
fn over_tcp() {
    talk("tcp", "tcp", "127.0.0.1");
    talk("tcp", "tcp", "::1");
}

#[test]
fn over_the_original_block_protocol() {
    talk("blocks", "udp", "127.0.0.1");
    talk("blocks", "udp", "::1");
}

/// Its request is published and read again by the client of the extension, at `port`; where there is no Python that is said.
fn over_the_extension(port: u16, text: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/foreign/session_client.py");
    let requests = [format!("1:{text}"), "3:0".into()];
    let mut responses = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        let file = format!("{}/session_client_request_{port}_{number}", env!("CARGO_TARGET_TMPDIR"));
        std::fs::write(&file, request).unwrap();
        match Command::new("python3").args([script, &port.to_string(), &file]).output() {
            Err(error) => {
                return eprintln!("SKIPPED, nothing is checked: python3 cannot be started: {error}");
            }
            Ok(ended) => {
                assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
                responses.push(String::from_utf8(ended.stdout).unwrap());
            }
        }
        std::fs::remove_file(&file).unwrap();
    }
    assert_eq!(responses[0], "0");
    assert!(responses[1].starts_with("0:") && responses[1].ends_with(&format!(":{text}")));
}

#[test]
fn over_the_session_extension() {
    let server = Server::start(&["board-server", "-p", "0"]);
    over_the_extension(server.address.port(), &"many blocks of it ".repeat(5000));
    server.stop(Duration::from_secs(3));
}

/// A damaged datagram counts as lost, on both sides, and is never refused: the client would end.
#[test]
fn over_the_session_extension_when_every_fifth_datagram_is_damaged() {
    for seed in ["1", "2", "3"] {
        let server = Server::start(&["board-server", "-p", "0"]);
        let to = server.address.to_string();
        let link = Server::start(&[
            "link",
            "--udp",
            "-l",
            "127.0.0.1:0",
            "--to",
            &to,
            "--corrupt",
            "20%",
            "--seed",
            seed,
        ]);
        over_the_extension(link.address.port(), &"a few blocks of it ".repeat(500));
        link.stop(Duration::from_secs(3));
        server.stop(Duration::from_secs(3));
    }
}
