//! `datagram`: bound by us or by the system, whole or cut to the buffer, or not at all.

use std::net::UdpSocket;

use crate::support::{run_line, start_line};

#[test]
fn the_receiver_learns_the_address_the_system_gave_the_sender() {
    for host in ["127.0.0.1", "::1"] {
        let mut receiver = start_line(&format!("datagram receive -l {host} -p 0 --buffer 5"));
        let port = receiver.listening().port();
        let sent = run_line(&format!("datagram send -H {host} -p {port} -m Hello-world!"));
        assert_eq!(sent.status, Some(0), "{sent:?}");
        let bound = sent.stdout.lines().find(|line| line.contains("automatically bound")).unwrap();
        let from = bound.rsplit(':').next().unwrap();
        let received = receiver.end();
        assert_eq!(received.status, Some(0));
        assert!(received.stdout.contains("5 bytes: [Hello]"), "{received:?}");
        assert!(
            received.stdout.contains("had 12 bytes, the buffer 5: the rest, 7 bytes, is lost"),
            "{received:?}"
        );
        let line = received.stdout.lines().find(|line| line.starts_with("Received message from")).unwrap();
        assert!(line.ends_with(&format!(":{from}")), "{line} {bound}");
    }
}

#[test]
fn a_bound_sender_is_seen_under_its_own_address() {
    let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = receiver.local_addr().unwrap().port();
    let sent = run_line(&format!("datagram send -p {port} --bind 127.0.0.1:0 -m {}", "x".repeat(2000)));
    let mut buffer = [0; 4096];
    let (length, from) = receiver.recv_from(&mut buffer).unwrap();
    assert_eq!((length, &buffer[..2]), (2000, &b"xx"[..]));
    assert!(sent.stdout.contains(&format!("Socket is bound to {from}")), "{sent:?}");
}

#[test]
fn what_never_comes_and_what_is_too_long_is_said() {
    let ended = run_line("datagram receive -p 0 --timeout 20ms");
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("within 20ms"), "{ended:?}");
    let ended = run_line(&format!("datagram send -m {}", "x".repeat(66_000)));
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("EMSGSIZE"), "{ended:?}");
}

#[test]
fn ctrl_c_ends_a_receiver_that_waits() {
    let mut receiver = start_line("datagram receive -p 0");
    receiver.listening();
    assert_eq!(receiver.interrupt().status, Some(130));
}

/// On loopback, whose broadcast address is 127.255.255.255.
#[test]
fn a_broadcast_needs_an_option_and_reaches_all_addresses() {
    for bound_to in ["0.0.0.0", "127.255.255.255"] {
        let mut receiver = start_line(&format!("datagram receive -l {bound_to} -p 0"));
        let port = receiver.listening().port();
        let refused = run_line(&format!("datagram send -H 127.255.255.255 -p {port}"));
        assert_eq!(refused.status, Some(1));
        assert!(refused.stderr.contains("EACCES") && refused.stderr.contains("--broadcast"), "{refused:?}");
        let sent = run_line(&format!("datagram send -H 127.255.255.255 -p {port} --broadcast -m 1"));
        assert_eq!(sent.status, Some(0), "{sent:?}");
        let received = receiver.end();
        assert!(received.stdout.contains("Payload length 1 byte: [1]"), "{received:?}");
    }
}
