//! `bridge`: what is published at one broker comes to the other, once, and waits while that is away. And `coupling`: the four corners.

use std::process::Stdio;
use std::time::Duration;

use common::support::child_server::{ChildProcess, free_port};

use crate::support::{Broker, ch6, run, text};

const PATIENCE: Duration = Duration::from_secs(20);

/// A program that says in one line when it works.
fn start(arguments: &[&str], ready: &str) -> ChildProcess {
    let mut command = ch6(&["--log", "error"]);
    let command = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = ChildProcess::spawn(command).unwrap();
    assert_eq!(program.next_line(PATIENCE).as_deref(), Some(ready), "{arguments:?}");
    program
}

fn publish(url: &str, event: &str) {
    let output = run(&mut ch6(&["publish", "news", event, "--broker", url]));
    assert!(output.status.code() == Some(0), "{}", text(&output.stderr));
}

/// What a subscriber of so many events has printed, when it has them.
fn events(mut subscriber: ChildProcess) -> String {
    assert!(subscriber.wait(PATIENCE).expect("it gets its events").success());
    text(&subscriber.stdout.bytes()).lines().skip(1).collect::<Vec<_>>().join(", ")
}

#[test]
fn each_way_and_nothing_goes_round() {
    let (one, two) = (Broker::start(&[]), Broker::start(&[]));
    let [one, two] = [&one, &two].map(|broker| format!("amqp://{}", broker.address));
    let _there = start(&["bridge", "--from", &one, "--to", &two], "BRIDGING events");
    let _back = start(&["bridge", "--from", &two, "--to", &one], "BRIDGING events");
    let subscribers =
        [&one, &two].map(|url| start(&["subscribe", "--count", "3", "--broker", url], "SUBSCRIBED #"));
    publish(&one, "a");
    publish(&two, "b");
    // Were one of them going round, it would be seen again before this.
    publish(&one, "c");
    for found in subscribers.map(events) {
        let mut lines: Vec<&str> = found.split(", ").collect();
        lines.sort_unstable();
        assert_eq!(lines, ["news: a", "news: b", "news: c"], "each once");
    }
}

#[test]
fn what_is_published_while_the_other_is_away_waits() {
    let data = tempfile::tempdir().unwrap();
    let port = free_port().unwrap().to_string();
    let other = || Broker::start_at(&port, &["--data", data.path().to_str().unwrap()]);
    let (one, two) = (Broker::start(&[]), other());
    let (from, to) = (format!("amqp://{}", one.address), format!("amqp://{}", two.address));
    let _bridge = start(&["bridge", "--from", &from, "--to", &to], "BRIDGING events");
    let mut subscriber =
        start(&["subscribe", "--name", "late", "--count", "1", "--broker", &to], "SUBSCRIBED #");
    publish(&from, "first");
    assert!(subscriber.wait(PATIENCE).unwrap().success());
    two.kill();
    publish(&from, "while it was away");
    let _two = other();
    let subscriber = start(&["subscribe", "--name", "late", "--broker", &to], "SUBSCRIBED #");
    // The first may come before it: if the other died before it had confirmed it to the bridge, it was sent again.
    let found = |text: &str| text.contains("news: while it was away\n").then_some(());
    assert!(subscriber.stdout.wait(PATIENCE, found).is_ok(), "{}", text(&subscriber.stdout.bytes()));
}

#[test]
fn four_corners_and_their_failures() {
    let output = run(&mut ch6(&["coupling"]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let found: Vec<Vec<String>> = text(&output.stdout)
        .lines()
        .map(|line| {
            line.split_whitespace().filter(|word| ["yes", "lost"].contains(word)).map(String::from).collect()
        })
        .filter(|words: &Vec<String>| words.len() == 3)
        .collect();
    let expected =
        [["yes", "lost", "lost"], ["yes", "yes", "lost"], ["yes", "lost", "yes"], ["yes", "yes", "yes"]];
    assert_eq!(found, expected, "{}", text(&output.stdout));
}
