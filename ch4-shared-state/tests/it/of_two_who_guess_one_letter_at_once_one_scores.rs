//! The fastest scores, and nobody else: a thousand times through sockets, under every model the game is tried under. And the
//! server that lets its lock go between the check and the act, which does not keep to that.

use std::io::Write;

use crate::support::Server;
use crate::support::guessword::{Raw, coded, join_all, models};

/// Reads up to the answer with this code.
fn answer(player: &mut Raw, code: char) -> String {
    player.up_to(|frame| frame.starts_with(code)).1
}

/// Both guess before either reads; whether the first and the second scored.
fn guess_at_once(players: &mut [Raw; 2], letter: char) -> [bool; 2] {
    let guess = format!("B:{letter};");
    for player in players.iter_mut() {
        player.stream.write_all(guess.as_bytes()).unwrap();
    }
    players.each_mut().map(|player| answer(player, 'b') == "b:1;")
}

#[test]
fn a_thousand_times() {
    for model in models() {
        println!("model {model}");
        let server = Server::start(&["guessword-server", "--model", &model]);
        let mut players = join_all(&server, ["Alice", "Bob"]);
        let mut scored = [0, 0];
        for round in 0..250 {
            players[round % 2].send(&coded('C', "game"));
            assert_eq!(answer(&mut players[round % 2], 'c'), "c:1;");
            // Who writes first has a head start, so they take turns.
            for (turn, letter) in "game".chars().enumerate() {
                if turn % 2 == 1 {
                    players.reverse();
                }
                let both = guess_at_once(&mut players, letter);
                if turn % 2 == 1 {
                    players.reverse();
                }
                assert!(both == [true, false] || both == [false, true], "round {round}, {letter}: {both:?}");
                scored[usize::from(both[1]) ^ (turn % 2)] += 1;
            }
        }
        let [alice, bob] = scored;
        assert_eq!(alice + bob, 1000);
        println!("{model}: Alice {alice}, Bob {bob}");
        players[0].send("S:;");
        let lines = if alice >= bob {
            format!("Alice {alice}\nBob {bob}")
        } else {
            format!("Bob {bob}\nAlice {alice}")
        };
        assert_eq!(answer(&mut players[0], 's'), coded('s', &lines), "the server has counted the same");
    }
}

#[test]
fn with_check_then_act_both_score() {
    for arguments in [&["--racy", "20ms"][..], &["--racy", "20ms", "--model", "tokio"]] {
        let server = Server::start(&[&["guessword-server"], arguments].concat());
        let mut players = join_all(&server, ["Alice", "Bob"]);
        let both_scored = (0..50).any(|_| {
            players[0].send(&coded('C', "oh"));
            answer(&mut players[0], 'c');
            let both = guess_at_once(&mut players, 'o');
            guess_at_once(&mut players, 'h');
            both == [true, true]
        });
        assert!(
            both_scored,
            "{arguments:?}: two guesses sent together come less than 20 ms apart, once in 50 times at least"
        );
    }
}

#[test]
fn one_loop_hides_the_bug() {
    let server = Server::start(&["guessword-server", "--check-then-act", "--model", "epoll"]);
    let mut players = join_all(&server, ["Alice", "Bob"]);
    for _ in 0..50 {
        players[0].send(&coded('C', "oh"));
        answer(&mut players[0], 'c');
        for letter in ['o', 'h'] {
            assert_ne!(guess_at_once(&mut players, letter), [true, true]);
        }
    }
}
