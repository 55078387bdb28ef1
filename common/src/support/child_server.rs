//! This program's own servers, started as processes of their own: what is measured of the client is then not the server's, and a
//! stop is a signal, as for any server. However this program ends, by SIGKILL too, they end with it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// One of this program's servers on a free port, with these arguments: the command's name first. It ends when this process does, or
/// the thread that starts it (`PR_SET_PDEATHSIG`).
///
/// # Errors
/// This program is not found again.
pub fn command(arguments: &[String]) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("cannot find this program again")?);
    command.args(arguments).args(["-p", "0", "--parent", &std::process::id().to_string()]);
    Ok(command)
}

/// A server that runs as long as this value lives.
#[derive(Debug)]
pub struct ChildServer {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
}

impl ChildServer {
    /// Starts `files-server` with `args` on a free port of `listen`.
    ///
    /// # Errors
    /// It did not start, and has said why on stderr.
    pub fn start(listen: std::net::IpAddr, args: &[String]) -> anyhow::Result<ChildServer> {
        let mut child = command(&["files-server".into()])?
            .args(["--log", "warn", "-l", &listen.to_string()])
            .args(args)
            .process_group(0) // Ctrl-C is for us, and we end it
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the server")?;
        let mut line = String::new();
        let stdout = child.stdout.take().expect("it was asked to be piped");
        let read = BufReader::new(stdout).read_line(&mut line);
        let address = line.trim().strip_prefix("LISTENING ").and_then(|address| address.parse().ok());
        // From here on it is ended by our drop, whatever else goes wrong.
        let mut server = ChildServer { child, address: SocketAddr::from(([0, 0, 0, 0], 0)) };
        read.context("cannot read where the server listens")?;
        let Some(address) = address else { bail!("the server did not start") };
        server.address = address;
        Ok(server)
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        let _ = kill(self.pid(), Signal::SIGTERM); // ESRCH: it is gone
        let _ = self.child.wait();
    }
}
