//! Commands of this chapter as processes of their own: started, spoken to, and nothing of them left.

pub mod capture;
pub mod conversation;
pub mod steps;
pub mod tshark;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything may take that is certain to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens. Dropped, it is killed.
pub struct Server {
    child: Child,
    stderr: Option<JoinHandle<String>>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts `ch2-sockets` with these arguments and waits for its first line, `LISTENING <address>`.
    pub fn start(arguments: &[&str]) -> Server {
        let mut child = command(arguments).stdin(Stdio::null()).spawn().expect("it can be started");
        let stderr = collect(child.stderr.take().expect("stderr is piped"));
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let _ = stdout.read_line(&mut first);
        let address = first.trim_end().strip_prefix("LISTENING ").and_then(|text| text.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("{arguments:?} says {first:?}\n{}", stderr.join().expect("it only reads"));
        };
        collect(stdout); // whatever else it says must not block it
        Server { child, stderr: Some(stderr), address }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is not waited for yet");
    }

    /// SIGTERM, status 0 within the bound, no panic; what it has said on stderr.
    pub fn stop(mut self, bound: Duration) -> String {
        self.signal(Signal::SIGTERM);
        let status = wait(&mut self.child, bound);
        let stderr = self.stderr.take().expect("taken once").join().expect("it only reads");
        assert_eq!(status.code(), Some(0), "{stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        stderr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that is on its way. Dropped, it is killed.
pub struct Running {
    child: Child,
    stdout: Option<JoinHandle<String>>,
    stderr: Option<JoinHandle<String>>,
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
        let mut child = command(arguments).stdin(Stdio::piped()).spawn().expect("it can be started");
        let stdout = collect(child.stdout.take().expect("stdout is piped"));
        let stderr = collect(child.stderr.take().expect("stderr is piped"));
        let mut stdin = child.stdin.take().expect("stdin is piped");
        let input = input.to_vec();
        thread::spawn(move || stdin.write_all(&input)); // who does not read it all ends it with EPIPE
        Running { child, stdout: Some(stdout), stderr: Some(stderr) }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).expect("it is not waited for yet");
    }

    /// Waits for its end.
    pub fn end(mut self) -> Ended {
        let status = wait(&mut self.child, PATIENCE);
        let text =
            |reader: Option<JoinHandle<String>>| reader.expect("taken once").join().expect("it only reads");
        let (stdout, stderr) = (text(self.stdout.take()), text(self.stderr.take()));
        assert!(!stderr.contains("panicked"), "{stderr}");
        Ended { status: status.code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `ch2-sockets` with these arguments to its end.
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

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch2-sockets"));
    command.args(arguments).env("TZ", "UTC").stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn collect(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the end of a child, and kills it when that does not come in time.
fn wait(child: &mut Child, bound: Duration) -> ExitStatus {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(status) = child.try_wait().expect("it is our child") {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("it has not ended within {bound:?}");
        }
        thread::sleep(Duration::from_millis(2));
    }
}
