//! What the client writes: `2026-11-21 12:36:54 [127.0.0.1:34234] -> Hello world!`

use std::io::{BufWriter, StdoutLock, Write};

use common::protocol::UnixTime;
use common::support::cli::{Stdout, stdout};
use common::support::local_time::LocalTime;
use common::support::terminal;

use super::stopped::Stopped;
use crate::rpc::interface::Posting;

/// Standard output.
pub struct Screen {
    out: BufWriter<Stdout<StdoutLock<'static>>>,
    terminal: bool,
    messages: usize,
}

impl Default for Screen {
    fn default() -> Self {
        Screen { out: BufWriter::new(stdout().lock()), terminal: stdout().is_terminal(), messages: 0 }
    }
}

impl Screen {
    /// A message, on a line of its own. Into a file or a pipe the bytes go as they are: a text may be a file. A terminal obeys some of
    /// them, and strangers have written these.
    pub fn message(&mut self, message: &Posting) -> Result<(), Stopped> {
        self.messages += 1;
        let from = std::net::SocketAddr::new(message.from.ip().to_canonical(), message.from.port());
        write!(self.out, "{} [{from}] -> ", LocalTime(UnixTime(message.time)))?;
        if self.terminal {
            self.out.write_all(terminal::text(message.text.bytes()).as_bytes())?;
        } else {
            self.out.write_all(message.text.bytes())?;
        }
        self.out.write_all(b"\n")?;
        Ok(())
    }

    /// What has been written is to be seen now.
    pub fn flush(&mut self) -> Result<(), Stopped> {
        Ok(self.out.flush()?)
    }

    /// Nothing more comes.
    pub fn end(&mut self) -> Result<(), Stopped> {
        if self.messages == 0 {
            tracing::info!("the board is empty");
        }
        self.flush()
    }
}

/// As the notes have it.
pub fn published() -> Result<(), Stopped> {
    Ok(writeln!(stdout(), "Message published")?)
}
