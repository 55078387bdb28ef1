//! What a peer sends is shown, and no terminal obeys it: no ESC, no text that runs backwards, no line break that looks like a line.

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::thread;

use crate::support::{Ended, free_port, run_line, start_line};

const HOSTILE: &str = "a\x1b]0;owned\x07b\u{202e}c\u{2066}d\u{200b}e\u{9b}2Jf\nforged";
const SHOWN: &str = "a\u{fffd}]0;owned\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}e\u{fffd}2Jf\\nforged";

#[track_caller]
fn is_harmless(ended: &Ended) {
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.contains(&format!("[{SHOWN}]")), "{:?}", ended.stdout);
    let deceives = |c: char| (c.is_control() && c != '\n') || "\u{202e}\u{2066}\u{200b}".contains(c);
    assert!(!ended.stdout.contains(deceives), "{:?}", ended.stdout);
}

#[test]
fn a_datagram_is_shown() {
    let mut receiver = start_line("datagram receive -p 0");
    let to = receiver.listening();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(HOSTILE.as_bytes(), to).unwrap();
    is_harmless(&receiver.end());
}

#[test]
fn a_datagram_to_a_group_is_shown() {
    let port = free_port();
    let mut receiver =
        start_line(&format!("multicast receive --interface 127.0.0.1 --port {port} --count 1"));
    let group = receiver.listening();
    receiver.line("UNCONNECTED");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(HOSTILE.as_bytes(), group).unwrap();
    is_harmless(&receiver.end());
}

#[test]
fn an_answer_is_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answering = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.read_to_end(&mut Vec::new()).unwrap();
        client.write_all(HOSTILE.as_bytes()).unwrap();
    });
    is_harmless(&run_line(&format!("stream send -p {port} -m hi --repeat 1")));
    answering.join().unwrap();
}
