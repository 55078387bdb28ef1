//! `verify` as a whole: it finds an order of what right servers answer, under every model it is tried with, and none of what
//! check-then-act answers; and it says which calls cannot be.

use std::io::{BufRead, BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use ch3_threads::model::Model;
use serde_json::Value;

use crate::support::{Server, ch4, run, text};

const LINEARIZABLE: i32 = 0;
const ERROR: i32 = 1;
const VIOLATION: i32 = 3;
const UNKNOWN: i32 = 4;

/// Runs `verify` with a seed, and gives its status and what it printed.
fn verify(seed: u64, arguments: &[&str]) -> (i32, String) {
    let seed = seed.to_string();
    let output = run(ch4(&["verify", "--seed", &seed]).args(arguments));
    let printed = text(&output.stdout) + &text(&output.stderr);
    (output.status.code().expect("it ends by itself"), printed)
}

fn models() -> impl Iterator<Item = String> {
    let models =
        [Model::ThreadPerConnection, Model::ThreadPool, Model::Epoll, Model::ThreadPerRequest, Model::Tokio];
    models.into_iter().filter(|model| model.available().is_ok()).map(Model::name)
}

#[test]
fn right_servers_are_linearizable() {
    for what in ["game", "board", "notifications"] {
        for (seed, model) in (0..).zip(models()) {
            let (status, printed) = verify(seed, &["--what", what, "--model", &model, "--operations", "60"]);
            assert_eq!(status, LINEARIZABLE, "{what} under {model}, seed {seed}: {printed}");
        }
    }
}

#[test]
fn check_then_act_is_found_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for (what, seed) in [("game", 1), ("game", 2), ("board", 1), ("board", 2)] {
        let [picture, json] = ["html", "json"].map(|kind| folder.path().join(format!("{what}{seed}.{kind}")));
        let files = ["--picture", picture.to_str().unwrap(), "--json", json.to_str().unwrap()];
        let arguments = ["--what", what, "--racy", "2ms", "--seeds", "10"];
        let (status, printed) = verify(seed, &[&arguments[..], &files].concat());
        assert_eq!(status, VIOLATION, "{what}, seed {seed} and nine more: {printed}");

        let json: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
        assert_eq!(json["verdict"], "violation");
        let culprit = &json["calls"][json["violation"]["culprit"].as_u64().unwrap() as usize];
        let page = std::fs::read_to_string(&picture).unwrap();
        for field in ["operation", "answer"] {
            let said = culprit[field].as_str().unwrap();
            assert!(printed.contains(said) && page.contains(said), "{what}: {said} is not in the picture");
        }
        for rival in json["violation"]["rivals"].as_array().unwrap() {
            let rival = &json["calls"][rival.as_u64().unwrap() as usize];
            let [client, operation] =
                ["client", "operation"].map(|field| rival[field].to_string().replace('"', ""));
            let title = format!("<g class=\"rival\"><title>client {client}: {operation} ");
            assert!(page.contains(&title), "{title} is not in the picture");
        }
        assert!(page.contains("<g class=\"culprit\">"), "{what}");
        let again = format!("--what {what} --racy 2ms --clients 4 --operations 100 --seed {}", json["seed"]);
        assert!(page.contains(&again) && page.contains("--seeds 100"), "{again} is not on the page");
    }
}

#[test]
fn the_sizes_that_the_help_names_are_decided() {
    let help = text(&run(&mut ch4(&["verify", "--help"])).stdout);
    for (what, clients, named) in [
        ("game", "16", "16 clients of the game"),
        ("board", "32", "32 of the board"),
        ("notifications", "16", "16 of the notification board"),
    ] {
        assert!(help.split_whitespace().collect::<Vec<_>>().join(" ").contains(named), "{named}: {help}");
        // Twice the steps and the time of a user: the machine decides how many calls meet.
        let bounds = ["--steps", "4000000", "--limit", "45s"];
        let (status, printed) = verify(1, &[&["--what", what, "--clients", clients][..], &bounds].concat());
        assert_eq!(status, LINEARIZABLE, "{printed}");
    }
}

#[test]
fn a_server_that_runs_is_checked_again_and_again() {
    let server = Server::start(&["guessword-server", "--model", "thread-pool"]);
    let port = server.address.port().to_string();
    for seed in 0..3 {
        let (status, printed) = verify(seed, &["-H", "127.0.0.1", "-p", &port, "--operations", "40"]);
        assert_eq!(status, LINEARIZABLE, "what the last run has left behind does not matter: {printed}");
    }
    let (status, printed) = verify(0, &["-p", &port, "--operations", "40", "--seeds", "3"]);
    assert_eq!((status, printed.matches("linearizable").count()), (LINEARIZABLE, 3), "{printed}");
}

#[test]
fn the_search_keeps_its_bound() {
    let (status, printed) = verify(1, &["--steps", "50"]);
    assert_eq!(status, UNKNOWN, "{printed}");
    assert!(printed.contains("unknown: given up after 50 steps"), "{printed}");
    assert!(printed.contains("an order explains the first "), "what was decided is said: {printed}");
}

/// Passes everything on but what `drop` says of the server's frames.
fn relay(server: SocketAddr, drop: fn(&[u8]) -> bool) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            let (mut requests, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut requests, &mut to_server);
                let _ = to_server.shutdown(Shutdown::Write);
            });
            let (answers, mut to_client) = (BufReader::new(server), client);
            thread::spawn(move || {
                for frame in answers.split(b';').map_while(Result::ok).filter(|frame| !drop(frame)) {
                    if to_client.write_all(&[&frame[..], b";"].concat()).is_err() {
                        return;
                    }
                }
                let _ = to_client.shutdown(Shutdown::Write);
            });
        }
    });
    port
}

#[test]
fn a_board_that_never_notifies_is_a_violation() {
    let server = Server::start(&["board-server"]);
    let silent = relay(server.address, |frame| frame == b"7:");
    let (status, printed) = verify(1, &["--what", "notifications", "-p", &silent, "--operations", "20"]);
    assert_eq!(status, VIOLATION, "{printed}");
    for words in
        ["wait for a notification → never notified", "in the order of the calls before it: → notified"]
    {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let right = relay(server.address, |_| false);
    let (status, printed) = verify(1, &["--what", "notifications", "-p", &right, "--operations", "20"]);
    assert_eq!(status, LINEARIZABLE, "{printed}");
}

#[test]
fn no_server_and_contradictions_are_errors() {
    for (arguments, word) in [
        (&["-p", "1"][..], "start one with"),
        (&["--what", "board", "-p", "1"], "start one with"),
        (&["-p", "1", "--racy", "1ms"], "leave --host and --port out"),
        (&["--what", "notifications", "--racy", "1ms"], "has no such switch"),
    ] {
        let (status, printed) = verify(1, arguments);
        assert_eq!(status, ERROR, "{printed}");
        assert!(printed.contains(word), "{printed}");
    }
}
