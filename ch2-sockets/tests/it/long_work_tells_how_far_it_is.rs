//! Where stderr is no terminal, what takes a while writes a line now and then; what is over soon writes none.

use std::net::UdpSocket;

use crate::support::{PATIENCE, Server, run, run_line};

#[test]
fn an_upload_over_a_slow_link_says_how_far_it_is() {
    let server = Server::start(&["board-server", "-p", "0"]);
    let to = server.address.to_string();
    let link = ["link", "--udp", "--rate", "100kB", "--listen", "127.0.0.1:0", "--to", &to];
    let link = Server::start(&link);
    let port = link.address.port().to_string();
    let client = ["board-client", "-t", "session", "-m", "-", "--publish-only", "-p", &port];
    let sent = run(&client, &[b'x'; 700_000]);
    assert_eq!(sent.status, Some(0), "{sent:?}");
    assert!(sent.stderr.contains("sending: ") && sent.stderr.contains(" of 700.00 kB, "), "{sent:?}");
    let sent = run(&client, b"soon over");
    assert!(!sent.stderr.contains("so far"), "{sent:?}");
    for server in [link, server] {
        server.stop(PATIENCE);
    }
}

#[test]
fn many_parts_say_how_far_they_are() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = receiver.local_addr().unwrap().port();
    let sent = run_line(&format!("parts send -p {port} --size 1400 --pace 100ms"));
    assert_eq!(sent.status, Some(0), "{sent:?}");
    assert!(sent.stderr.contains("sending: ") && sent.stderr.contains(" of 84.00 kB, "), "{sent:?}");
}
