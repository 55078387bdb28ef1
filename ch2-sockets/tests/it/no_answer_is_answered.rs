//! One forged datagram must not make two servers, or one with itself, talk for ever: what is an answer gets none.

use std::net::UdpSocket;
use std::time::Duration;

use crate::support::{PATIENCE, Server};

#[test]
fn what_looks_like_an_answer_or_cannot_be_read_gets_nothing() {
    let server = Server::start(&["board-server", "-p", "0"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let silent: [&[u8]; 20] = [
        b"0",
        b"1",
        b"2",
        b"3",
        b"4",
        b"y",
        b"z",
        b"0:0:1:2",
        b"0:1795198052.42:127.0.0.1:34234:text",
        b"0?17",
        b"1?00000000000000ab",
        b"X\x04\0\0 no refusal of ours",
        b"K\x01\0\0 no acknowledgement either",
        b"X",
        b"zzz",
        b"yes",
        b"hello",
        b"\0\0\0",
        b"\xff\xff\xff\xffgetstatus",
        &[b'D'; 1400],
    ];
    let mut received = vec![0; 1 << 16];
    for datagram in silent {
        socket.send(datagram).unwrap();
        // The answers of the board keep their order, and so do those of the sessions. One of each must come, and no other.
        let mut answers = Vec::new();
        for request in ["9:x", "q?0"] {
            socket.send(request.as_bytes()).unwrap();
            let length = socket.recv(&mut received).unwrap();
            answers.push(received[..length].to_vec());
        }
        assert_eq!(answers, [b"3", b"z"], "{}", datagram.escape_ascii());
    }
    socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(socket.recv(&mut received).is_err(), "nothing is left");
    server.stop(Duration::from_secs(2));
}

/// As if a third one had forged the first datagram: what one server answers is carried to the other, under the other's eyes.
#[test]
fn two_servers_do_not_keep_each_other_busy() {
    let servers = [Server::start(&["board-server", "-p", "0"]), Server::start(&["board-server", "-p", "0"])];
    let sockets = servers.each_ref().map(|server| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        socket
    });
    let mut buffer = vec![0; 1 << 16];
    for first in ["", "9", "z", "1", "2:0", "1:x", "3:0", "9:x", "a?0", "q?0", "c?1", "a?0000000000000001"] {
        let (mut datagram, mut turn) = (first.as_bytes().to_vec(), 0);
        let mut carried = 0;
        while sockets[turn].send(&datagram).is_ok()
            && let Ok(length) = sockets[turn].recv(&mut buffer)
        {
            datagram = buffer[..length].to_vec();
            turn = 1 - turn;
            carried += 1;
            assert!(carried <= 1, "{first}: {} is answered", datagram.escape_ascii());
        }
    }
    servers.into_iter().for_each(|server| drop(server.stop(Duration::from_secs(2))));
}
