//! Programs of others that take part in a bench where they are installed.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A program, or why it takes no part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    name: String,
    found: Result<(PathBuf, String), String>,
}

impl Peer {
    /// Looks for a program of this name, and asks it for its version with these arguments.
    pub fn find(name: &str, version: &[&str]) -> Peer {
        Peer::at(name, name, version)
    }

    /// The same for a program that is called otherwise than it is named here.
    pub fn at(name: &str, path: impl Into<PathBuf>, version: &[&str]) -> Peer {
        let path = path.into();
        let said = Command::new(&path).args(version).stdin(Stdio::null()).output();
        let found = said.map_err(|_| format!("{name} is not installed")).map(|output| {
            let said = [output.stdout, output.stderr].concat();
            (path, String::from_utf8_lossy(&said).lines().next().unwrap_or_default().trim().to_owned())
        });
        Peer { name: name.to_owned(), found }
    }

    /// One that cannot be asked for its version: that is known otherwise. `None`: it is not installed.
    pub fn known(name: &str, path: Option<PathBuf>, version: String) -> Peer {
        let found = path.map(|path| (path, version)).ok_or_else(|| format!("{name} is not installed"));
        Peer { name: name.to_owned(), found }
    }

    /// The command that runs it, without arguments.
    ///
    /// # Errors
    /// It is not installed.
    pub fn command(&self) -> anyhow::Result<Command> {
        match &self.found {
            Ok((path, _)) => Ok(Command::new(path)),
            Err(why) => anyhow::bail!("{why}"),
        }
    }

    /// Whether it is there.
    pub fn is_there(&self) -> bool {
        self.found.is_ok()
    }

    /// The first line that it said of its version.
    pub fn version(&self) -> Option<&str> {
        self.found.as_ref().ok().map(|(_, version)| version.as_str())
    }

    /// Its name and its version, or why it takes no part.
    pub fn describe(&self) -> String {
        match &self.found {
            Ok((_, version)) => format!("{}: {version}", self.name),
            Err(why) => format!("{}: SKIPPED, {why}", self.name),
        }
    }
}

/// redis as a fair peer: on 127.0.0.1, in memory only, with room for all clients of a bench.
///
/// # Errors
/// It is not installed.
pub fn redis_server(redis: &Peer, port: u16) -> anyhow::Result<Command> {
    let mut command = redis.command()?;
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--daemonize", "no", "--loglevel", "warning", "--protected-mode", "no"]);
    command.args(["--tcp-backlog", "4096", "--maxclients", "20000"]);
    Ok(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_says_its_version_or_takes_no_part() {
        let echo = Peer::find("echo", &["version", "7"]);
        assert_eq!((echo.version(), echo.describe().as_str()), (Some("version 7"), "echo: version 7"));
        let none = Peer::find("no-such-program", &[]);
        assert_eq!(none.describe(), "no-such-program: SKIPPED, no-such-program is not installed");
        assert!(!none.is_there() && redis_server(&none, 7).is_err());
    }
}
