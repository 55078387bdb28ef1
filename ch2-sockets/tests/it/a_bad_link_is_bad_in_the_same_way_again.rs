//! `cargo ch2 link` on the real binary: what it says, what it writes, and that a seed decides it.

use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};

use common::netem::{Direction, Outcome, Profile, fate, recording};
use nix::sys::signal::Signal;

use crate::support::{Ended, PATIENCE, Server, run};

/// A link to this server.
fn link(to: SocketAddr, arguments: &[&str]) -> Server {
    let to = to.to_string();
    Server::start(&[&["--log", "error", "link", "--listen", "127.0.0.1:0", "--to", &to], arguments].concat())
}

/// Ends it, and returns what it has said.
fn said(link: Server, signal: Signal) -> String {
    let ended = link.end(signal, PATIENCE);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    ended.stdout
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends numbers `0..100` through a link that loses a fifth; returns those that came, and what the link said.
fn lose_a_fifth(seed: u64, arguments: &[&str]) -> (Vec<u8>, String) {
    let profile = Profile { loss: 0.2, ..Profile::default() };
    let expected = (0..100).filter(|index| !fate(&profile, seed, 0, *index).is_lost()).count();
    let server = socket();
    let seed = seed.to_string();
    let arguments = [&["--loss", "20%", "--seed", &seed], arguments].concat();
    let link = link(server.local_addr().unwrap(), &arguments);
    let client = socket();
    for number in 0..100 {
        client.send_to(&[number], link.address).unwrap();
    }
    let mut buffer = [0; 16];
    let mut arrived = Vec::new();
    while arrived.len() < expected {
        assert_eq!(server.recv(&mut buffer).expect("as many as the fates say"), 1);
        arrived.push(buffer[0]);
    }
    (arrived, said(link, Signal::SIGTERM))
}

/// The numbers of a row of the summary.
fn row(said: &str, name: &str) -> Vec<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{said}"));
    line.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[test]
fn the_same_seed_loses_the_same_datagrams_and_the_summary_counts_them() {
    let (first, said) = lose_a_fifth(7, &[]);
    let (second, _) = lose_a_fifth(7, &[]);
    let (other, _) = lose_a_fifth(8, &[]);
    assert_eq!(first, second);
    assert_ne!(first, other);
    assert!(said.contains("seed 7"));
    assert_eq!(row(&said, "sent"), [100, 0]);
    assert_eq!(row(&said, "lost"), [100 - first.len() as u64, 0]);
    assert_eq!(row(&said, "delivered"), [first.len() as u64, 0]);
    assert_eq!(row(&said, "bytes delivered"), [first.len() as u64, 0]);
}

#[test]
fn the_journal_the_picture_and_the_ladder_say_what_happened() {
    let folder = tempfile::tempdir().unwrap();
    let [journal, picture] = ["run.jsonl", "run.html"].map(|name| folder.path().join(name));
    let [journal_path, picture_path] = [&journal, &picture].map(|path| path.to_str().unwrap());
    let (arrived, said) =
        lose_a_fifth(7, &["--ladder", "--journal", journal_path, "--picture", picture_path]);
    let events = recording::read(BufReader::new(std::fs::File::open(&journal).unwrap())).unwrap();
    assert_eq!(events.len(), 100);
    let lost = 100 - arrived.len();
    assert_eq!(events.iter().filter(|event| event.outcome == Outcome::Lost).count(), lost);
    assert!(events.iter().all(|event| event.direction == Direction::Up && event.length == 1));
    let page = std::fs::read_to_string(&picture).unwrap();
    assert_eq!(page.split_once("<main>").unwrap().1.matches("class=\"cross\"").count(), lost);
    assert_eq!((said.matches('✕').count(), said.matches('▶').count()), (lost, arrived.len()));
}

#[test]
fn streams_pass_by_the_same_port_and_ctrl_c_ends_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let arguments = ["--split", "50%", "--merge", "20%", "--corrupt", "0"];
    let link = link(listener.local_addr().unwrap(), &arguments);
    let mut client = TcpStream::connect(link.address).unwrap();
    client.write_all(&[7; 10_000]).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut received = Vec::new();
    server.read_to_end(&mut received).unwrap();
    assert_eq!(received, [7; 10_000]);
    // A connection that is still open does not hold it up.
    let said = said(link, Signal::SIGINT);
    assert_eq!(row(&said, "bytes delivered"), [10_000, 0]);
    assert!(said.contains("tcp: 1 connections"), "{said}");
}

#[test]
fn what_cannot_work_is_said_in_a_sentence() {
    let taken = socket();
    let taken = taken.local_addr().unwrap().to_string();
    let fails = |arguments: &[&str], code: i32, hint: &str| {
        let Ended { status, stderr, .. } = run(&[&["link"], arguments].concat(), b"");
        assert_eq!(status, Some(code), "{stderr}");
        assert!(stderr.contains(hint), "{arguments:?}: {stderr}");
    };
    fails(&["--udp", "--listen", &taken], 1, "cannot listen on 127.0.0.1");
    fails(&["--listen", "127.0.0.1:7777"], 1, "would relay to itself");
    fails(&["--listen", "127.0.0.1:0", "--journal", "/nowhere/at/all"], 1, "cannot write /nowhere/at/all");
    // 2 is clap's own exit status for a command line that cannot be read.
    fails(&["--loss", "20"], 2, "is it 20% that is meant");
    fails(&["--cut", "left@1s.."], 2, "is not a way");
    fails(&["--rate", "10"], 2, "is not a rate");
}
