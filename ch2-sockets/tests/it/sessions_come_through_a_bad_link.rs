//! Sessions through the real relay that loses, doubles and reorders: every byte arrives, each message once. And the table that
//! shows what a window buys.

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::support::{Running, Server, run, succeed};

/// A relay before the server, whose faults are these.
fn link(to: &Server, faults: &[&str]) -> Server {
    let to = to.address.to_string();
    Server::start(
        &[&["link", "--listen", "127.0.0.1:0", "--to", &to, "--udp", "--seed", "11"], faults].concat(),
    )
}

fn text(length: usize) -> String {
    (0..length as u32).map(|n| char::from(b'!' + (n.wrapping_mul(2_654_435_761) >> 25) as u8 % 90)).collect()
}

#[test]
fn a_message_arrives_once_and_whole_both_ways_whatever_the_link_does() {
    let faults =
        ["--loss", "10%", "--duplicate", "10%", "--reorder", "20%:3ms", "--delay", "1ms", "--jitter", "1ms"];
    let board = Server::start(&["board-server", "-p", "0"]);
    let link = link(&board, &faults);
    let port = link.address.port().to_string();
    let big = text(1_000_000);
    for rest in [&[][..], &["--congestion", "reno"], &["--window", "16"]] {
        let arguments =
            [&["board-client", "-t", "session", "-p", &port, "-m", "-", "-l", "1"], rest].concat();
        let output = succeed(&arguments, big.as_bytes());
        assert!(output.trim_end().ends_with(&big), "{rest:?}: {} bytes came back", output.len());
    }
    // Asked past the link: there are three.
    let port = board.address.port().to_string();
    assert_eq!(succeed(&["board-client", "-p", &port], b"").lines().count(), 3);
}

#[test]
fn blocks_of_the_original_protocol_are_repeated_until_they_are_there() {
    let board = Server::start(&["board-server", "-p", "0"]);
    let link = link(&board, &["--loss", "20%"]);
    let (port, direct) = (link.address.port().to_string(), board.address.port().to_string());
    let big = text(700_000);
    let upload =
        ["board-client", "-t", "blocks", "-p", &port, "-m", "-", "--timeout", "3s", "--retries", "5"];
    let ended = run(&upload, big.as_bytes());
    assert!(ended.stdout.starts_with("Message published\n"), "{ended:?}");
    let output = succeed(&["board-client", "-t", "session", "-p", &direct], b"");
    assert!(output.trim_end().ends_with(&big) && output.lines().count() == 1, "{} bytes", output.len());
}

#[test]
fn plain_datagrams_are_repeated_and_late_ones_not_mixed_up() {
    let board = Server::start(&["board-server", "-p", "0"]);
    let direct = board.address.port().to_string();
    for number in 0..30 {
        succeed(&["board-client", "-p", &direct, "-m", &format!("text {number}"), "-l", "1"], b"");
    }
    let link =
        link(&board, &["--loss", "10%", "--duplicate", "30%", "--delay", "1ms", "--reorder", "20%:10ms"]);
    let port = link.address.port().to_string();
    let read = ["board-client", "-p", &port, "--timeout", "100ms", "--retries", "20"];
    let through = succeed(&read, b"");
    assert_eq!(through, succeed(&["board-client", "-p", &direct], b""), "the same as past the link");
}

#[test]
fn a_cable_that_is_pulled_is_noticed() {
    let board = Server::start(&["board-server", "-p", "0"]);
    let link = link(&board, &["--cut", "both@#40.."]);
    let port = link.address.port().to_string();
    let upload =
        ["board-client", "-t", "session", "-p", &port, "-m", "-", "--timeout", "200ms", "--retries", "2"];
    let ended = run(&upload, text(2_000_000).as_bytes());
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("error: nobody answers at 127.0.0.1:"), "{}", ended.stderr);
    let direct = board.address.port().to_string();
    assert_eq!(succeed(&["board-client", "-p", &direct], b""), "", "half a message is no message");
}

#[test]
fn the_table_of_windows_has_a_line_for_each_way() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("windows.json");
    let arguments =
        ["windows", "--loss", "1%", "--delay", "1ms", "--size", "200KB", "--json", json.to_str().unwrap()];
    let output = succeed(&arguments, b"");
    for words in [
        "goodput",
        "original, one block",
        "window of 1 block",
        "window of 8",
        "window of 64",
        "reno",
        "tolerant",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    let rows: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 6);
    let goodput = |row: usize| rows[row]["goodput"].as_f64().unwrap();
    // A round trip of 2 ms per block of 1.4 kB: less than 0.7 MB/s, whatever the machine does.
    assert!(goodput(1) < 0.7e6, "{output}");
    assert!(rows[1]["datagrams"].as_u64().unwrap() > 140, "{output}");

    let endless = Running::start(&["windows", "--only", "window1", "--delay", "1s"], b"");
    endless.signal(Signal::SIGTERM);
    let ended = endless.end();
    assert!(ended.status == Some(130) || ended.status.is_none(), "{ended:?}"); // before its handler was installed, or after
}

#[test]
fn the_server_hears_the_stop_while_a_slow_upload_is_on_its_way() {
    let board = Server::start(&["board-server", "-p", "0"]);
    let link = link(&board, &["--delay", "50ms"]);
    let port = link.address.port().to_string();
    let slow = Running::start(
        &[
            "board-client",
            "-t",
            "session",
            "-p",
            &port,
            "-m",
            "-",
            "--timeout",
            "300ms",
            "--retries",
            "1",
            "--window",
            "1",
        ],
        text(300_000).as_bytes(),
    );
    board.stop(Duration::from_secs(2));
    assert_eq!(slow.end().status, Some(1));
}
