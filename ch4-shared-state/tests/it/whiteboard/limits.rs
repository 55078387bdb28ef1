//! Garbage, giants, strangers, the slow and the dead: each is hung up on with a reason, and the others notice nothing.

use std::io::{Read, Write};
use std::net::TcpStream;

use ch4_shared_state::whiteboard::protocol::MESSAGE_LIMIT;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use socket2::{Domain, Socket, Type};
use tungstenite::Message;

use crate::support::Server;
use crate::whiteboard::models::shared_memory_models;
use crate::whiteboard::serve;
use crate::whiteboard::user::{PATIENCE, User};

/// Ann still draws, and hears of it.
fn still_works(ann: &mut User, server: &Server) {
    ann.paint(0, [(1, 1)]);
    assert_eq!(ann.painted().0.len(), 1);
    User::join(server.address, "server", "Zoe", 77);
}

#[test]
fn what_is_no_message_ends_its_connection_with_a_code_and_a_reason() {
    let server = serve(&[]);
    let (mut ann, _) = User::join(server.address, "server", "Ann", 1);
    for (message, code, reason) in [
        (Message::text("{"), 1008, "not a message"),
        (Message::text(r#"{"type":"dance"}"#), 1008, "not a message"),
        (Message::text(r#"{"type":"paint","seen":0,"pixels":[]}"#), 1008, "the first message is hello"),
        (Message::binary(vec![1, 2, 3]), 1003, "text"),
        (Message::text("x".repeat(MESSAGE_LIMIT + 1)), 1009, "longer than the limit"),
    ] {
        let mut user = User::connect(server.address, "server");
        user.socket.send(message).unwrap();
        let (came, why) = user.closed();
        assert!(came == code && why.contains(reason), "{came} {why}");
    }
    still_works(&mut ann, &server);
}

#[test]
fn garbage_after_the_upgrade_and_before_it_harms_nobody() {
    let server = serve(&[]);
    let (mut ann, _) = User::join(server.address, "server", "Ann", 1);
    let mut random = StdRng::seed_from_u64(5);
    for round in 0..40 {
        let garbage: Vec<u8> = (0..random.random_range(1..2000)).map(|_| random.random()).collect();
        let mut stream = if round % 2 == 0 {
            TcpStream::connect(server.address).unwrap()
        } else {
            User::connect(server.address, "server").socket.get_ref().try_clone().unwrap()
        };
        let _ = stream.write_all(&garbage);
        // Closed at once, or waiting for the rest of what the garbage announced: so end it.
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    }
    still_works(&mut ann, &server);
}

#[test]
fn who_does_not_read_is_told_why_and_comes_again_for_the_whole_canvas_under_every_model() {
    for model in shared_memory_models() {
        println!("{}", model.name());
        let server = serve(&["--outbox", "327680", "--model", &model.name()]);
        let (mut quick, _) = User::join(server.address, "server", "Quick", 1);
        let mut slow = User::over(small_window(&server), "server");
        slow.hello("Slow", 2);
        // Each message is 25 kB to each of the two: more than all buffers between here and the slow one hold.
        let mut last = 0;
        for round in 0..400u64 {
            let colour = (round % 15 + 1) as u8;
            quick.paint(last, (0..512).map(|cell| (cell, colour)));
            last = quick.painted().0.last().unwrap().write().stamp.time;
        }
        assert_eq!(last, 400 * 512); // the quick one has not waited
        let (code, reason) = slow.closed();
        assert!(code == 1013 && reason.contains("come again"), "{code} {reason}");
        let (_, welcome) = User::join(server.address, "server", "Slow", 2);
        assert_eq!((welcome.time, welcome.writes.len()), (last, 512));
    }
}

/// A connection whose receive buffer is small, so that it fills up soon.
fn small_window(server: &Server) -> TcpStream {
    let socket = Socket::new(Domain::for_address(server.address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&server.address.into()).unwrap();
    socket.into()
}

#[test]
fn who_gives_no_sign_of_life_is_gone_for_the_others_too() {
    let server = serve(&["--ping", "700ms"]);
    let dead = {
        let (user, _) = User::join(server.address, "server", "Dead", 2);
        user.socket.get_ref().try_clone().unwrap() // nobody answers the pings
    };
    let (mut ann, welcome) = User::join(server.address, "server", "Ann", 1);
    assert_eq!(welcome.people.len(), 2);
    assert_eq!(format!("{:?}", ann.next()), "Left { who: Replica(2) }"); // ann reads, and so answers
    let mut rest = Vec::new();
    (&dead).read_to_end(&mut rest).unwrap();
    assert!(String::from_utf8_lossy(&rest).contains("no sign of life"));
    still_works(&mut ann, &server);
}

#[test]
fn pages_of_other_sites_and_names_that_are_not_ours_are_refused() {
    let server = serve(&["--name", "lab.example"]);
    let ask = |path: &str, headers: &str| {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\n{headers}\r\n").unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        String::from_utf8_lossy(&first[9..]).into_owned()
    };
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    assert_eq!(ask("/", "Host: lab.example\r\n"), "200");
    assert_eq!(ask("/", "Host: evil.example\r\n"), "403");
    assert_eq!(ask("/favicon.ico", "Host: localhost\r\n"), "404");
    assert_eq!(ask("/server", &format!("Host: localhost\r\nOrigin: http://localhost\r\n{upgrade}")), "101");
    assert_eq!(
        ask("/server", &format!("Host: localhost\r\nOrigin: http://evil.example\r\n{upgrade}")),
        "403"
    );
}
