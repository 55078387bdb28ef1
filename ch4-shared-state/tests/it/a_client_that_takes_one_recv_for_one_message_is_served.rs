//! The notes' client of the notification board takes what one `recv` brings for one message. With `--legacy-clients` each message
//! leaves some time after the one before, and a notification that no question has followed is repeated.
//!
//! Not by the clock: a gap of an hour is kept when what is behind it has not come though others have been served meanwhile.

use std::net::Shutdown;

use crate::support::Server;
use crate::support::guessword::{Raw, models};
use crate::support::notify;
use crate::support::notify::{publish, serve};
use crate::support::segments;

const HOUR: [&str; 1] = ["--legacy-clients=60m"];

#[test]
fn after_each_message_there_is_a_gap_for_every_client() {
    for model in models() {
        let server = serve(&model, &HOUR);
        let mut client = Raw::connect(&server);
        client.ask("2:;", &["1:;"]);
        let before = segments::received(&client.stream);
        client.send(&publish("its answer waits for an hour"));
        let mut served = 0;
        while served < 20 {
            let mut other = Raw::connect(&server);
            other.send("2:;");
            let frame = other.frame();
            // Who has come before the message is on the board gets no message, or is notified of it first.
            let has_message = frame.starts_with("1:") && frame != "1:;";
            assert!(has_message || frame == "1:;" || frame == "7:;", "{frame}");
            served += u32::from(has_message);
        }
        assert_eq!(segments::received(&client.stream), before);
    }
}

#[test]
fn what_waits_is_sent_at_the_stop() {
    for model in models() {
        let server = serve(&model, &HOUR);
        let mut client = Raw::connect(&server);
        client.ask("2:;", &["1:;"]);
        client.send(&publish("held"));
        // Until it is published: then the answer waits.
        while {
            let mut other = Raw::connect(&server);
            other.send("2:;");
            other.frame() == "1:;"
        } {}
        assert!(server.stop().success());
        client.expect(&["7:;", "0:;", ""]);
    }
}

#[test]
fn a_client_that_ends_its_stream_gets_what_waits_for_it_in_time() {
    for model in models() {
        let server = serve(&model, &["--legacy-clients=200ms"]);
        let mut ended = Raw::connect(&server);
        ended.send(&publish("held"));
        ended.stream.shutdown(Shutdown::Write).unwrap();
        ended.expect(&["7:;", "0:;", ""]);
    }
}

#[test]
fn a_notification_without_a_question_comes_again() {
    for model in models() {
        let server = serve(&model, &["--legacy-clients"]);
        let (mut alice, mut bob) = (Raw::connect(&server), Raw::connect(&server));
        alice.ask("2:;", &["1:;"]);
        bob.ask("2:;", &["1:;"]);
        alice.ask(&publish("a"), &["7:;", "0:;"]);
        bob.expect(&["7:;", "7:;", "7:;"]);
        bob.send("2:;");
        bob.up_to(|frame| frame.starts_with("1:"));
    }
}

#[test]
fn two_of_them_talk_and_every_message_is_a_segment() {
    const TURNS: usize = 20;
    for model in models() {
        let server = serve(&model, &["--legacy-clients"]);
        let mut clients = [Raw::connect(&server), Raw::connect(&server)];
        for client in &mut clients {
            client.ask("2:;", &["1:;"]);
        }
        let before = clients.each_ref().map(|client| segments::received(&client.stream));
        let [alice, bob] = &mut clients;
        for turn in 0..TURNS {
            let words = turn.to_string();
            alice.send(&publish(&words));
            alice.expect(&["7:;"]);
            alice.send("2:;"); // as soon as it is notified, and its acknowledgement still waits
            alice.expect(&["0:;"]);
            assert_eq!(notify::text(&notify::lines(&alice.frame())[0]), words);
            let (_, notification) = bob.up_to(|frame| frame == "7:;");
            assert_eq!(notification, "7:;");
            bob.send("2:;");
            let (_, news) = bob.up_to(|frame| frame.starts_with("1:"));
            assert_eq!(notify::text(&notify::lines(&news)[0]), words);
        }
        let after = clients.each_ref().map(|client| segments::received(&client.stream));
        let [alice, bob] = [0, 1].map(|client| (after[client] - before[client]) as usize);
        // At least: one that the kernel is late to acknowledge is sent twice.
        assert!(alice >= 3 * TURNS && bob >= 2 * TURNS, "{alice} {bob}");
    }
}

/// The notes' game client reads byte by byte up to the `;`. It needs no gaps.
#[test]
fn the_notes_game_client_finds_the_ends_of_messages_itself() {
    use std::io::{Read, Write};
    for model in models() {
        let server = Server::start(&["guessword-server", "--model", &model]);
        let mut client = std::net::TcpStream::connect(server.address).unwrap();
        client.set_nodelay(true).unwrap();
        let receive = |stream: &mut std::net::TcpStream| {
            let mut message = Vec::new();
            let mut byte = [0];
            while message.last() != Some(&b';') {
                stream.read_exact(&mut byte).unwrap();
                message.push(byte[0]);
            }
            String::from_utf8(message).unwrap()
        };
        client.write_all(b"D:QWxpY2U=;C:ZWVs;B:e;B:x;A:;").unwrap();
        let heard: Vec<String> = (0..8).map(|_| receive(&mut client)).collect();
        let codes: Vec<&str> = heard.iter().map(|message| &message[..2]).collect();
        assert_eq!(codes, ["e:", "d:", "e:", "c:", "e:", "b:", "b:", "a:"], "{heard:?}");
        assert_eq!((&heard[5][..], &heard[6][..]), ("b:1;", "b:0;"));
    }
}
