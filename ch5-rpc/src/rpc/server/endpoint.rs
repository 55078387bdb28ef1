//! Where `board-server` listens, and the line that says so.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use common::support::cli::stdout;
use common::support::listen::refusal;
use tokio::net::{TcpListener, UnixListener};

/// Listens on a port, and says so.
///
/// # Errors
/// What bind(2) says.
pub fn tcp(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listen = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    let listener = listen().map_err(refusal).with_context(|| format!("cannot listen on {address}"))?;
    announce(&listener.local_addr()?.to_string());
    Ok(listener)
}

/// Listens at a socket file, and says so. The file goes with the second value.
///
/// # Errors
/// What bind(2) says; another server listens there; the file is no socket.
pub fn unix(path: &Path) -> anyhow::Result<(UnixListener, SocketFile)> {
    let context = || format!("cannot listen on {}", path.display());
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            remove_leftover(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    };
    let listener = listener.with_context(context)?;
    let inode = path.symlink_metadata().with_context(context)?.ino();
    announce(&format!("unix:{}", path.display()));
    Ok((listener, SocketFile { path: path.to_owned(), inode }))
}

/// The first line on stdout. With its stdout closed a server still serves.
fn announce(address: &str) {
    let _ = writeln!(stdout(), "LISTENING {address}");
    let _ = stdout().flush();
}

/// The file of a Unix socket: removed at the end, unless another server has put its own there.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// A server that was killed leaves its file: a socket at which nobody listens. Any other file is not ours to remove.
fn remove_leftover(path: &Path) -> anyhow::Result<()> {
    if !path.symlink_metadata()?.file_type().is_socket() {
        bail!("{} is there, and is no socket", path.display());
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => bail!("another server listens on {}", path.display()),
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.path.symlink_metadata().is_ok_and(|file| file.ino() == self.inode) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
