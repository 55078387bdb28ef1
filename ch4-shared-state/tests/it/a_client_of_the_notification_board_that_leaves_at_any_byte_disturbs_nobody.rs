//! Clients that end or are reset after every byte of a conversation, or are killed: what was whole is on the board, what was not is
//! not, and those who stay get every message once.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use socket2::SockRef;

use crate::support::ch4;
use crate::support::guessword::{Raw, models};
use crate::support::notify::{fetch, publish, say, serve};

#[test]
fn after_every_byte() {
    for model in models() {
        let server = serve(&model, &[]);
        let mut witness = Raw::connect(&server);
        let mut got = fetch(&mut witness);
        let mut whole = Vec::new();
        for reset in [false, true] {
            let talk = format!("2:;{}2:;", publish(if reset { "reset" } else { "ended" }));
            let publication = talk.len() - "2:;".len();
            for length in 0..=talk.len() {
                let mut client = Raw::connect(&server);
                client.send(&talk[..length]);
                if reset {
                    SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
                } else if length >= publication {
                    whole.push("ended".to_owned());
                }
            }
        }
        while got.iter().filter(|text| *text == "ended").count() < whole.len() {
            witness.up_to(|frame| frame == "7:;");
            got.extend(fetch(&mut witness));
        }
        // The board still works, and what a reset has cut off was there whole or not at all, at most once for each client.
        say(&mut witness, "still here");
        got.extend(fetch(&mut witness));
        let count = |text: &str| got.iter().filter(|got| *got == text).count();
        assert_eq!((count("ended"), count("still here")), (whole.len(), 1));
        assert!(count("reset") <= 4, "{}", count("reset"));
        assert_eq!(got.len(), whole.len() + 1 + count("reset"));
    }
}

#[test]
fn killed_clients_come_again_and_get_everything() {
    for model in models() {
        let server = serve(&model, &[]);
        let mut speaker = Raw::connect(&server);
        let port = server.address.port().to_string();
        for round in 0..3 {
            say(&mut speaker, &format!("round {round}"));
            let mut follower =
                ch4(&["board-client", "-p", &port, "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(follower.stdout.take().unwrap()).lines();
            for expected in 0..=round {
                let line = lines.next().unwrap().unwrap();
                assert!(line.ends_with(&format!("-> round {expected}")), "{line}");
            }
            follower.kill().unwrap();
            follower.wait().unwrap();
        }
        say(&mut speaker, "the last");
        assert_eq!(fetch(&mut speaker), ["round 0", "round 1", "round 2", "the last"]);
    }
}
