//! Handshakes and TIME_WAIT, counted by the client and by the kernel.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::support::{ch4, run, text};

const REQUESTS: u64 = 60;

/// What the command wrote as JSON.
fn connections(args: &[&str]) -> Vec<Value> {
    let place = tempfile::tempdir().unwrap();
    let json = place.path().join("connections.json");
    let output = run(ch4(&["connections", "--json"]).arg(&json).args(args));
    assert!(output.status.success(), "{}", text(&output.stderr));
    println!("{}", text(&output.stdout));
    serde_json::from_slice(&fs::read(json).unwrap()).unwrap()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} in {value}"))
}

#[test]
fn short_lived_is_a_connection_per_request_and_long_lived_is_one() {
    for address in ["127.0.0.1", "::1"] {
        for closes in ["client", "server"] {
            let requests = REQUESTS.to_string();
            let rounds = connections(&["-n", &requests, "--rounds", "2", "--closes", closes, "-l", address]);
            assert_eq!(rounds.len(), 4, "two clients in two rounds");
            for round in &rounds {
                let handshakes = if round["client"] == "short-lived" { REQUESTS } else { 1 };
                assert_eq!(number(round, "connections"), handshakes);
                // Other programs of this machine are in the kernel's figure too.
                assert!(number(round, "active_opens") >= handshakes, "{round}");
            }
            // The first round's: later, the kernel may use a port in TIME_WAIT again.
            let short = rounds.iter().find(|round| round["client"] == "short-lived").unwrap();
            let kept = [number(short, "time_wait_client"), number(short, "time_wait_server")];
            let expected = if closes == "client" { [REQUESTS, 0] } else { [0, REQUESTS] };
            assert_eq!(kept, expected, "whoever closes first keeps them: {closes}, {address}");
        }
    }
}

#[test]
fn the_table_is_shown_while_both_work() {
    let output = run(&mut ch4(&["connections", "--watch", "200ms", "-n", "10", "--rounds", "1"]));
    let shown = text(&output.stderr);
    let looks = |name: &str, what: &str| {
        shown.lines().filter(|line| line.contains(name) && line.contains(what)).count()
    };
    assert_eq!(looks("long-lived", "1 connection: ESTABLISHED 1+1"), 2, "{shown}");
    assert_eq!(looks("short-lived", "TIME_WAIT"), 2, "{shown}");
    assert_eq!(looks("short-lived", "20 requests, 20 connections"), 1, "{shown}");
    assert!(text(&output.stdout).contains("TIME_WAIT"), "the final table");
}

#[test]
fn ports_run_out_where_the_client_closes_first_and_only_there() {
    let args = ["--exhaust", "20", "--closes"];
    let client = &connections(&[&args[..], &["client"]].concat())[0];
    assert!(client["refused"].as_str().unwrap().contains("Cannot assign requested address"), "{client}");
    // Not "at most 20": a port is free again after a second, which a busy machine may take for them.
    assert!(number(client, "connections") < 200, "it ends before ten turns of the ports: {client}");
    assert!(number(client, "time_wait_client") > 0 && number(client, "time_wait_server") == 0, "{client}");

    let server = &connections(&[&args[..], &["server"]].concat())[0];
    assert_eq!((number(server, "connections"), &server["refused"]), (200, &Value::Null));
    assert!(number(server, "time_wait_client") == 0 && number(server, "time_wait_server") > 0, "{server}");
}

#[test]
fn ctrl_c_ends_the_using_up_of_ports() {
    let mut child = ch4(&["connections", "--exhaust", "10000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap(); // which ports: it begins
    kill(Pid::from_raw(child.id() as i32), Signal::SIGINT).unwrap();
    let (mut rest, mut said) = (String::new(), String::new());
    stdout.read_to_string(&mut rest).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    child.wait().unwrap();
    assert!(said.contains("interrupted"), "it went on to its end: {rest}{said}");
}
