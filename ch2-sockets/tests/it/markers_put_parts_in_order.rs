//! `parts`: one sender is fine, several are a mixture, and sequence markers keep them apart and in order.

use std::net::UdpSocket;

use ch2_sockets::parts::sequence::cut;

use crate::support::{run_line, start_line};

#[test]
fn one_sender_s_parts_are_the_message() {
    let mut receiver = start_line("parts receive -p 0");
    let port = receiver.listening().port();
    let sent = run_line(&format!("parts send -p {port}"));
    assert!(sent.stdout.contains("in 83 parts"), "{sent:?}");
    let received = receiver.end();
    assert_eq!(received.status, Some(0), "{received:?}");
    assert!(received.stdout.contains("Total length 84001 bytes"), "{received:?}");
    assert_eq!(received.stdout.matches("Received block of 1024").count(), 82);
}

#[test]
fn several_senders_are_a_mixture_without_markers_and_three_messages_with_them() {
    let mut receiver = start_line("parts receive -p 0");
    let port = receiver.listening().port();
    assert_eq!(run_line(&format!("parts send -p {port} --senders 3 --repeat 2000")).status, Some(0));
    let received = receiver.end();
    assert!(received.stdout.contains("a mixture of messages"), "{received:?}");

    let mut receiver = start_line("parts receive -p 0 --sequence --messages 3");
    let port = receiver.listening().port();
    assert_eq!(
        run_line(&format!("parts send -p {port} --senders 3 --repeat 2000 --sequence")).status,
        Some(0)
    );
    let received = receiver.end();
    assert_eq!(received.status, Some(0), "{received:?}");
    for letter in ["A", "B", "C"] {
        assert!(received.stdout.contains(&format!("24001 bytes: [{letter}x24000 \\nx1]")), "{received:?}");
    }
}

#[test]
fn overtaken_and_doubled_parts_are_put_right() {
    let mut receiver = start_line("parts receive -p 0 --sequence");
    let server = receiver.listening();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let datagrams = cut(1, b"Hello world!\n", 16); // 2 bytes each, 7 parts
    sender.send_to(b"no marker at all", server).unwrap();
    for index in [6, 4, 4, 2, 0, 5, 3, 1] {
        sender.send_to(&datagrams[index], server).unwrap();
    }
    let received = receiver.end();
    assert_eq!(received.status, Some(0), "{received:?}");
    assert!(received.stdout.contains("Ignored 16 bytes"), "{received:?}");
    assert!(received.stdout.contains("came late: 6, duplicates: 1"), "{received:?}");
    assert!(received.stdout.contains("[Hello world!\\n]"), "{received:?}");
}

#[test]
fn gaps_are_named() {
    let mut receiver = start_line("parts receive -p 0 --sequence --timeout 100ms");
    let server = receiver.listening();
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let datagrams = cut(1, b"Hello world!\n", 16);
    for index in [0, 2, 5] {
        sender.send_to(&datagrams[index], server).unwrap();
    }
    let received = receiver.end();
    assert_eq!(received.status, Some(1));
    assert!(received.stdout.contains("3 of 7 parts; missing: 2, 4-5, 7"), "{received:?}");
    assert!(received.stderr.contains("0 of 1 message came"), "{received:?}");
}
