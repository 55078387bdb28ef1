//! The protocols use no socket, no thread and no clock: their sources are read and searched for what would be one.
//!
//! A rule that is only written down holds until the first hurry. What it buys is in `protocol.rs`: the same parser under
//! every model, and tests that need neither a network nor a second of time.

use std::fs;
use std::path::PathBuf;

use crate::sources::{crate_folder, files};

/// Names that belong to the outside. Types that only describe it, such as `SocketAddr` and `Duration`, are welcome.
const OUTSIDE: [&str; 12] = [
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "std::thread",
    "thread::spawn",
    "Instant::now",
    "SystemTime::now",
    "UNIX_EPOCH.elapsed",
    "nix::",
    "socket2",
    "tokio",
    "libc::",
];

/// Files of `src/netem/` that may touch the outside: the real half. Every other file there is the virtual half.
const REAL_HALF_OF_NETEM: [&str; 4] = ["relay.rs", "sockets.rs", "tcp.rs", "udp.rs"];

#[test]
fn the_protocols_touch_nothing_outside() {
    let files = files(&crate_folder("common").join("src").join("protocol"));
    assert!(files.len() >= 4, "the protocols have moved: {files:?}");
    assert_pure(&files);
}

#[test]
fn the_conversation_touches_nothing_outside() {
    let core = crate_folder("common").join("src").join("core");
    let mut files = files(&core.join("conversation"));
    files.push(core.join("conversation.rs"));
    assert_pure(&files);
}

#[test]
fn the_virtual_half_of_the_link_touches_nothing_outside() {
    let mut files = files(&crate_folder("common").join("src").join("netem"));
    files.retain(|file| REAL_HALF_OF_NETEM.iter().all(|name| !file.ends_with(name)));
    assert_pure(&files);
}

#[test]
fn the_judge_of_histories_touches_nothing_outside() {
    let files = files(&crate_folder("common").join("src").join("verify"));
    assert!(files.len() >= 7, "it has moved: {files:?}");
    assert_pure(&files);
}

#[test]
fn the_search_finds_what_it_is_for() {
    assert_eq!(outside_names("use std::net::{SocketAddr, UdpSocket};"), ["line 1: UdpSocket"]);
    assert_eq!(outside_names("\nlet now = SystemTime::now(); // why not"), ["line 2: SystemTime::now"]);
    assert_eq!(outside_names("std::thread::spawn(f)"), ["line 1: std::thread", "line 1: thread::spawn"]);
    assert!(
        outside_names("//! no UdpSocket here\nlet host: std::net::IpAddr; // nor a TcpStream").is_empty()
    );
}

/// A test needs some point in time to begin with, and there is no other than now.
fn assert_pure(files: &[PathBuf]) {
    for file in files.iter().filter(|file| !file.ends_with("tests.rs")) {
        let source = fs::read_to_string(file).expect("a source file is text");
        let found = outside_names(&source);
        assert!(found.is_empty(), "{} is sans-I/O, but names {found:?}", file.display());
    }
}

/// The lines of code, comments aside, that name something outside.
fn outside_names(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (index, line) in source.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        found.extend(
            OUTSIDE
                .iter()
                .filter(|name| code.contains(*name))
                .map(|name| format!("line {}: {name}", index + 1)),
        );
    }
    found
}
