//! A server in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::Context;

/// A running server; it is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Running {
    /// Starts a server that says `LISTENING <address>` first.
    ///
    /// # Errors
    /// It does not start, or says something else.
    pub fn start(mut command: Command) -> anyhow::Result<Running> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let stdout = BufReader::new(child.stdout.take().context("the server has no stdout")?);
        let mut running = Running { child, stdout, address: SocketAddr::from(([0, 0, 0, 0], 0)) };
        let line = running.line()?;
        let address = line.strip_prefix("LISTENING ").with_context(|| format!("the server said {line:?}"))?;
        running.address = address.parse()?;
        Ok(running)
    }

    /// The next line that it prints.
    ///
    /// # Errors
    /// It has ended.
    pub fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        anyhow::ensure!(self.stdout.read_line(&mut line)? > 0, "the server has ended");
        Ok(line.trim_end().to_owned())
    }

    /// Its process number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

/// A port that is free now, for programs of others, which do not say which one they took.
///
/// # Errors
/// There is none.
pub fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
