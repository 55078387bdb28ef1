//! `simulate --players`: a right server is found right under several models, while players come and go; one that lets its lock go,
//! that answers what is not true, or that does not answer is found wrong. And what cannot be meant is refused.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use base64::prelude::{BASE64_STANDARD, Engine};
use ch3_threads::model::Model;
use serde_json::Value;

use crate::support::guessword;
use crate::support::{Server, ch4, run, text};

fn simulate(players: &str, more: &[&str]) -> (Option<i32>, Value, String) {
    let directory = tempfile::tempdir().unwrap();
    let json = directory.path().join("figures.json");
    let output = run(ch4(&["simulate", "--players", players, "--json"]).arg(&json).args(more));
    let figures =
        std::fs::read_to_string(json).map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
    (output.status.code(), figures, text(&output.stderr))
}

fn number(figures: &Value, name: &str) -> u64 {
    figures[name].as_u64().unwrap_or_else(|| panic!("{name} in {figures}"))
}

/// One more than the model would seat by itself.
#[test]
fn a_pool_of_threads_is_given_as_many_as_there_are_clients() {
    let model = ["--model", "thread-pool", "--workers", "9", "--time", "100ms", "--warm-up", "0"];
    let (status, _, stderr) = simulate("9", &model);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let output = run(ch4(&["simulate", "--subscribers", "8", "--publishers", "1"]).args(model));
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}

#[test]
fn a_right_game_is_right_under_every_kind_of_model() {
    for model in [Model::Epoll, Model::ThreadPerConnection, Model::Tokio].map(Model::name) {
        let more = ["--model", &model, "--time", "500ms", "--warm-up", "0"];
        let (status, figures, stderr) = simulate("50", &more);
        assert_eq!((status, stderr.as_str()), (Some(0), ""), "{model}");
        assert_eq!(figures["points_compared"], true, "{model}");
        for name in ["guesses", "scored", "rounds_in_all", "heard", "answered"] {
            assert!(number(&figures, name) > 0, "{model}: {name}");
        }
        for name in ["missing_answers", "missing_notices", "left"] {
            assert_eq!(number(&figures, name), 0, "{model}: {name}");
        }
        // Each of fifty hears every scored letter and every word, and of all who came after it.
        let told = number(&figures, "scored") + number(&figures, "rounds_in_all");
        assert_eq!(number(&figures, "heard"), 50 * told + 50 * 51 / 2, "{model}");
    }
}

#[test]
fn a_right_game_is_right_while_players_come_and_go() {
    let more = ["--rate", "400", "--leave", "40", "--time", "1s", "--warm-up", "0", "--model", "epoll"];
    let (status, figures, stderr) = simulate("20", &more);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(number(&figures, "left") > 0);
    // Whoever leaves with a guess under way is not answered; nobody else is left without an answer.
    let guesses = number(&figures, "guesses");
    assert!((1..=400).contains(&guesses), "{guesses} guesses were due");
    assert_eq!((number(&figures, "missing_answers"), number(&figures, "missing_notices")), (0, 0));
}

#[test]
fn check_then_act_is_found() {
    for model in ["thread-per-connection", "tokio"] {
        let (status, _, stderr) = simulate("20", &["--racy", "1ms", "--model", model]);
        assert_eq!(status, Some(1), "{model}: {stderr}");
        assert!(stderr.starts_with("error: 20 players, seed "), "{model}: {stderr}");
        // Who is too late for a letter scores it again, or scores it in the next round's word.
        let found = stderr.contains("and a letter scores once") || stderr.contains("it is not in the word");
        assert!(found, "{model}: {stderr}");
    }
}

/// A server for one player that says the right things until it is asked for a letter, and then what it is told to.
fn scripted(guess: impl Fn(char) -> String + Send + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let frames = BufReader::new(stream.try_clone().unwrap()).split(b';');
        let notice = |what: String| format!("e:{};", BASE64_STANDARD.encode(format!("p0 {what}")));
        let mut joined = false;
        for frame in frames.map_while(Result::ok) {
            let (code, payload) = (frame[0], &frame[2..]);
            let answer = match code {
                b'S' if !joined => "x:;".into(),
                b'S' => format!("s:{};", BASE64_STANDARD.encode("p0 0")),
                b'A' => "a:;".into(),
                b'D' => {
                    joined = true;
                    notice("joined".into()) + "d:1;"
                }
                b'C' => {
                    let length = BASE64_STANDARD.decode(payload).unwrap().len();
                    notice(format!("proposed a word of {length} characters")) + "c:1;"
                }
                _ => guess(char::from(payload[0])),
            };
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    });
    port
}

#[test]
fn answers_that_are_not_true_are_found() {
    let port = scripted(|_| "b:1;".into()).to_string();
    let (status, _, stderr) = simulate("1", &["-p", &port]);
    assert_eq!(status, Some(1));
    assert!(stderr.ends_with("p0 was told yes (to a letter) before everybody was told what had happened\n"));

    let port = scripted(|_| "b:0;".into()).to_string();
    let (status, _, stderr) = simulate("1", &["-p", &port]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("p0 was refused ") && stderr.ends_with("which nobody had guessed\n"), "{stderr}");

    let port = scripted(|_| "a:;".into()).to_string();
    let (status, _, stderr) = simulate("1", &["-p", &port]);
    assert_eq!(status, Some(1));
    assert!(stderr.contains("p0 was told what it did not ask for"), "{stderr}");
}

#[test]
fn an_answer_that_never_comes_is_missing() {
    let port = scripted(|_| String::new()).to_string();
    let (status, figures, stderr) = simulate("1", &["-p", &port, "--time", "100ms", "--warm-up", "0"]);
    assert_eq!(status, Some(1));
    assert!(stderr.ends_with("error: 1 answer and 0 notices have not come\n"), "{stderr}"); // behind lines of progress
    assert_eq!(number(&figures, "missing_answers"), 1);
}

#[test]
fn a_game_of_others_is_left_alone() {
    let server = Server::start(&["guessword-server"]);
    let port = server.address.port().to_string();
    let _ann = guessword::join(&server, "Ann");
    let (status, _, stderr) = simulate("3", &["-p", &port]);
    assert_eq!(status, Some(1));
    assert!(
        stderr.ends_with("somebody else plays there: the players need the game for themselves\n"),
        "{stderr}"
    );
}

#[test]
fn options_of_the_other_game_are_refused() {
    for (option, value) in [
        ("--subscribers", "3"),
        ("--publishers", "3"),
        ("--stalled", "1"),
        ("--bytes", "64"),
        ("--window", "9"),
    ] {
        let (status, _, stderr) = simulate("3", &[option, value]);
        assert_eq!(status, Some(2));
        let clear = format!("the argument '--players <N>' cannot be used with '{option} <N>'");
        assert!(stderr.contains(&clear), "{stderr}");
    }
    for (option, value) in [("--think", "1s"), ("--leave", "3"), ("--racy", "1ms")] {
        let output = run(&mut ch4(&["simulate", option, value]));
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("--players <N>"), "{}", text(&output.stderr));
    }
    let (status, _, stderr) = simulate("1", &["--leave", "3"]);
    assert_eq!((status, stderr.contains("--leave wants two players")), (Some(1), true));
}
