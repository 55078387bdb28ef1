//! Runs the real program: a server until its `LISTENING` line, a client to its end. Bounded in time, killed on drop.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// No step of a test takes longer.
pub const LIMIT: Duration = Duration::from_secs(20);

/// The program, started.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
    heard: Vec<String>,
}

/// What a run came to.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Starts the program; its standard input is a pipe that stays open.
pub fn start(arguments: &str) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ch2-sockets"))
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = read(child.stdout.take().unwrap());
    let errors = read(child.stderr.take().unwrap());
    Running { child, lines, errors, heard: Vec::new() }
}

/// Runs the program to its end, with nothing on standard input.
pub fn run(arguments: &str) -> Ended {
    let mut running = start(arguments);
    drop(running.child.stdin.take());
    running.end()
}

/// A UDP port that is free now.
pub fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Running {
    /// The next line of stdout that contains `words`.
    pub fn line(&mut self, words: &str) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.heard.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(_) => panic!("no line with {words:?} in:\n{}", self.heard.join("\n")),
            }
        }
    }

    /// The address of the `LISTENING` line.
    pub fn listening(&mut self) -> SocketAddr {
        let line = self.line("");
        line.strip_prefix("LISTENING ").expect("LISTENING comes first").parse().unwrap()
    }

    /// Presses Enter.
    pub fn enter(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Ctrl-C, and what came of it.
    pub fn interrupt(self) -> Ended {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT).unwrap();
        self.end()
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let status = self.exit();
        let stderr = self.errors.iter().collect::<Vec<_>>().join("\n");
        self.heard.extend(self.lines.iter());
        Ended { code: status.code(), stdout: self.heard.join("\n"), stderr }
    }

    fn exit(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "still running; it said:\n{}", self.heard.join("\n"));
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read(source: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(source).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}
