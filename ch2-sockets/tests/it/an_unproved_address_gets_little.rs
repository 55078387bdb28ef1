//! The stateless board answers a forged sender with much more than was sent: there is a limit, and a session lifts it.

use std::net::UdpSocket;
use std::time::Duration;

use crate::support::{PATIENCE, Server, succeed};

#[test]
fn what_an_address_gets_without_proof_is_limited_and_a_session_lifts_the_limit() {
    let server = Server::start(&["board-server", "-p", "0", "--unproved-rate", "1000"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address).unwrap();
    let mut buffer = vec![0; 1 << 16];
    let mut ask = |request: &str, count: usize| {
        let mut bytes = 0;
        for _ in 0..count {
            socket.send(request.as_bytes()).unwrap();
        }
        // The last answer is one that is always given, as it is no longer than its request.
        socket.send(b"9:end").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        loop {
            let length = socket.recv(&mut buffer).expect("the answer to the last request");
            if &buffer[..length] == b"3" {
                return bytes;
            }
            bytes += length;
        }
    };
    ask(&format!("1:{}", "x".repeat(5000)), 1);
    let got = ask("3:0", 50);
    assert!((10_000..=30_000).contains(&got), "{got} bytes: ten seconds of the rate, and what this took");
    let port = server.address.port().to_string();
    succeed(&["board-client", "-t", "session", "-p", &port], b"");
    assert!(ask("3:0", 20) > 20 * 5000);
    assert!(server.stop(Duration::from_secs(2)).contains("withheld"));
}
