//! `cargo ch4 whiteboard` as a process of its own, which ends with the test.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A running server.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
}

impl Server {
    /// On any free port, with these further arguments.
    pub fn start(arguments: &[&str]) -> Server {
        Server::start_at(0, arguments)
    }

    /// A fresh one, which knows nothing, at the same address.
    pub fn start_anew(self) -> Server {
        let port = self.address.port();
        assert!(self.stop().success());
        Server::start_at(port, &[])
    }

    fn start_at(port: u16, arguments: &[&str]) -> Server {
        let mut child = Command::new(env!("CARGO_BIN_EXE_ch4-shared-state"))
            .args(["--log", "warn", "whiteboard", "-p", &port.to_string()])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.trim().strip_prefix("LISTENING ").expect("the first line says where").parse().unwrap();
        Server { child, address }
    }

    /// SIGTERM, and how it ends.
    pub fn stop(mut self) -> ExitStatus {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
