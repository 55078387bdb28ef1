//! Unix domain sockets, the notes' family `AF_UNIX`: names of files instead of addresses and ports, on one machine (unix(7)).
//!
//! ```text
//!   /tmp/board.sock   a path: bind() makes a file of type `s`; who may write to the file may connect; close() leaves it there
//!   @board            an abstract name (Linux): no file, no permissions, gone with its socket; `@` stands for a byte 0
//!   (none)            a client that has bound nothing has no name: a datagram from it cannot be answered
//! ```

pub mod steps;
pub mod table;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use common::support::terminal;
use nix::errno::Errno;
use nix::sys::socket::UnixCredentials;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::kernel;

/// The most bytes of a name: `sun_path` has 108, and one is the 0 before or behind it.
const LONGEST: usize = 107;

/// The name of a Unix domain socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnixName {
    /// A file.
    Path(PathBuf),
    /// A name without a file.
    Abstract(Vec<u8>),
}

impl FromStr for UnixName {
    type Err = String;

    fn from_str(text: &str) -> Result<UnixName, String> {
        let name = match text.strip_prefix('@') {
            Some(name) => UnixName::Abstract(name.into()),
            None => UnixName::Path(text.into()),
        };
        match name.bytes().len() {
            0 => Err("a path, or @ and a name".into()),
            length if length > LONGEST => Err(format!("at most {LONGEST} bytes fit into an address")),
            _ => Ok(name),
        }
    }
}

/// What a socket is bound to, as it is written on a command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `127.0.0.1:7777`, `[::]:0`
    Internet(SocketAddr),
    /// `@name`, or a path with a `/` in it
    Unix(UnixName),
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Endpoint, String> {
        match text.parse() {
            Ok(address) => Ok(Endpoint::Internet(address)),
            Err(_) if text.starts_with('@') || text.contains('/') => text.parse().map(Endpoint::Unix),
            Err(_) => Err("an address and a port, a path with a `/` in it, or @NAME".into()),
        }
    }
}

impl fmt::Display for UnixName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if matches!(self, UnixName::Abstract(_)) { "@" } else { "" };
        write!(formatter, "{at}{}", terminal::text(self.bytes()))
    }
}

impl UnixName {
    /// The name in an address; `None` when the socket has none.
    #[must_use]
    pub fn of(address: &SockAddr) -> Option<UnixName> {
        match (address.as_pathname(), address.as_abstract_namespace()) {
            (Some(path), _) => Some(UnixName::Path(path.to_owned())),
            (None, Some(name)) => Some(UnixName::Abstract(name.to_owned())),
            (None, None) => None,
        }
    }

    /// The address with this name.
    ///
    /// # Errors
    /// When it is too long, which a parsed one is not.
    pub fn address(&self) -> io::Result<SockAddr> {
        match self {
            UnixName::Path(path) => SockAddr::unix(path),
            UnixName::Abstract(name) => {
                let bytes = [b"\0", &name[..]].concat();
                SockAddr::unix(std::ffi::OsStr::from_bytes(&bytes))
            }
        }
    }

    /// The file, where there is one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            UnixName::Path(path) => Some(path),
            UnixName::Abstract(_) => None,
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            UnixName::Path(path) => path.as_os_str().as_bytes(),
            UnixName::Abstract(name) => name,
        }
    }
}

/// A new Unix domain socket, not bound yet.
///
/// # Errors
/// What socket(2) says.
pub fn socket(kind: Type) -> io::Result<Socket> {
    Socket::new(Domain::UNIX, kind, None)
}

/// Binds, and says in a sentence why not.
///
/// # Errors
/// bind(2) in words: whether somebody has the name, or a closed socket has left its file behind.
pub fn bind(socket: &Socket, name: &UnixName) -> anyhow::Result<()> {
    socket.bind(&name.address()?).map_err(|error| anyhow::anyhow!("bind {name}: {}", refusal(&error, name)))
}

/// A socket that is bound, and whose file goes with it.
#[derive(Debug)]
pub struct Bound {
    /// The socket.
    pub socket: Socket,
    path: Option<PathBuf>,
}

impl Bound {
    /// Makes one and binds it.
    ///
    /// # Errors
    /// As [`bind`].
    pub fn new(kind: Type, name: &UnixName) -> anyhow::Result<Bound> {
        let socket = socket(kind)?;
        bind(&socket, name)?;
        Ok(Bound { socket, path: name.path().map(Path::to_owned) })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path); // somebody else may have removed it
        }
    }
}

/// Why `bind` was refused.
fn refusal(error: &io::Error, name: &UnixName) -> String {
    match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
        Errno::EADDRINUSE => format!("address in use (EADDRINUSE): {}", who_has(name)),
        Errno::EACCES => "permission denied (EACCES): no right to make a file in this directory".into(),
        Errno::ENOENT => "no such directory (ENOENT)".into(),
        _ => error.to_string(),
    }
}

fn who_has(name: &UnixName) -> String {
    let shown = name.to_string();
    if let Some(row) = table::rows().unwrap_or_default().into_iter().find(|row| row.name == shown) {
        return kernel::holder(row.inode).unwrap_or_else(|| "a process we may not look into".into())
            + " has it";
    }
    let is_socket = |path: &Path| path.symlink_metadata().is_ok_and(|file| file.file_type().is_socket());
    match name.path() {
        Some(path) if is_socket(path) => {
            format!("no socket has this name any more, only its file is left; `rm {shown}` frees the name")
        }
        _ => "something else has this name, and it is no socket".into(),
    }
}

/// What a refused `connect` or `send` to a name means.
#[must_use]
pub fn unreachable(error: &io::Error, name: &UnixName) -> String {
    let why = match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
        Errno::ENOENT => "there is no such file (ENOENT)",
        Errno::ECONNREFUSED if name.path().is_some() => {
            "the file is there, and no socket behind it (ECONNREFUSED)"
        }
        Errno::ECONNREFUSED => "nobody has this name (ECONNREFUSED)",
        Errno::EACCES => "permission denied (EACCES): it takes the right to write to the file",
        Errno::EPROTOTYPE => {
            "it is a socket of the other type (EPROTOTYPE): one is for streams, one for datagrams"
        }
        Errno::EMSGSIZE => "so long a datagram does not fit into the send buffer (EMSGSIZE)",
        _ => return format!("cannot reach {name}: {error}"),
    };
    format!("cannot reach {name}: {why}")
}

/// A peer's credentials, which the kernel itself vouches for.
#[must_use]
pub fn credentials(pid: i32, uid: u32, gid: u32) -> String {
    format!("process {pid}, user {uid}, group {gid}")
}

/// The same, of a message.
#[must_use]
pub fn credentials_of(credentials: &UnixCredentials) -> String {
    self::credentials(credentials.pid(), credentials.uid(), credentials.gid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_or_abstract() {
        assert_eq!("@board".parse(), Ok(UnixName::Abstract(b"board".to_vec())));
        assert_eq!("./@board".parse(), Ok(UnixName::Path("./@board".into())));
        for (text, words) in [("", "a path"), ("@", "a path"), (&"x".repeat(108), "at most 107")] {
            assert!(text.parse::<UnixName>().unwrap_err().contains(words), "{text}");
        }
        for text in ["/tmp/a socket", "@b", &"x".repeat(107), &format!("@{}", "x".repeat(107))] {
            let name: UnixName = text.parse().unwrap();
            assert_eq!(UnixName::of(&name.address().unwrap()), Some(name.clone()));
            assert_eq!(name.to_string(), text);
        }
        assert_eq!("@\x1b".parse::<UnixName>().unwrap().to_string(), "@\u{fffd}");
    }

    #[test]
    fn the_file_of_a_bound_one_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let name = UnixName::Path(folder.path().join("s"));
        let bound = Bound::new(Type::DGRAM, &name).unwrap();
        let refused = Bound::new(Type::STREAM, &name).unwrap_err().to_string();
        let who = format!("process {} ", std::process::id());
        assert!(refused.contains("EADDRINUSE") && refused.contains(&who), "{refused}");
        drop(bound);
        assert!(!name.path().unwrap().exists());

        // Without `Bound` the file stays, and keeps the name.
        bind(&socket(Type::DGRAM).unwrap(), &name).unwrap();
        let refused = Bound::new(Type::DGRAM, &name).unwrap_err().to_string();
        assert!(refused.contains("only its file is left") && name.path().unwrap().exists(), "{refused}");
        std::fs::remove_file(name.path().unwrap()).unwrap();
        std::fs::write(name.path().unwrap(), "a text").unwrap();
        let refused = Bound::new(Type::DGRAM, &name).unwrap_err().to_string();
        assert!(refused.contains("it is no socket"), "{refused}");
    }
}
