//! What arrives is what was served, whoever waits for it and however the server runs its connections.

use std::fs;
use std::time::Duration;

use crate::support::{Server, ch4, run, text};

const MODES: [&str; 3] = ["sequential", "threads", "async"];

#[test]
fn files_of_every_length_arrive_as_they_are() {
    let served = tempfile::tempdir().unwrap();
    let files: Vec<(String, Vec<u8>)> = [0, 1, 65_535, 65_536, 65_537, 300_000]
        .into_iter()
        .map(|length: usize| (format!("{length}.bin"), (0..length).map(|at| (at * 31 % 251) as u8).collect()))
        .collect();
    for (name, bytes) in &files {
        fs::write(served.path().join(name), bytes).unwrap();
    }
    for model in ["thread-per-connection", "epoll", "tokio", "prefork", "thread-per-request"] {
        let server =
            Server::start(&["files-server", "--model", model, "--dir", served.path().to_str().unwrap()]);
        for mode in MODES {
            let came = tempfile::tempdir().unwrap();
            let urls = files.iter().map(|(name, _)| server.url(name));
            let mut command = ch4(&["download", "--mode", mode, "--output", came.path().to_str().unwrap()]);
            let output = run(command.args(urls));
            assert!(output.status.success(), "{model}, {mode}: {}", text(&output.stderr));
            for (name, bytes) in &files {
                assert!(fs::read(came.path().join(name)).unwrap() == *bytes, "{name}, {model}, {mode}");
            }
            assert_eq!(fs::read_dir(came.path()).unwrap().count(), files.len(), "and nothing else is left");
        }
    }
}

#[test]
fn made_files_are_the_same_at_every_rate_and_come_from_their_seed() {
    let fetch = |seed: &str, rate: &[&str]| {
        let server = Server::start(&[&["files-server", "--size", "50kB", "--seed", seed], rate].concat());
        let came = tempfile::tempdir().unwrap();
        let urls = ["file-1.bin", "file-2.bin"].map(|name| server.url(name));
        let output = run(ch4(&["download", "--output", came.path().to_str().unwrap()]).args(urls));
        assert!(output.status.success(), "{}", text(&output.stderr));
        ["file-1.bin", "file-2.bin"].map(|name| fs::read(came.path().join(name)).unwrap())
    };
    let [first, second] = fetch("7", &[]);
    assert!(first.len() == 50_000 && first != second);
    assert!(fetch("7", &["--rate", "1MB/s", "--latency", "5ms"]) == [first, second.clone()]);
    assert!(fetch("8", &[])[1] != second);
}

#[test]
fn the_server_counts_what_was_asked_for_and_not_its_pieces() {
    let server = Server::with_log(&["files-server", "--size", "1MB", "--rate", "20MB/s"]);
    let urls = ["file-1.bin", "file-2.bin", "nosuch", ""].map(|name| server.url(name));
    let came = tempfile::tempdir().unwrap();
    let output = run(ch4(&["download", "--output", came.path().to_str().unwrap()]).args(urls));
    assert_eq!(output.status.code(), Some(1), "one is not there: {}", text(&output.stderr));
    let log = server.process.stderr.clone();
    assert!(server.stop().success());
    let log = log.wait_for_end(Duration::from_secs(10)).unwrap();
    assert!(log.contains(": 4 connections, 4 requests\n"), "{log}");
}

#[test]
fn two_files_of_one_name_are_both_kept_and_an_old_one_is_replaced() {
    let server = Server::start(&["files-server", "--size", "10"]);
    let came = tempfile::tempdir().unwrap();
    fs::write(came.path().join("file-1.bin"), "an old file of this name").unwrap();
    let url = server.url("file-1.bin");
    let output = run(ch4(&["download", "--output", came.path().to_str().unwrap()]).args([&url, &url]));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let [first, second] =
        ["file-1.bin", "file-1.bin-2"].map(|name| fs::read(came.path().join(name)).unwrap());
    assert!(first.len() == 10 && first == second);
}

#[test]
fn the_demonstration_measures_all_modes_and_draws_them() {
    let place = tempfile::tempdir().unwrap();
    let (json, report) = (place.path().join("runs.json"), place.path().join("runs.html"));
    let args =
        ["download", "--files", "3", "--size", "20kB", "--rate", "1MB/s", "--latency", "20ms", "--json"];
    let output = run(ch4(&args).arg(&json).arg("--report").arg(&report));
    assert!(output.status.success(), "{}", text(&output.stderr));
    let runs: serde_json::Value = serde_json::from_slice(&fs::read(json).unwrap()).unwrap();
    for (run, mode) in runs.as_array().unwrap().iter().zip(MODES) {
        assert_eq!(run["mode"], mode);
        let records = run["records"].as_array().unwrap();
        assert_eq!(records.len(), 3);
        assert!(records.iter().all(|record| record["bytes"] == 20_000 && record["error"].is_null()));
        assert!(text(&output.stdout).lines().any(|line| line.starts_with(mode)));
    }
    // A rectangle for the waiting and one for the loading of each file.
    assert_eq!(fs::read_to_string(report).unwrap().matches("<rect").count(), 3 * 3 * 2);
}
