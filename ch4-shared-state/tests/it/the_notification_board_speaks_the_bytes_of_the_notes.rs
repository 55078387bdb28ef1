//! The board's messages byte for byte, as a client of the notes sends and expects them, under every model it is tried under.

use crate::support::guessword::{Raw, models};
use crate::support::notify;
use crate::support::notify::{lines, serve};
use crate::support::segments;

#[test]
fn two_clients_from_the_first_byte() {
    for model in models() {
        let server = serve(&model, &[]);
        let (mut alice, mut bob) = (Raw::connect(&server), Raw::connect(&server));
        alice.ask("2:;", &["1:;"]);
        bob.ask("2:;", &["1:;"]);

        alice.ask("1:SGVs\nbG8=\r\n;", &["7:;", "0:;"]);
        bob.expect(&["7:;"]);
        bob.send("2:;");
        let line = lines(&bob.frame()).pop().unwrap();
        let fields: Vec<&str> = line.split(' ').collect();
        let [time, host, port, text] = fields[..] else { panic!("{line}") };
        assert!(time.parse::<f64>().is_ok_and(|time| time > 1.7e9), "{time}");
        assert_eq!((host, text), ("127.0.0.1", "Hello"));
        assert_eq!(port, alice.stream.local_addr().unwrap().port().to_string());
        bob.ask("2:;", &["1:;"]);

        // The publisher has not fetched it, and two come in one answer; an empty text and a colon are texts.
        bob.ask("1:;", &["7:;", "0:;"]);
        alice.expect(&["7:;"]);
        bob.ask("1:YTpiOyBj;", &["7:;", "0:;"]);
        alice.expect(&["7:;"]);
        alice.send("2:;");
        let texts: Vec<String> = lines(&alice.frame()).iter().map(|line| notify::text(line)).collect();
        assert_eq!(texts, ["Hello", "", "a:b; c"]);

        // Who comes later gets the board from its beginning.
        let mut carol = Raw::connect(&server);
        assert_eq!(notify::fetch(&mut carol), ["Hello", "", "a:b; c"]);
    }
}

#[test]
fn what_makes_no_sense_costs_one_answer() {
    for model in models() {
        let server = serve(&model, &[]);
        let mut client = Raw::connect(&server);
        client.ask("1:*;9:;;hello;2:YQ==;2:;", &["2:;", "4:;", "2:;", "2:;", "2:;", "1:;"]);
        // A frame without an end costs the connection.
        client.send(&"A".repeat(1 << 20));
        client.expect(&["2:;", ""]);
    }
}

#[test]
fn a_full_board_refuses_in_the_only_words_there_are() {
    let server = serve("epoll", &["--max-messages", "1"]);
    let mut client = Raw::connect(&server);
    client.ask("1:YQ==;", &["7:;", "0:;"]);
    client.ask("1:YQ==;", &["2:;"]);
}

#[test]
fn what_waits_together_leaves_together() {
    for model in models() {
        let server = serve(&model, &[]);
        let mut client = Raw::connect(&server);
        client.ask("2:;", &["1:;"]);
        let before = segments::received(&client.stream);
        client.ask("1:YQ==;", &["7:;", "0:;"]);
        assert!(segments::received(&client.stream) - before <= 2);
        client.send(&"1:YQ==;".repeat(100));
        for _ in 0..100 {
            client.up_to(|frame| frame == "0:;");
        }
        let many = segments::received(&client.stream) - before;
        assert!(
            many < 2 + 100,
            "{many}: one notification stands for those that wait, and the answers leave together"
        );
    }
}
