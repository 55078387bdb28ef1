//! `inspect`: once, in lines, as JSON, without a broker.

use std::process::Stdio;

use common::support::child_server::{ChildProcess, free_port};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{ch6, run, text};
use crate::watching::{PATIENCE, Watched};

fn broker() -> Watched {
    let broker = Watched::start(&[]);
    broker.done("PUT", "/exchanges/%2F/logs", &json!({"type": "fanout"}));
    broker.done("PUT", "/queues/%2F/red%1B%5B31m", &json!({}));
    broker.done("POST", "/bindings/%2F/e/logs/q/red%1B%5B31m", &json!({}));
    broker.done("POST", "/exchanges/%2F/logs/publish", &json!({"payload": "x", "routing_key": ""}));
    broker
}

#[test]
fn once_it_is_a_table_or_json() {
    let broker = broker();
    let table = run(&mut ch6(&["inspect", "--once", "--url", &broker.url()]));
    let table = text(&table.stdout);
    assert!(table.starts_with("  published 1   delivered 0"), "{table}");
    assert!(
        table.contains("red\u{fffd}[31m") && table.contains("logs") && !table.contains('\u{1b}'),
        "{table}"
    );
    let json = run(&mut ch6(&["inspect", "--once", "--json", "--url", &broker.url()]));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&json["queues"][0]["ready"], &json["alarm"]), (&1.into(), &Value::Null));
}

#[test]
fn in_a_pipe_it_is_a_line_each_time_until_ctrl_c() {
    let broker = broker();
    let mut command = ch6(&["inspect", "--every", "100ms", "--url", &broker.url()]);
    let mut inspect = ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
    let first = inspect.next_line(PATIENCE).unwrap();
    assert!(first.contains("published 1   delivered 0"), "{first}");
    let second = inspect.next_line(PATIENCE).unwrap();
    assert!(second.contains("published 0/s") && second.contains("1 ready"), "{second}");
    inspect.signal(Signal::SIGINT).unwrap();
    let ended = inspect.wait(PATIENCE).unwrap();
    assert!(ended.success(), "{ended}");
}

#[test]
fn without_a_broker_it_says_how_to_start_one() {
    let url = format!("http://127.0.0.1:{}/", free_port().unwrap());
    let none = run(&mut ch6(&["inspect", "--url", &url]));
    let said = text(&none.stderr);
    assert!(
        none.status.code() == Some(1) && said.contains("`cargo ch6 broker`") && said.lines().count() == 1,
        "{said}"
    );
    let broker = broker();
    let wrong = run(&mut ch6(&["inspect", "--user", "ann", "--url", &broker.url()]));
    assert!(text(&wrong.stderr).contains("refuses this user"), "{}", text(&wrong.stderr));
}

#[test]
fn the_end_of_the_broker_is_its_end() {
    let Watched { broker: server, http } = broker();
    let url = format!("http://{http}/");
    let mut command = ch6(&["inspect", "--every", "100ms", "--url", &url]);
    let mut inspect = ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
    inspect.next_line(PATIENCE).unwrap();
    assert!(server.stop().success());
    let ended = inspect.wait(PATIENCE).unwrap();
    assert_eq!(ended.code(), Some(1), "{ended}");
}
