//! This program again, as the server.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// A `board-server`. Dropped, it is killed: there is nothing of it to keep.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Server {
    /// Starts it on any free port and waits until it listens.
    pub fn start() -> anyhow::Result<Server> {
        let program = std::env::current_exe().context("cannot find this program again")?;
        let mut child = Command::new(program)
            .args(["--log", "warn", "board-server", "--listenport", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a board-server")?;
        let stdout = child.stdout.take().expect("it is piped");
        let mut server = Server { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        let mut first = String::new();
        BufReader::new(stdout).read_line(&mut first)?;
        let address = first.trim_end().strip_prefix("LISTENING ").and_then(|text| text.parse().ok());
        server.address = address.with_context(|| format!("the board-server says {first:?}"))?;
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
