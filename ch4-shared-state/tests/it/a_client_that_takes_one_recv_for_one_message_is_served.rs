//! The notes' client of the notification board takes what one `recv` brings for one message. So each leaves in a segment of its own, and
//! some time after the one before, as long as the client does what theirs does; whoever does not is waited for no longer.
//!
//! Not by the clock: a gap of an hour is kept when what is behind it has not come though others have been served meanwhile.

use std::net::Shutdown;

use crate::support::Server;
use crate::support::guessword::{Raw, models};
use crate::support::notify;
use crate::support::notify::{fetch, publish, serve};
use crate::support::segments;

const HOUR: [&str; 2] = ["--gap", "60m"];

/// One that has asked on connecting, as the notes' client does.
fn old(server: &Server) -> Raw {
    let mut client = Raw::connect(server);
    client.ask("2:;", &["1:;"]);
    client
}

/// One that says on connecting that it finds frames.
fn ours(server: &Server) -> Raw {
    let mut client = Raw::connect(server);
    client.ask("2:;2:;", &["1:;", "1:;"]);
    client
}

#[test]
fn between_two_messages_there_is_a_gap_until_it_shows_that_it_needs_none() {
    for model in models() {
        let server = serve(&model, &HOUR);
        let (mut old, mut ours) = (old(&server), ours(&server));
        let before = segments::received(&old.stream);
        old.send(&publish("old"));
        ours.expect(&["7:;"]);
        assert_eq!(fetch(&mut ours), ["old"]);
        for _ in 0..20 {
            ours.ask(&publish("ours"), &["7:;", "0:;"]);
            assert_eq!(fetch(&mut ours), ["ours"]);
        }
        assert_eq!(segments::received(&old.stream), before, "an hour after the answer");

        // It was not notified, and asks: a client that finds frames. What was held back leaves, in its order.
        old.send("2:;");
        old.expect(&["7:;", "0:;"]);
        assert_eq!(notify::lines(&old.frame()).len(), 21);
        assert_eq!(segments::received(&old.stream) - before, 3, "each by itself even so");
        ours.ask(&publish("again"), &["7:;", "0:;"]);
        old.expect(&["7:;"]);
        assert_eq!(fetch(&mut old), ["again"]);
        old.ask(&publish("at once"), &["7:;", "0:;"]);
    }
}

#[test]
fn what_is_held_back_is_sent_before_the_end() {
    for model in models() {
        let server = serve(&model, &HOUR);
        let mut ended = old(&server);
        ended.send(&publish("held"));
        ended.stream.shutdown(Shutdown::Write).unwrap();
        ended.expect(&["7:;", "0:;", ""]);
        // A frame without an end is the server's end: of what was held back nothing is lost either.
        let mut endless = Raw::connect(&server);
        endless.send("2:;");
        assert_eq!(notify::lines(&endless.frame()).len(), 1);
        endless.send(&(publish("held") + &"A".repeat(1 << 20)));
        endless.expect(&["7:;", "0:;", "2:;", ""]);
    }
}

#[test]
fn two_of_them_talk_and_every_message_is_a_segment() {
    const TURNS: usize = 20;
    for model in models() {
        let server = serve(&model, &[]);
        let (mut alice, mut bob) = (old(&server), old(&server));
        let before = [&alice, &bob].map(|client| segments::received(&client.stream));
        for turn in 0..TURNS {
            let words = turn.to_string();
            alice.ask(&publish(&words), &["7:;"]);
            alice.send("2:;"); // as soon as it is notified, and its acknowledgement is still held back
            alice.expect(&["0:;"]);
            assert_eq!(notify::text(&notify::lines(&alice.frame())[0]), words);
            bob.expect(&["7:;"]);
            bob.send("2:;");
            assert_eq!(notify::text(&notify::lines(&bob.frame())[0]), words);
        }
        let after = [&alice, &bob].map(|client| segments::received(&client.stream));
        let [alice, bob] = [0, 1].map(|client| (after[client] - before[client]) as usize);
        // At least: one that the kernel is late to acknowledge is sent twice.
        assert!(alice >= 3 * TURNS && bob >= 2 * TURNS, "{alice} {bob}");
    }
}
