//! The client's program from outside: three of them play, and each way in which a player can fail has its own exit status.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::thread;

use crate::support::guessword;
use crate::support::guessword::{Raw, coded, join, join_all, models, notice, serve};
use crate::support::{Server, ch4, run, text};

fn client(port: u16, arguments: &[&str]) -> Command {
    let port = port.to_string();
    let mut command = ch4(&["guessword-client", "--port", &port, "--timeout", "20s"]);
    command.args(arguments);
    command
}

/// What it wrote, a line each; it must have ended well.
fn lines(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

/// A game whose script is a text.
fn play_script(server: &Server, name: &str, script: &str) -> Output {
    play_script_at(server.address.port(), name, script)
}

fn play_script_at(port: u16, name: &str, script: &str) -> Output {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(script.as_bytes()).unwrap();
    run(&mut client(port, &["--name", name, "--script", file.path().to_str().unwrap()]))
}

#[test]
fn three_play_five_rounds_and_agree_about_them() {
    for model in models() {
        let server = serve(&model);
        let port = server.address.port();
        // A witness reads what happens; the three begin when they like.
        let mut witness = join(&server, "Witness");
        let players = [("Ann", "tallinn", "talin"), ("Bo", "tartu", "tarux"), ("Cy", "narva", "nvrart")];
        let games = players.map(|(name, word, letters)| {
            thread::spawn(move || {
                let all = format!("{letters}abcdefghijklmnopqrstuvwxyz");
                let play = ["--name", name, "--propose", word, "--guess", &all, "--until-round", "5"];
                run(&mut client(port, &play))
            })
        });
        let outputs = games.map(|game| lines(&game.join().unwrap()));

        witness.send("A:;");
        let (history, _) = witness.up_to(|frame| frame.starts_with('a'));
        let history: Vec<String> = history.iter().map(|frame| guessword::text(frame)).collect();
        assert!(history.iter().filter(|notice| notice.contains("won, ")).count() >= 5, "{history:?}");
        for (output, (name, ..)) in outputs.iter().zip(players) {
            assert!(output.contains(&format!("joined {name}")));
            // Its notifications are a piece of the history, without a gap and in the same order.
            let heard: Vec<&str> = output.iter().filter_map(|line| line.strip_prefix("notice ")).collect();
            assert!(history.windows(heard.len()).any(|piece| piece == heard), "{heard:?} in {history:?}");
            // Its points are its right guesses.
            let right = output.iter().filter(|line| line.ends_with(" right")).count();
            assert!(output.contains(&format!("score {name} {right}")), "{right} right: {output:?}");
        }
    }
}

#[test]
fn a_script_says_a_line_for_everything() {
    let server = serve("epoll");
    let script = "# a comment\nstate\nword 123\nword Eel\nx\ne\n;\nstate\nscores\nl\nquit\nnot reached";
    assert_eq!(
        lines(&play_script(&server, "Alice", script)),
        [
            "joined Alice",
            "word",
            "propose 123 refused",
            "notice Alice proposed a word of 3 characters",
            "propose Eel taken",
            "guess x wrong",
            "notice Alice guessed e",
            "guess e right",
            "word Ee_",
            "guess ; wrong",
            "word Ee_",
            "score Alice 1",
            "notice Alice won, propose a new word: it was Eel",
            "guess l right",
            "word",
        ]
        .into_iter()
        // Its own arrival is told to the joiner before the answer.
        .fold(vec!["notice Alice joined".to_owned()], |mut lines, line| {
            lines.push(line.to_owned());
            lines
        })
    );
}

#[test]
fn a_listener_waits_for_rounds_that_others_win() {
    let server = serve("epoll");
    let port = server.address.port();
    let mut alice = join(&server, "Alice");
    let listener = thread::spawn(move || run(&mut client(port, &["--name", "Ear", "--until-round", "2"])));
    alice.expect(&[&notice("Ear joined")]);
    for word in ["a", "b"] {
        alice.send(&(coded('C', word) + "B:" + word + ";"));
    }
    let heard = lines(&listener.join().unwrap());
    assert_eq!(heard.iter().filter(|line| line.contains("Alice won")).count(), 2, "{heard:?}");
    assert_eq!(heard.last().map(String::as_str), Some("score Ear 0"));
}

/// The points of each of twenty rounds, as a listener hears them, while three play with a word of five letters. Nobody waits for
/// the others before the first round, so some go on for a round more; it does not count.
fn points_of_twenty_rounds(server: &Server) -> Vec<usize> {
    let port = server.address.port();
    let mut listener = join(server, "Listener");
    let ear =
        thread::spawn(move || lines(&run(&mut client(port, &["--name", "Ear", "--until-round", "20"]))));
    listener.expect(&[&notice("Ear joined")]); // before the first round
    let games = ["Ann", "Bo", "Cy"].map(|name| {
        let play = ["--name", name, "--propose", "tallinn", "--guess", "talin", "--until-round", "20"];
        let mut game = client(port, &play);
        thread::spawn(move || drop(lines(&run(&mut game))))
    });
    games.into_iter().for_each(|game| game.join().unwrap());
    let heard = ear.join().unwrap();
    let points: Vec<&String> =
        heard.iter().filter(|line| line.contains(" guessed ") || line.contains(" won, ")).collect();
    points.split_inclusive(|line| line.contains(" won, ")).take(20).map(<[_]>::len).collect()
}

#[test]
fn a_hundred_letters_are_a_hundred_points_and_more_with_check_then_act() {
    assert_eq!(points_of_twenty_rounds(&serve("thread-per-connection")), [5; 20]);
    let racy = points_of_twenty_rounds(&Server::start(&["guessword-server", "--racy", "1ms"]));
    assert_ne!(racy, [5; 20], "no letter was given twice");
}

#[test]
fn each_way_to_fail_has_its_status_and_its_sentence() {
    let server = serve("epoll");
    let port = server.address.port();
    let _alice = join_all(&server, ["Alice"]);
    let status = |port, arguments: &[&str]| {
        let output = run(&mut client(port, arguments));
        (output.status.code(), text(&output.stderr))
    };
    let (code, words) = status(port, &["--name", "Alice", "--guess", "e"]);
    assert!(code == Some(3) && words.contains("`Alice`") && words.contains("in use"), "{code:?} {words}");
    let (code, words) = status(port, &["--name", "a b", "--guess", "e"]);
    assert!(code == Some(3) && words.contains("no space"), "{code:?} {words}");
    let (code, words) = status(port, &["--name", "Bob", "--propose", "l33t"]);
    assert!(code == Some(1) && words.contains("only letters"), "{code:?} {words}");
    let (code, words) = status(port, &["--name", "Bob", "--timeout", "50ms", "--until-round", "1"]);
    assert!(code == Some(2) && words.contains("--timeout"), "given twice: {code:?} {words}");
    let (code, words) = status(port, &[]);
    assert!(code == Some(1) && words.contains("--name"), "{code:?} {words}");

    let (code, words) = status(port, &["--name", "\u{202e}ecilA", "--guess", "e"]);
    assert!(code == Some(3) && words.contains("not seen"), "{code:?} {words}");
    let output = play_script(&server, "Bob", "state\n\n# a comment\nbogus\nstate\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("line 4: `bogus` is no letter"), "{output:?}");

    drop(server);
    let (code, words) = status(port, &["--name", "Bob", "--guess", "e"]);
    assert!(code == Some(1) && words.contains("no guess-word server"), "{code:?} {words}");
}

#[test]
fn a_player_whose_server_dies_says_so() {
    let server = serve("epoll");
    let port = server.address.port();
    let mut alice = join(&server, "Alice");
    let waiting = thread::spawn(move || {
        run(&mut client(port, &["--name", "Bob", "--until-round", "1", "--no-reconnect"]))
    });
    alice.expect(&[&notice("Bob joined")]);
    drop(server);
    let output = waiting.join().unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("the server is gone"));
}

#[test]
fn a_player_who_is_killed_has_left() {
    let server = serve("epoll");
    let mut alice = join(&server, "Alice");
    let port = server.address.port();
    let mut bob =
        client(port, &["--name", "Bob", "--until-round", "1"]).stdout(Stdio::null()).spawn().unwrap();
    alice.expect(&[&notice("Bob joined")]);
    bob.kill().unwrap();
    bob.wait().unwrap();
    alice.expect(&[&notice("Bob left")]);
    join(&server, "Bob");
}

#[test]
fn another_server_is_told_from_the_game() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.read(&mut [0; 100]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request;").unwrap();
    });
    let output = run(&mut client(port, &["--name", "Bob", "--guess", "e"]));
    other.join().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(text(&output.stderr).contains("not a guess-word server"), "{}", text(&output.stderr));
}

/// At the end of a server's words a terminal is as it was, and reads from left to right.
#[test]
fn what_another_server_says_is_shown_and_not_obeyed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut say = |words: &[String]| {
            let _ = stream.read(&mut [0; 100]).unwrap();
            stream.write_all(words.concat().as_bytes()).unwrap();
        };
        say(&[notice("Eve \x1b[2Jsays\nnotice Bob left"), "d:1;".to_owned()]);
        say(&[coded('a', "\u{202e}_e\x1b[31m")]);
        say(&[coded('s', "\u{2067}Eve\x1b[0m 7")]);
    });
    let lines = lines(&play_script_at(port, "Bob", "state\nscores"));
    other.join().unwrap();
    let expected = [
        "notice Eve \u{fffd}[2Jsays\\nnotice Bob left",
        "joined Bob",
        "word \u{fffd}_e\u{fffd}[31m",
        "score \u{fffd}Eve\u{fffd}[0m 7",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_server_ends_well_at_sigterm_with_players_in_the_middle_of_a_word() {
    for model in models() {
        let server = serve(&model);
        let mut alice = Raw::connect(&server);
        alice.ask(&coded('D', "Alice"), &[&notice("Alice joined"), "d:1;"]);
        alice.ask(&coded('C', "eel"), &[&notice("Alice proposed a word of 3 characters"), "c:1;"]);
        server.process.signal(nix::sys::signal::SIGTERM).unwrap();
        alice.expect(&[""]);
        assert_eq!(server.stop().code(), Some(0), "{model}");
    }
}
