//! `socket unix-stream` and `socket unix-datagram`: the steps of `socket tcp` and `socket udp`, with a name for an address.

use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use anyhow::Context;
use nix::errno::Errno;
use nix::sys::socket::{getsockopt, sockopt};
use socket2::Type;

use super::{UnixName, bind, credentials, socket, table, unreachable};

/// Creates, binds and closes a socket, and shows what is left. `rest` is called after each step, and says whether to stop.
///
/// # Errors
/// A refused `bind`, in a sentence; a closed stdout.
pub fn run<W: Write>(
    out: &mut W,
    kind: Type,
    name: &UnixName,
    mut rest: impl FnMut(&mut W) -> io::Result<bool>,
) -> anyhow::Result<()> {
    let kind_name = if kind == Type::STREAM { "SOCK_STREAM" } else { "SOCK_DGRAM" };
    writeln!(out, "Process id: {}", std::process::id())?;
    let one = socket(kind)?;
    let number = one.as_raw_fd();
    writeln!(out, "1. socket(AF_UNIX, {kind_name}) = {number}: a descriptor; it has no name yet")?;
    write!(out, "{}", table::text(table::row_of(&one)?.as_ref()))?;
    if rest(out)? {
        return Ok(());
    }

    bind(&one, name)?;
    writeln!(out, "2. bind({number}, {name}): others find the socket by this name")?;
    match name.path() {
        Some(path) => {
            writeln!(out, "   {}", listing(path)?)?;
            writeln!(
                out,
                "   a file of type s, made with the umask: it takes the right to write to connect"
            )?;
        }
        None => {
            writeln!(
                out,
                "   an abstract name: no file, no permissions, and only in this network namespace"
            )?;
        }
    }
    write!(out, "{}", table::text(table::row_of(&one)?.as_ref()))?;
    if rest(out)? {
        return Ok(());
    }

    let mut step = 3;
    if kind == Type::STREAM {
        let refused = socket(kind)?.connect(&name.address()?).expect_err("nobody listens yet");
        writeln!(out, "   connect() is refused as long as nobody listens, {}", errno(&refused))?;
        one.listen(0)?;
        writeln!(out, "{step}. listen({number}, 0): from now on clients can connect")?;
        write!(out, "{}", table::text(table::row_of(&one)?.as_ref()))?;
        let client = socket(kind)?;
        client.connect(&name.address()?).map_err(|error| anyhow::anyhow!(unreachable(&error, name)))?;
        let (accepted, from) = one.accept()?;
        let from = UnixName::of(&from).map_or("(none)".into(), |name| name.to_string());
        writeln!(
            out,
            "   accept(): a client, and its name: {from}. It has bound none, and the system gives none by itself"
        )?;
        let peer = getsockopt(&accepted, sockopt::PeerCredentials)?;
        let peer = credentials(peer.pid(), peer.uid(), peer.gid());
        writeln!(out, "   SO_PEERCRED: the client is {peer}: the kernel says so, not the client")?;
        step += 1;
        if rest(out)? {
            return Ok(());
        }
    }

    drop(one);
    writeln!(out, "{step}. close({number}): the row is gone with the socket")?;
    match name.path() {
        Some(path) => {
            writeln!(out, "   {}", listing(path)?)?;
            let refused = socket(kind)?.bind(&name.address()?).expect_err("the file is there");
            writeln!(
                out,
                "   the file is still there, and keeps the name: bind() is refused, {}",
                errno(&refused)
            )?;
            let refused = socket(kind)?.connect(&name.address()?).expect_err("nobody is there");
            writeln!(out, "   connect() is refused too, {}; `rm {name}` frees the name", errno(&refused))?;
        }
        None => {
            bind(&socket(kind)?, name)?;
            writeln!(out, "   the name is free again: bind() to it succeeds, and no file has to be removed")?;
        }
    }
    Ok(())
}

/// How an error is called in the manual: `EADDRINUSE`.
fn errno(error: &io::Error) -> String {
    format!("{:?}", Errno::from_raw(error.raw_os_error().unwrap_or(0)))
}

/// The file as `ls -l` shows it.
fn listing(path: &Path) -> anyhow::Result<String> {
    let file = path.symlink_metadata().with_context(|| format!("looking at {}", path.display()))?;
    let mode = file.permissions().mode();
    let letters: String = (0..9)
        .map(|place| {
            let letter = ['r', 'w', 'x'][place % 3];
            if mode & (0o400 >> place) == 0 { '-' } else { letter }
        })
        .collect();
    let shown = UnixName::Path(path.to_owned());
    Ok(format!("ls -l: s{letters} user {} group {} {shown}", file.uid(), file.gid()))
}
