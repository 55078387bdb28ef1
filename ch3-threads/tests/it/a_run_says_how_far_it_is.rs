//! `simulate` and `compare` as they run, are interrupted, and meet a server that serves something else.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::support::child_server::{ChildProcess, ChildServer};
use nix::sys::signal::Signal;
use tempfile::tempdir;

/// Far more than anything here needs.
const LIMIT: Duration = Duration::from_secs(30);
const PROGRAM: &str = env!("CARGO_BIN_EXE_ch3-threads");

fn serve(arguments: &str) -> ChildServer {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", "-p", "0"]).args(arguments.split_whitespace()).stderr(Stdio::piped());
    ChildServer::start(&mut command).unwrap()
}

fn simulate(server: &ChildServer, arguments: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(["simulate", "-p", &server.address.port().to_string()]).args(arguments.split_whitespace());
    command
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn simulate_and_serve_fit_without_an_argument() {
    let server = serve("");
    let (table, errors) = text(&simulate(&server, "--time-scale 0.01").output().unwrap());
    let row = table.lines().skip_while(|line| !line.contains("gave up")).nth(1).unwrap();
    assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["5", "5", "0", "0", "0", "0"], "{table}{errors}");
    assert!(!errors.contains("needs the service"), "{errors}");
}

#[test]
fn a_server_of_another_service_is_told_which_one_is_needed() {
    for (service, scenario, status) in [
        ("hold", "-s echo -c 3", 1),
        ("echo", "-s patience --time-scale 0.005", 0),
        ("heavy", "-s factor -c 2 --timeout 200ms", 0),
    ] {
        let server = serve(&format!("-s {service} --delay 10ms"));
        let output = simulate(&server, scenario).output().unwrap();
        let (table, errors) = text(&output);
        let needed = scenario.split(' ').nth(1).unwrap().replace("patience", "hold");
        assert!(
            errors.contains(&format!("cargo ch3 serve --service {needed}")),
            "{scenario}: {table}{errors}"
        );
        assert_eq!(output.status.code(), Some(status), "{scenario}: {table}{errors}");
    }
}

#[test]
fn ctrl_c_ends_a_simulation_with_130_and_what_was_found_until_then() {
    let server = serve("-m epoll -s echo");
    let folder = tempdir().unwrap();
    let json = folder.path().join("row.json");
    let mut command = simulate(&server, "-s echo -c 4 -d 10m --warm-up 0 --progress 100ms --json");
    let mut running =
        ChildProcess::spawn(command.arg(&json).stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
    // It has begun, and says so where standard error is no terminal.
    let far = |log: &str| log.contains(" of 600000 ms").then_some(());
    running.stderr.wait(LIMIT, far).unwrap();
    running.signal(Signal::SIGINT).unwrap();
    let ended = running.wait(LIMIT).expect("Ctrl-C ends it");
    let table = running.stdout.wait_for_end(LIMIT).unwrap();
    assert_eq!(ended.code(), Some(130), "{table}");
    assert!(table.contains("INTERRUPTED") && table.contains("requests in "), "{table}");
    let row: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert!(row["clients"] == 4 && row["requests"].as_u64() > Some(0), "{row}");
}

#[test]
fn a_long_comparison_says_how_far_it_is_and_a_short_one_does_not() {
    let compare = |more: &str| {
        let arguments =
            "compare -m epoll,poll -s echo -n 3 -c 2 --duration 200ms --warm-up 10ms --report /dev/null";
        let mut command = Command::new(PROGRAM);
        let output = command.args(arguments.split(' ')).args(more.split_whitespace()).output().unwrap();
        assert!(output.status.success());
        text(&output).1
    };
    assert!(compare("--progress 100ms").contains("2 of 6 measured, the last: echo"));
    assert!(!compare("").contains("measured"));
}

#[test]
fn one_is_singular() {
    let server = serve("-m epoll -s echo");
    let (table, _) = text(&simulate(&server, "-s crowd -c 1 --stay 0").output().unwrap());
    assert!(
        table.contains("1 client at once sends 32 bytes each, waits ") && table.contains("\n1 request in "),
        "{table}"
    );
    let log = server.process.stderr.clone();
    assert!(server.stop().success());
    let log = log.wait_for_end(LIMIT).unwrap();
    assert!(log.contains("Terminating: 1 connection, 1 request\n"), "{log}");
}
