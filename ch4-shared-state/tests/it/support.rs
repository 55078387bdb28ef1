//! Servers that are started and clients that are run, and ended again whatever happens.

pub mod guessword;
pub mod notify;
pub mod segments;
pub mod terminal;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The program of this chapter.
pub fn ch4(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch4-shared-state"));
    command.args(args).stdin(Stdio::null());
    command
}

/// A server; killed when it is dropped.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// Starts a command of this program on a free port.
    pub fn start(args: &[&str]) -> Server {
        Server::spawn(ch4(args).args(["--log", "warn"]))
    }

    /// The same, with its log to be read. There is not room for much that nobody reads.
    pub fn with_log(args: &[&str]) -> (Server, ChildStderr) {
        let mut server = Server::spawn(ch4(args).stderr(Stdio::piped()));
        let log = server.child.stderr.take().unwrap();
        (server, log)
    }

    fn spawn(command: &mut Command) -> Server {
        let mut child = command.args(["-p", "0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("LISTENING ").unwrap_or_else(|| panic!("first line: {line:?}"));
        Server { address: address.parse().unwrap(), child }
    }

    /// SIGTERM, and how it ends.
    pub fn terminate(&mut self) -> ExitStatus {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a client to its end, no longer than a minute.
pub fn run(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Read meanwhile: a pipe that is full would stop it.
    let read = |mut pipe: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            pipe.read_to_end(&mut bytes).unwrap();
            bytes
        })
    };
    let stdout = read(Box::new(child.stdout.take().unwrap()));
    let stderr = read(Box::new(child.stderr.take().unwrap()));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("{command:?} has not ended within a minute");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

/// What it wrote.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
