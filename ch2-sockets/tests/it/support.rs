//! Commands of this chapter as processes of their own: started, spoken to, and nothing of them left.

pub mod capture;
pub mod conversation;
pub mod tshark;

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use common::support::child_server::{ChildProcess, ChildServer};
use nix::sys::signal::Signal;

/// How long anything may take that is certain to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens. Dropped, it is stopped.
pub struct Server {
    server: ChildServer,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts `ch2-sockets` with these arguments and waits until it listens.
    #[track_caller]
    pub fn start(arguments: &[&str]) -> Server {
        let server = ChildServer::start(command(arguments).stderr(Stdio::piped()));
        let server = server.unwrap_or_else(|error| panic!("{arguments:?}: {error:#}"));
        Server { address: server.address, server }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.server.process.signal(signal).expect("it is not waited for yet");
    }

    /// SIGTERM, status 0 within the bound, no panic; what it has said on stderr.
    #[track_caller]
    pub fn stop(self, bound: Duration) -> String {
        let ended = self.end(Signal::SIGTERM, bound);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        ended.stderr
    }

    /// Sends it a signal and waits for its end.
    #[track_caller]
    pub fn end(self, signal: Signal, bound: Duration) -> Ended {
        self.signal(signal);
        Running { process: self.server.process }.end_within(bound)
    }
}

/// A command that is on its way. Dropped, it is stopped.
pub struct Running {
    process: ChildProcess,
}

/// What a command has said and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Running {
    /// Starts `ch2-sockets` with these arguments; it may read `input`.
    pub fn start(arguments: &[&str], input: &[u8]) -> Running {
        let mut running = Running::with_open_input(arguments);
        let mut stdin = running.process.stdin.take().expect("stdin is piped");
        let input = input.to_vec();
        thread::spawn(move || stdin.write_all(&input)); // EPIPE ends it when not all is read
        running
    }

    /// Starts `ch2-sockets` with these arguments; nobody types anything until [`enter`](Running::enter).
    pub fn with_open_input(arguments: &[&str]) -> Running {
        let mut command = command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running { process: ChildProcess::spawn(&mut command).expect("it can be started") }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal).expect("it is not waited for yet");
    }

    /// The next line of stdout that contains `words`.
    #[track_caller]
    pub fn line(&mut self, words: &str) -> String {
        loop {
            match self.process.next_line(PATIENCE) {
                Some(line) if line.contains(words) => return line,
                Some(_) => {}
                None => {
                    panic!(
                        "no line with {words:?} in:\n{}",
                        String::from_utf8_lossy(&self.process.stdout.bytes())
                    )
                }
            }
        }
    }

    /// Where it listens, which is its first line.
    #[track_caller]
    pub fn listening(&mut self) -> SocketAddr {
        self.process.listening().unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Presses Enter.
    pub fn enter(&mut self) {
        self.process.stdin.as_mut().expect("stdin is open").write_all(b"\n").unwrap();
    }

    /// Ctrl-C, and what came of it.
    #[track_caller]
    pub fn interrupt(self) -> Ended {
        self.signal(Signal::SIGINT);
        self.end()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(self) -> Ended {
        self.end_within(PATIENCE)
    }

    #[track_caller]
    fn end_within(mut self, bound: Duration) -> Ended {
        let ended = self.process.wait(bound);
        let ChildProcess { stdout, stderr, .. } = &self.process;
        let [stdout, stderr] = [stdout, stderr]
            .map(|text| text.wait_for_end(if ended.is_some() { PATIENCE } else { Duration::ZERO }))
            .map(|text| text.unwrap_or_else(|so_far| so_far));
        let Some(ended) = ended else { panic!("it has not ended within {bound:?}: {stdout}{stderr}") };
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ended { status: ended.code(), stdout, stderr }
    }
}

/// Runs `ch2-sockets` with these arguments to its end.
#[track_caller]
pub fn run(arguments: &[&str], input: &[u8]) -> Ended {
    Running::start(arguments, input).end()
}

/// The same, and it ends well; its stdout.
#[track_caller]
pub fn succeed(arguments: &[&str], input: &[u8]) -> String {
    let ended = run(arguments, input);
    assert_eq!(ended.status, Some(0), "{arguments:?}: {ended:?}");
    ended.stdout
}

/// The same as [`Running::with_open_input`] with a whole command line.
pub fn start_line(arguments: &str) -> Running {
    Running::with_open_input(&arguments.split_whitespace().collect::<Vec<_>>())
}

/// The same as [`run`] with a whole command line, and with nothing on standard input.
#[track_caller]
pub fn run_line(arguments: &str) -> Ended {
    run(&arguments.split_whitespace().collect::<Vec<_>>(), b"")
}

/// A UDP port that is free now.
pub fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch2-sockets"));
    command.args(arguments).env("TZ", "UTC");
    command
}
