//! Unmodified programs of pika, the client that the notes name, and of amqplib, the client for Node: what they print against RabbitMQ
//! stands in `pika/transcript.txt` and `node/transcript.txt`. Against our broker they print the same, but for the differences that
//! `docs/differences.md` lists.
//!
//! The transcripts were made with RabbitMQ 3.10.8:
//!
//! ```text
//! python3 tests/it/pika/run.py amqp://guest:guest@127.0.0.1:5672/ > tests/it/pika/transcript.txt
//! node tests/it/node/run.js amqp://guest:guest@127.0.0.1:5672/ > tests/it/node/transcript.txt
//! ```

use std::process::{Command, Stdio};
use std::sync::LazyLock;

use crate::support::{Broker, run, text};

const PIKA: &str = include_str!("pika/transcript.txt");
const NODE: &str = include_str!("node/transcript.txt");
const DIFFERENCES: &str = include_str!("../../docs/differences.md");

/// The Python to test with: `CH6_PYTHON`, or `python3`, if it has pika.
static PYTHON: LazyLock<Option<String>> = LazyLock::new(|| {
    let python = std::env::var("CH6_PYTHON").unwrap_or_else(|_| "python3".into());
    if succeeds(&python, &["-c", "import pika"]) {
        return Some(python);
    }
    eprintln!(
        "\nSKIPPED, programs of pika are NOT tested: {python} has no pika (CH6_PYTHON names another)\n"
    );
    None
});

/// Node, if it finds amqplib: `NODE_PATH` says where that is.
static AMQPLIB: LazyLock<bool> = LazyLock::new(|| {
    let is_there = succeeds("node", &["-e", "require('amqplib')"]);
    if !is_there {
        eprintln!(
            "\nSKIPPED, programs of amqplib are NOT tested: node has none (NODE_PATH says where it is)\n"
        );
    }
    is_there
});

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let status = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// RabbitMQ, if there is one.
fn rabbitmq() -> Option<String> {
    let url = std::env::var("CH6_RABBITMQ").ok();
    if url.is_none() {
        eprintln!("\nSKIPPED, the transcript is NOT compared with RabbitMQ: CH6_RABBITMQ names none\n");
    }
    url
}

/// What the programs of pika print against the broker at this URL.
fn pika(python: &str, url: &str) -> String {
    let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/pika/run.py");
    printed(Command::new(python).args(["-B", programs, url]))
}

/// What the programs of amqplib print against the broker at this URL.
fn node(url: &str) -> String {
    printed(Command::new("node").args([concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/node/run.js"), url]))
}

fn printed(command: &mut Command) -> String {
    let output = run(command.stdin(Stdio::null()));
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The rows of the page: the line of RabbitMQ, and ours.
fn differences() -> Vec<(String, String)> {
    let rows = DIFFERENCES.lines().filter_map(|line| line.strip_prefix("| `"));
    let differences: Vec<_> = rows
        .map(|row| {
            let mut cells = row.split('`').step_by(2);
            (cells.next().unwrap_or_default().to_string(), cells.next().unwrap_or_default().to_string())
        })
        .collect();
    for (theirs, ours) in &differences {
        assert!(PIKA.lines().any(|line| line == theirs), "a difference from nothing: {theirs}");
        assert!(!ours.is_empty() && theirs != ours, "no difference: {theirs}");
    }
    differences
}

/// Compares line by line, and names the program in which the first difference is.
fn assert_same(expected: &str, found: &str) {
    let mut program = "";
    let mut found = found.lines();
    for line in expected.lines() {
        program = line.strip_prefix("== ").unwrap_or(program);
        let ours = found.next().unwrap_or("(nothing more)");
        assert_eq!(line, ours, "in the program {program}: first RabbitMQ's line, then the other's");
    }
    assert_eq!(found.next(), None, "more than RabbitMQ shows");
}

/// Our broker, in memory and with a log.
fn brokers() -> [(Broker, Option<tempfile::TempDir>); 2] {
    let data = tempfile::tempdir().unwrap();
    let durable = Broker::start(&["--data", data.path().to_str().unwrap()]);
    [(Broker::start(&[]), None), (durable, Some(data))]
}

#[test]
fn pika_on_our_broker() {
    let Some(python) = PYTHON.as_deref() else { return };
    let mut expected = PIKA.to_string();
    for (theirs, ours) in differences() {
        expected = expected.replace(&format!("{theirs}\n"), &format!("{ours}\n"));
    }
    for (broker, _data) in brokers() {
        assert_same(&expected, &pika(python, &format!("amqp://guest:guest@{}/", broker.address)));
    }
}

#[test]
fn pika_on_rabbitmq_itself() {
    let Some(python) = PYTHON.as_deref() else { return };
    if let Some(url) = rabbitmq() {
        assert_same(PIKA, &pika(python, &url));
    }
}

#[test]
fn amqplib_on_our_broker() {
    if !*AMQPLIB {
        return;
    }
    for (broker, _data) in brokers() {
        assert_same(NODE, &node(&format!("amqp://guest:guest@{}/", broker.address)));
    }
}

#[test]
fn amqplib_on_rabbitmq_itself() {
    if let Some(url) = rabbitmq().filter(|_| *AMQPLIB) {
        assert_same(NODE, &node(&url));
    }
}
