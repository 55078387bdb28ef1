//! The connection of a client breaks: it connects again by itself, shows what it has missed and nothing twice, and says what it does not
//! know. With `--no-reconnect` it ends.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use common::netem::{Profile, Relay, Settings};
use common::support::child_server::ChildProcess;
use nix::sys::signal::Signal;

use crate::support::guessword::Raw;
use crate::support::notify::{fetch, say, serve};
use crate::support::terminal::{CTRL_C, CTRL_D, ENTER, Terminal};
use crate::support::{Server, ch4, run, text};

const MINUTE: Duration = Duration::from_secs(60);

fn client(port: u16, args: &[&str]) -> ChildProcess {
    let port = port.to_string();
    let mut command = ch4(&[&["board-client", "-p", &port][..], args].concat());
    ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap()
}

/// The texts it has printed.
fn printed(client: &ChildProcess) -> Vec<String> {
    let lines = text(&client.stdout.bytes());
    lines.lines().map(|line| line.split_once(" -> ").map_or(line, |(_, text)| text).to_owned()).collect()
}

#[track_caller]
fn shows(client: &ChildProcess, words: &str) {
    let said = client.stderr.wait(MINUTE, |text| text.contains(words).then_some(()));
    assert!(said.is_ok(), "no {words:?}: {said:?}");
}

/// Waits until it has printed these texts, and no others.
#[track_caller]
fn prints(client: &ChildProcess, texts: &[&str]) {
    let _ = client.stdout.wait(MINUTE, |text| (text.lines().count() >= texts.len()).then_some(()));
    assert_eq!(printed(client), texts);
}

#[test]
fn a_server_that_was_started_again_is_followed_on() {
    let server = serve("epoll", &[]);
    let port = server.address.port();
    say(&mut Raw::connect(&server), "before");
    let mut followers = [&["--follow"][..], &["--count", "3"]].map(|args| client(port, args));
    prints(&followers[0], &["before"]);
    say(&mut Raw::connect(&server), "one");
    prints(&followers[0], &["before", "one"]);
    prints(&followers[1], &["before", "one"]);
    server.stop();
    for client in &followers {
        shows(client, "the server is gone: it has ended the connection; connecting again");
    }
    let server = Server::start_at(port, &["board-server"]);
    say(&mut Raw::connect(&server), "two");
    prints(&followers[1], &["before", "one", "two"]);
    prints(&followers[0], &["before", "one", "two"]);
    shows(&followers[0], "the board has begun anew: it has none of the 2 messages that it had");
    assert_eq!(followers[1].wait(MINUTE).unwrap().code(), Some(0));
    followers[0].signal(Signal::SIGINT).unwrap();
    assert_eq!(followers[0].wait(MINUTE).unwrap().code(), Some(130));
}

#[test]
fn scripts_that_must_see_the_break_see_it() {
    let server = serve("epoll", &[]);
    let port = server.address.port();
    say(&mut Raw::connect(&server), "before");
    let args = [&["--follow", "--no-reconnect"][..], &["--follow", "--reconnect-for", "300ms"]];
    let mut clients = args.map(|args| client(port, args));
    clients.iter().for_each(|client| prints(client, &["before"]));
    server.stop();
    for client in &mut clients {
        assert_eq!(client.wait(MINUTE).unwrap().code(), Some(4), "{}", text(&client.stderr.bytes()));
        shows(client, "error: the server is gone");
    }
    let output = run(&mut ch4(&["board-client", "--no-reconnect", "--reconnect-for", "1s"]));
    assert_eq!(output.status.code(), Some(2));
}

/// A publisher that also listens, through a link that resets connections.
#[test]
fn through_a_link_that_cuts_each_message_is_there_once_or_said_not_to_be_known() {
    const MESSAGES: usize = 30;
    let server = serve("epoll", &[]);
    let mut resets = 0;
    for seed in 0..4 {
        let profile = Profile { reset: 0.03, ..Profile::default() };
        let settings = Settings { udp: false, ..Settings::new(server.address, profile, seed) };
        let relay = Relay::bind(&settings).unwrap().start(Default::default()).unwrap();
        let texts: Vec<String> = (0..MESSAGES).map(|number| format!("{seed}-{number}")).collect();
        let mut args = vec!["--new", "--count", "1000000"];
        args.extend(texts.iter().flat_map(|text| ["-m", text]));
        let mut publisher = client(relay.address().port(), &args);
        let is_settled = |all: &str| {
            texts.iter().all(|text| {
                all.contains(&format!(" -> {text}\n")) || all.contains(&format!("acknowledged `{text}`"))
            })
        };
        // Through the relay its address on the board is not its own, so what is unknown stays so, and is shown when it is there.
        let all = || text(&publisher.stdout.bytes()) + &text(&publisher.stderr.bytes());
        let until = std::time::Instant::now() + MINUTE;
        while !is_settled(&all()) {
            assert!(std::time::Instant::now() < until, "seed {seed}: {}", all());
            let _ = publisher.stdout.wait(Duration::from_millis(20), |_| None::<()>);
        }
        let shown = printed(&publisher);
        let said = text(&publisher.stderr.bytes());
        publisher.signal(Signal::SIGINT).unwrap();
        assert_eq!(publisher.wait(MINUTE).unwrap().code(), Some(130));
        resets += said.matches("connecting again").count();
        let mut on_the_board: BTreeMap<String, usize> = BTreeMap::new();
        for message in fetch(&mut Raw::connect(&server)) {
            *on_the_board.entry(message).or_default() += 1;
        }
        for message in &texts {
            let count = on_the_board.get(message).copied().unwrap_or(0);
            let is_unknown = said.contains(&format!("acknowledged `{message}`"));
            assert!(
                count == 1 || (count == 0 && is_unknown),
                "seed {seed}: {message}: {count} times; {said}"
            );
            assert!(shown.iter().filter(|&text| text == message).count() <= 1, "{message}: shown twice");
        }
    }
    assert!(resets > 3, "the link has cut {resets} times");
}

#[test]
fn at_a_terminal_what_is_typed_without_a_connection_is_sent_later() {
    let server = serve("epoll", &[]);
    let port = server.address.port();
    let mut terminal = Terminal::start(&["board-client", "-p", &port.to_string()]);
    terminal.shows("Ctrl-D ends\n>");
    terminal.press(&format!("before{ENTER}half a li"));
    terminal.shows("-> before\n> half a li");
    server.stop();
    terminal.shows("* the connection is lost; connecting again. What you type is sent then\n> half a li");
    terminal.press(&format!("ne{ENTER}another{ENTER}"));
    terminal.shows("> another\n>");
    let server = Server::start_at(port, &["board-server"]);
    terminal.shows("* the board has begun anew: it has none of the 1 message that it had");
    terminal.shows("* connected again");
    terminal.shows("-> half a line");
    terminal.shows("-> another");
    assert_eq!(fetch(&mut Raw::connect(&server)), ["half a line", "another"]);
    terminal.press(CTRL_D);
    assert_eq!(terminal.end(), "0");
}

#[test]
fn at_a_terminal_ctrl_c_and_no_reconnect_end_it() {
    let server = serve("epoll", &[]);
    let start = |more: &[&str]| {
        let port = server.address.port().to_string();
        let mut terminal = Terminal::start(&[&["board-client", "-p", &port][..], more].concat());
        terminal.shows("Ctrl-D ends\n>");
        terminal
    };
    let [mut one, mut two, mut three] = [&[][..], &["--no-reconnect"], &[]].map(start);
    one.press(CTRL_C);
    assert_eq!(one.end(), "130");
    server.stop();
    two.shows("* the server is gone; press Enter to leave");
    two.press(ENTER);
    assert_eq!(two.end(), "4");
    three.shows("connecting again");
    three.press(&format!("never{ENTER}{CTRL_C}"));
    assert_eq!(three.end(), "130");
}
