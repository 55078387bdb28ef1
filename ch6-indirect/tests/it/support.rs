//! Brokers that are started, and ended again whatever happens.

use std::ops::Deref;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use common::support::child_server::{ChildProcess, ChildServer, Ended};

/// The program of this chapter.
pub fn ch6(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch6-indirect"));
    command.args(args).stdin(Stdio::null());
    command
}

/// A broker; stopped when it is dropped.
pub struct Broker(ChildServer);

impl Broker {
    /// Starts one on a free port.
    pub fn start(args: &[&str]) -> Broker {
        Broker::start_at("0", args)
    }

    /// Starts one on this port.
    pub fn start_at(port: &str, args: &[&str]) -> Broker {
        let mut command = ch6(&["broker", "-p", port, "--log", "warn"]);
        let server = ChildServer::start(command.args(args).stderr(Stdio::piped()));
        Broker(server.unwrap_or_else(|error| panic!("{command:?}: {error:#}")))
    }

    /// SIGTERM, and how it ends.
    pub fn stop(self) -> Ended {
        self.0.stop()
    }

    /// SIGKILL.
    pub fn kill(mut self) -> Ended {
        self.0.process.kill()
    }

    /// Its memory, bytes.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Deref for Broker {
    type Target = ChildServer;

    fn deref(&self) -> &ChildServer {
        &self.0
    }
}

/// Runs a program to its end, no longer than a minute.
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

/// Waits until this is so, no longer than 20 s.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(20), "not so after 20 s: {what}");
        std::thread::sleep(Duration::from_millis(10)); // there is no event for it
    }
}
