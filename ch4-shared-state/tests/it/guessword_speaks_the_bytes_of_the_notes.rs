//! The game's messages byte for byte, as a client of the notes sends and expects them, under every model it is tried under.

use crate::support::guessword::{Raw, coded, join, models, notice, serve};

#[test]
fn a_game_of_two_from_the_first_byte_to_the_win() {
    for model in models() {
        let server = serve(&model);
        let mut alice = Raw::connect(&server);
        alice.ask("A:;B:e;C:aGVsbG8=;S:;", &["x:;", "x:;", "x:;", "x:;"]);
        alice.ask("D:QWxpY2U=;", &["e:QWxpY2Ugam9pbmVk;", "d:1;"]);
        let mut bob = Raw::connect(&server);
        bob.ask("D:QWxpY2U=;", &["d:0;"]);
        bob.ask("D:Qm9i;", &["e:Qm9iIGpvaW5lZA==;", "d:1;"]);
        alice.expect(&["e:Qm9iIGpvaW5lZA==;"]);

        alice.ask("A:;", &["a:;"]);
        alice.ask("B:e;", &["b:0;"]);
        let proposed = notice("Alice proposed a word of 5 characters");
        alice.ask("C:aGVs\nbG8=\n;", &[&proposed, "c:1;"]);
        bob.expect(&[&proposed]);
        bob.ask("C:d29ybGQ=;", &["c:0;"]);
        bob.ask("A:;", &[&coded('a', "_____")]);
        bob.ask("B:L;", &[&notice("Bob guessed l"), "b:1;"]);
        alice.expect(&[&notice("Bob guessed l")]);
        alice.ask("B:l;", &["b:0;"]);
        alice.ask("A:;", &[&coded('a', "__ll_")]);
        alice.ask(
            "B:x;B:h;B:e;",
            &["b:0;", &notice("Alice guessed h"), "b:1;", &notice("Alice guessed e"), "b:1;"],
        );
        bob.expect(&[&notice("Alice guessed h"), &notice("Alice guessed e")]);
        let won = notice("Bob won, propose a new word: it was hello");
        bob.ask("B:O;", &[&won, "b:1;"]);
        alice.expect(&[&won]);
        alice.ask("A:;S:;", &["a:;", &coded('s', "Alice 2\nBob 2")]);

        drop(bob);
        alice.expect(&[&notice("Bob left")]);
    }
}

#[test]
fn a_guessed_semicolon_is_refused_once_and_the_game_goes_on() {
    for model in models() {
        let server = serve(&model);
        let mut alice = join(&server, "Alice");
        alice.ask("B:;;", &["b:0;"]);
        alice.ask("B:ab;B:\n;", &["b:0;", "b:0;"]);
        alice.ask("A:;", &["a:;"]);
    }
}

#[test]
fn garbage_costs_an_answer_and_a_frame_without_an_end_the_connection() {
    for model in models() {
        let server = serve(&model);
        let mut alice = join(&server, "Alice");
        alice.ask("hello;Q:;AA:;C:*;D:*;\r\nA:;", &["4:;", "4:;", "4:;", "c:0;", "d:0;", "a:;"]);
        let mut flood = Raw::connect(&server);
        flood.ask(&"x".repeat(5000), &["4:;", ""]);
        alice.ask("A:;", &["a:;"]);
        // One byte at a time is a message as well.
        for byte in ["B", ":", "x"] {
            alice.send(byte);
        }
        alice.ask(";", &["b:0;"]);
    }
}
