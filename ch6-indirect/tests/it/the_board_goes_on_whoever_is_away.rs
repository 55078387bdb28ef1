//! The board over a broker: client and servers away in every order, servers killed, one that comes late. On our broker, and on RabbitMQ
//! where there is one (`CH6_RABBITMQ`).

use std::process::{Command, Stdio};
use std::time::Duration;

use common::support::child_server::ChildProcess;

use crate::support::{Broker, ch6, run, text};

const PATIENCE: Duration = Duration::from_secs(20);

/// A board server that works.
fn server(url: &str) -> ChildProcess {
    let mut command = ch6(&["--log", "warn", "board-server", "--broker", url]);
    let mut server = ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
    assert_eq!(server.next_line(PATIENCE).as_deref(), Some("SERVING board.requests"));
    server
}

fn client(url: &str, arguments: &[&str]) -> Command {
    let mut command = ch6(&["board-client", "--broker", url]);
    command.args(arguments);
    command
}

/// What a client prints; it must succeed.
fn printed(url: &str, arguments: &[&str]) -> String {
    let output = run(&mut client(url, arguments));
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The texts on the board, from the first.
fn texts(url: &str) -> Vec<String> {
    let lines = printed(url, &["-l", "0"]);
    lines.lines().map(|line| line.split_once(": ").unwrap().1.to_string()).collect()
}

/// What a board is made of, gone: RabbitMQ is shared by the tests of this file.
struct Bed {
    url: String,
    _broker: Option<Broker>,
}

fn ours() -> Bed {
    let broker = Broker::start(&[]);
    Bed { url: format!("amqp://{}", broker.address), _broker: Some(broker) }
}

fn away_in_every_order(bed: &Bed) {
    let url = &bed.url;
    // Nobody is there but the broker: it keeps the request.
    let output = run(&mut client(url, &["-m", "unseen", "--timeout", "200ms"]));
    assert_eq!(output.status.code(), Some(3), "{}", text(&output.stderr));
    assert_eq!(printed(url, &["--name", "ann", "-m", "from ann", "--publish-only", "--no-wait"]), "");
    // The server comes, and the clients are away: it answers, and the answer waits.
    let mut first = server(url);
    assert_eq!(printed(url, &["-m", "seen", "--publish-only"]), "published, message 2\n");
    assert_eq!(printed(url, &["--name", "ann", "--collect"]), "published, message 1\n");
    // The server goes: an answer that was made before can still be collected, and one is asked for that comes later.
    assert_eq!(
        printed(url, &["--name", "bob", "-m", "from bob", "--publish-only"]),
        "published, message 3\n"
    );
    first.kill();
    assert_eq!(printed(url, &["--name", "bob", "-m", "again", "--publish-only", "--no-wait"]), "");
    let _late = server(url);
    // One that comes late has the whole board.
    assert_eq!(texts(url), ["unseen", "from ann", "seen", "from bob", "again"]);
}

fn killed_under_load(bed: &Bed) {
    let url = &bed.url;
    let before = {
        let _server = server(url);
        texts(url).len()
    };
    let mut servers = [Some(server(url)), Some(server(url)), Some(server(url))];
    let mut clients: Vec<ChildProcess> = (0..30)
        .map(|number| {
            if number == 10 || number == 20 {
                servers[number / 10 - 1].take().unwrap().kill();
            }
            let text = format!("text {number}");
            let mut command = client(url, &["-m", &text, "--publish-only"]);
            ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap()
        })
        .collect();
    for client in &mut clients {
        let ended = client.wait(Duration::from_secs(60)).expect("each client is answered");
        assert!(ended.success(), "{}", text(&client.stderr.bytes()));
    }
    let mut found = texts(url).split_off(before);
    let other = server(url);
    drop(servers);
    assert_eq!(texts(url).split_off(before), found, "another server holds the same board, in the same order");
    drop(other);
    found.sort();
    let mut expected: Vec<String> = (0..30).map(|number| format!("text {number}")).collect();
    expected.sort();
    assert_eq!(found, expected, "nothing is lost, and nothing is there twice");
}

#[test]
fn in_every_order() {
    away_in_every_order(&ours());
}

#[test]
fn and_servers_may_be_killed_under_load() {
    killed_under_load(&ours());
}

#[test]
fn on_rabbitmq_too() {
    let Ok(url) = std::env::var("CH6_RABBITMQ") else {
        eprintln!("\nSKIPPED, the board is NOT tested on RabbitMQ: CH6_RABBITMQ names none\n");
        return;
    };
    let bed = Bed { url, _broker: None };
    killed_under_load(&bed);
}
