//! Standard output that knows when nobody reads it, and how a program ends.
//!
//! ```text
//!   cargo ch4 verify | head -1        write to stdout: EPIPE ──► NobodyReads ──► the end, exit 0: it has seen enough
//!   the server hangs up on us         write to a socket: EPIPE ─────────────────► an error, exit 1
//! ```
//!
//! Both are `ErrorKind::BrokenPipe`, because both are EPIPE (write(2)): whoever looks at the kind alone takes a server that hangs
//! up for a reader who has gone, and ends as if all were well. So what is written to standard output goes through [`stdout`], and
//! its error says where it came from.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use crate::support::interrupt;

/// Standard output. Its `BrokenPipe` carries [`NobodyReads`].
#[derive(Debug)]
pub struct Stdout<W = io::Stdout>(W);

/// Whoever read our standard output has closed it, as `| head` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads the standard output any more")]
pub struct NobodyReads;

/// Standard output, to write to.
pub fn stdout() -> Stdout {
    Stdout(io::stdout())
}

impl Stdout {
    /// Keeps it for this thread, as [`io::Stdout::lock`].
    pub fn lock(&self) -> Stdout<io::StdoutLock<'static>> {
        Stdout(self.0.lock())
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl<W: Write> Write for Stdout<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(mark)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(mark)
    }
}

fn mark(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::BrokenPipe {
        io::Error::new(ErrorKind::BrokenPipe, NobodyReads)
    } else {
        error
    }
}

/// The end of a program: its status, or the error on stderr and 1, or 130 when Ctrl-C has ended it. When nobody reads its output any more, it is done.
pub fn finish(done: anyhow::Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        if nobody_reads(&error) {
            return ExitCode::SUCCESS;
        }
        crate::support::log::line(format_args!("error: {error:#}"));
        if interrupt::has_come() { ExitCode::from(interrupt::STATUS) } else { ExitCode::FAILURE }
    })
}

/// The end of a program whose arguments do not fit each other, which the parser cannot see: a sentence on stderr, and 2.
pub fn wrong(arguments: &str) -> ExitCode {
    crate::support::log::line(format_args!("error: {arguments}\n\nFor more information, try '--help'."));
    ExitCode::from(2)
}

/// Prints what clap says instead of arguments, and ends the program. (clap's own `exit` ends with 0 even when the help cannot be written.)
pub(super) fn end_instead(said: &clap::Error) -> ! {
    let is_wrong = said.use_stderr();
    let written = said.print().and_then(|()| io::stdout().flush());
    std::process::exit(match written {
        _ if is_wrong => 2,
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            crate::support::log::line(format_args!("error: {error}"));
            1
        }
        _ => 0,
    })
}

fn nobody_reads(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        // An io::Error of one's own shows the cause of what it carries, and not that itself.
        let carried = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        carried.is_some_and(<dyn std::error::Error + Send + Sync>::is::<NobodyReads>)
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    /// Nobody reads it.
    struct Closed;

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_broken_pipe_is_the_end_only_when_it_is_stdout() {
        let to_stdout = writeln!(Stdout(Closed), "a line").unwrap_err();
        assert_eq!(to_stdout.kind(), ErrorKind::BrokenPipe);
        let to_a_socket = writeln!(Closed, "a request").unwrap_err();
        for (error, is_the_end) in [(to_stdout, true), (to_a_socket, false)] {
            let error = Err::<(), _>(error).context("while it worked").unwrap_err();
            assert_eq!(nobody_reads(&error), is_the_end, "{error:#}");
        }
        assert!(!nobody_reads(&anyhow::anyhow!("something else")));
    }
}
