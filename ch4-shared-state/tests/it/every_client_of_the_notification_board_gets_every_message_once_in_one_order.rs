//! Twenty clients that publish and fetch in an order drawn from a seed: each gets every message exactly once, and all in one order.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::sync::Barrier;
use std::thread;

use crate::support::guessword::{Raw, models};
use crate::support::notify;
use crate::support::notify::{fetch, publish, say, serve};

const CLIENTS: usize = 20;

#[test]
fn interleaved_at_random() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    for policy in ["skip", "disconnect"] {
        for model in models() {
            let mut random = StdRng::seed_from_u64(seed);
            let server = serve(&model, &["--when-full", policy]);
            let mut clients: Vec<Raw> = (0..CLIENTS).map(|_| Raw::connect(&server)).collect();
            let mut got: Vec<Vec<String>> = vec![Vec::new(); CLIENTS];
            let mut published = Vec::new();
            for step in 0..400 {
                let who = random.random_range(0..CLIENTS);
                match random.random_range(0..5) {
                    0 | 1 => {
                        published.push(format!("{who} says {step}"));
                        say(&mut clients[who], published.last().unwrap());
                    }
                    2 | 3 => got[who].extend(fetch(&mut clients[who])),
                    _ => {
                        // Comes again, and gets everything anew.
                        clients[who] = Raw::connect(&server);
                        got[who].clear();
                    }
                }
            }
            for (client, got) in clients.iter_mut().zip(&mut got) {
                got.extend(fetch(client));
                assert_eq!(*got, published, "one at a time, so this is the order (seed {seed})");
                client.ask("2:;", &["1:;"]);
            }
        }
    }
}

#[test]
fn all_at_once() {
    const EACH: usize = 50;
    for model in models() {
        let server = serve(&model, &[]);
        let start = Barrier::new(CLIENTS);
        let work = |number: usize| {
            let mut client = Raw::connect(&server);
            let (mut got, mut told) = (Vec::new(), false);
            // A notification before an answer may be of a message that is not in it.
            let ask = |client: &mut Raw, got: &mut Vec<String>| {
                client.send("2:;");
                let (before, answer) = client.up_to(|frame| frame.starts_with("1:"));
                got.extend(notify::lines(&answer).iter().map(|line| notify::text(line)));
                before.iter().any(|frame| frame == "7:;")
            };
            start.wait();
            for turn in 0..EACH {
                // Both requests at once: the answer to the second has the message of the first in it.
                client.send(&publish(&format!("{number} {turn}")));
                told = ask(&mut client, &mut got);
                assert!(got.contains(&format!("{number} {turn}")));
            }
            while got.len() < CLIENTS * EACH {
                if !told {
                    client.up_to(|frame| frame == "7:;"); // there must be one for what is still to come
                }
                told = ask(&mut client, &mut got);
            }
            got
        };
        let all: Vec<Vec<String>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || work(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for got in &all {
            assert_eq!(*got, all[0], "one order for all");
        }
        for number in 0..CLIENTS {
            let own: Vec<&String> =
                all[0].iter().filter(|text| text.starts_with(&format!("{number} "))).collect();
            let expected: Vec<String> = (0..EACH).map(|turn| format!("{number} {turn}")).collect();
            assert_eq!(own, expected.iter().collect::<Vec<_>>(), "each once, in its publisher's order");
        }
    }
}
