//! Joining and leaving at any time, proposals at once, and a player who does not read: the game goes on for all others, under
//! every model it is tried under.

use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::support::Server;
use crate::support::guessword::{PATIENCE, Raw, coded, join, join_all, models, notice, serve};

#[test]
fn who_joins_sees_what_is_guessed_and_who_leaves_frees_the_name() {
    for model in models() {
        let server = serve(&model);
        let [mut alice, mut bob] = join_all(&server, ["Alice", "Bob"]);
        let proposed = notice("Alice proposed a word of 9 characters");
        alice.ask(&coded('C', "Ice-Cream"), &[&proposed, "c:1;"]);
        alice.ask("B:c;", &[&notice("Alice guessed c"), "b:1;"]);
        bob.expect(&[&proposed, &notice("Alice guessed c")]);

        let mut carol = join(&server, "Carol");
        alice.expect(&[&notice("Carol joined")]);
        bob.expect(&[&notice("Carol joined")]);
        carol.ask("A:;", &[&coded('a', "_c_-C____")]);

        // Whoever proposed the word leaves, by a reset and with half a request sent; the word stays.
        alice.send("B:i");
        socket2::SockRef::from(&alice.stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(alice);
        bob.expect(&[&notice("Alice left")]);
        carol.expect(&[&notice("Alice left")]);
        carol.ask("B:I;S:;", &[&notice("Carol guessed i"), "b:1;", &coded('s', "Carol 1\nBob 0")]);
        bob.expect(&[&notice("Carol guessed i")]);

        // The name is free, and its next player begins at nothing.
        let mut alice = join(&server, "Alice");
        alice.ask("A:;S:;", &[&coded('a', "Ic_-C____"), &coded('s', "Carol 1\nAlice 0\nBob 0")]);
    }
}

#[test]
fn a_half_close_ends_a_player_after_the_last_answer() {
    for model in models() {
        let server = serve(&model);
        let mut alice = join(&server, "Alice");
        alice.send("A:;A:;A:");
        alice.stream.shutdown(Shutdown::Write).unwrap();
        alice.expect(&["a:;", "a:;", ""]);
        // The server closes the connection and then lets the player go: the name is free a moment after the end is read.
        let began = Instant::now();
        while {
            let mut again = Raw::connect(&server);
            again.send(&coded('D', "Alice"));
            again.up_to(|frame| frame.starts_with('d')).1 == "d:0;"
        } {
            assert!(began.elapsed() < PATIENCE, "{model}: the name is still in use");
        }
    }
}

#[test]
fn of_proposals_at_once_the_first_wins_and_all_see_the_same_word() {
    for model in models() {
        let server = serve(&model);
        let mut players = join_all(&server, ["Ann", "Bo", "Cy"]);
        let words = ["a", "bb", "ccc"];
        for _ in 0..100 {
            for (player, word) in players.iter_mut().zip(words) {
                player.send(&coded('C', word));
            }
            let mut taken = Vec::new();
            let mut told = Vec::new();
            for (player, word) in players.iter_mut().zip(words) {
                let (mut notices, answer) = player.up_to(|frame| frame.starts_with('c'));
                player.send("A:;");
                let (more, state) = player.up_to(|frame| frame.starts_with('a'));
                notices.extend(more);
                taken.extend((answer == "c:1;").then_some((word, state.clone())));
                told.push((notices, state));
            }
            let [(word, state)] = &taken[..] else { panic!("one is taken, and not {taken:?}") };
            assert_eq!(*state, coded('a', &"_".repeat(word.len())));
            assert!(told.iter().all(|heard| heard.0.len() == 1 && *heard == told[0]), "{told:?}");

            players[0].send(&format!("B:{};", &word[..1]));
            let won = |frame: &str| frame.starts_with("e:");
            let [first, second, third] = players.each_mut().map(|player| player.up_to(won).1);
            assert!(first == second && second == third);
            players[0].expect(&["b:1;"]);
        }
    }
}

#[test]
fn a_player_who_does_not_read_stops_nobody_and_is_hung_up_on() {
    for model in models() {
        println!("model {model}");
        let server = Server::start(&["guessword-server", "--model", &model, "--stall", "1s"]);
        let mut deaf = Raw::connect(&server);
        socket2::SockRef::from(&deaf.stream).set_recv_buffer_size(1).unwrap();
        deaf.ask(&coded('D', "Deaf"), &[&notice("Deaf joined"), "d:1;"]);
        let [mut alice, mut bob] = join_all(&server, ["Alice", "Bob"]);

        let round = coded('C', "go") + "B:g;B:o;";
        let (batch, left) = (100, notice("Deaf left"));
        let began = Instant::now();
        let mut rounds = 0;
        let mut gone = false;
        while !gone {
            assert!(began.elapsed() < Duration::from_secs(60), "{model}: still there after {rounds} rounds");
            alice.send(&round.repeat(batch));
            let asked = Instant::now();
            for player in [&mut alice, &mut bob] {
                // Three notifications a round for each, and three answers for the one who asks.
                let mut won = 0;
                while won < batch {
                    let frame = player.frame();
                    gone |= frame == left;
                    won += usize::from(frame == notice("Alice won, propose a new word: it was go"));
                }
            }
            assert!(asked.elapsed() < Duration::from_secs(5), "{model}: nobody waits for who does not read");
            rounds += batch;
        }
        println!("hung up on after {rounds} rounds");
    }
}
