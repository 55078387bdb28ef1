//! Servers that are started and clients that are run, and ended again whatever happens.

use std::ops::Deref;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::support::child_server::{ChildProcess, ChildServer, Ended};

/// The program of this chapter.
pub fn ch5(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch5-rpc"));
    command.args(args).stdin(Stdio::null());
    command
}

/// A server; stopped when it is dropped.
pub struct Server(ChildServer);

impl Server {
    /// Starts a command of this program on a free port.
    pub fn start(args: &[&str]) -> Server {
        Server::start_at(0, args)
    }

    /// Starts a command of this program on this port.
    pub fn start_at(port: u16, args: &[&str]) -> Server {
        Server::spawn(ch5(args).args(["-p", &port.to_string(), "--log", "warn"]))
    }

    /// Starts it on a free port; it logs all that it logs to users.
    pub fn with_log(args: &[&str]) -> Server {
        Server::spawn(ch5(args).args(["-p", "0"]))
    }

    /// Starts it on a free port, with at most `limit` descriptors.
    pub fn with_descriptors(limit: u32, args: &[&str]) -> Server {
        let mut shell = Command::new("sh");
        shell.args([
            "-c",
            &format!("ulimit -n {limit}; exec \"$0\" \"$@\" -p 0"),
            env!("CARGO_BIN_EXE_ch5-rpc"),
        ]);
        Server::spawn(shell.args(args).stdin(Stdio::null()))
    }

    fn spawn(command: &mut Command) -> Server {
        let server = ChildServer::start(command.stderr(Stdio::piped()));
        Server(server.unwrap_or_else(|error| panic!("{command:?}: {error:#}")))
    }

    /// SIGTERM, and how it ends.
    pub fn stop(self) -> Ended {
        self.0.stop()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

impl Deref for Server {
    type Target = ChildServer;

    fn deref(&self) -> &ChildServer {
        &self.0
    }
}

/// Runs a client to its end, no longer than a minute.
pub fn run(command: &mut Command) -> Output {
    const MINUTE: Duration = Duration::from_secs(60);
    let mut client = ChildProcess::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
    let ended = client.wait(MINUTE).unwrap_or_else(|| panic!("{command:?} has not ended within a minute"));
    let [stdout, stderr] = [&client.stdout, &client.stderr].map(|text| {
        text.wait_for_end(MINUTE).unwrap();
        text.bytes()
    });
    Output { status: ended.status.unwrap(), stdout, stderr }
}

/// What it wrote.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
