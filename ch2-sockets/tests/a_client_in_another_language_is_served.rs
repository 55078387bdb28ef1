//! A client that knows nothing of our code, only the protocol's description: `foreign/board_client.py`.

mod support;

use std::process::Command;
use std::time::Duration;

use support::Server;

/// Lets it talk to a server over `transport`; where there is no Python that is said, and nothing is checked.
fn talk(what: &str, transport: &str, address: &str) {
    let server = Server::start(&["board-server", "-t", transport, "-l", address, "-p", "0"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/board_client.py");
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
