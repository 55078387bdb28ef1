//! `cargo ch2 link` on the real binary: what it says, what it writes, and that a seed decides it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use common::netem::{Direction, Outcome, Profile, fate, recording};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const PATIENCE: Duration = Duration::from_secs(10);

/// A link that is killed when the test ends, however it ends.
struct Link {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Link {
    fn start(to: SocketAddr, arguments: &[&str]) -> Link {
        let mut child = command(&["--listen", "127.0.0.1:0", "--to", &to.to_string()])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("LISTENING ").expect("the first line").parse().unwrap();
        Link { child, stdout, address }
    }

    /// Ends it as Ctrl-C does. Returns what it said after its first line.
    fn stop(mut self, signal: Signal) -> String {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
        let mut said = String::new();
        self.stdout.read_to_string(&mut said).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{said}");
        said
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch2-sockets"));
    command.args(["--log", "error", "link"]).args(arguments);
    command
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// Sends numbers `0..100` through a link that loses a fifth; returns those that came, and what the link said.
fn run(seed: u64, arguments: &[&str]) -> (Vec<u8>, String) {
    let profile = Profile { loss: 0.2, ..Profile::default() };
    let expected = (0..100).filter(|index| !fate(&profile, seed, 0, *index).is_lost()).count();
    let server = socket();
    let seed = seed.to_string();
    let arguments = [&["--loss", "20%", "--seed", &seed], arguments].concat();
    let link = Link::start(server.local_addr().unwrap(), &arguments);
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
    (arrived, link.stop(Signal::SIGTERM))
}

/// The numbers of a row of the summary.
fn row(said: &str, name: &str) -> Vec<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{said}"));
    line.split_whitespace().map(|number| number.parse().unwrap()).collect()
}

#[test]
fn the_same_seed_loses_the_same_datagrams_and_the_summary_counts_them() {
    let (first, said) = run(7, &[]);
    let (second, _) = run(7, &[]);
    let (other, _) = run(8, &[]);
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
    let (arrived, said) = run(7, &["--ladder", "--journal", journal_path, "--picture", picture_path]);
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
    let link = Link::start(listener.local_addr().unwrap(), &arguments);
    let mut client = TcpStream::connect(link.address).unwrap();
    client.write_all(&[7; 10_000]).unwrap();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut received = Vec::new();
    server.read_to_end(&mut received).unwrap();
    assert_eq!(received, [7; 10_000]);
    // A connection that is still open does not hold it up.
    let said = link.stop(Signal::SIGINT);
    assert_eq!(row(&said, "bytes delivered"), [10_000, 0]);
    assert!(said.contains("tcp: 1 connections"), "{said}");
}

#[test]
fn what_cannot_work_is_said_in_a_sentence() {
    let taken = socket();
    let taken = taken.local_addr().unwrap().to_string();
    let fails = |arguments: &[&str], code: i32, hint: &str| {
        let Output { status, stderr, .. } = command(arguments).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert_eq!(status.code(), Some(code), "{stderr}");
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
