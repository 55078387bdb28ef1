//! What the client writes: `2026-11-21 12:36:54 [127.0.0.1:34234] -> Hello world!`

use std::io::{BufWriter, StdoutLock, Write};

use common::protocol::mboard::response::Posted;
use common::support::local_time::LocalTime;
use common::support::terminal;

use super::error::Error;

/// Standard output.
pub struct Screen {
    out: BufWriter<common::support::cli::Stdout<StdoutLock<'static>>>,
    terminal: bool,
    messages: usize,
}

impl Default for Screen {
    fn default() -> Self {
        Screen {
            out: BufWriter::new(common::support::cli::stdout().lock()),
            terminal: common::support::cli::stdout().is_terminal(),
            messages: 0,
        }
    }
}

impl Screen {
    /// A message, on a line of its own.
    pub fn message(&mut self, message: &Posted<'_>) -> Result<(), Error> {
        self.messages += 1;
        let from = std::net::SocketAddr::new(message.from.ip().to_canonical(), message.from.port());
        write!(self.out, "{} [{from}] -> ", LocalTime(message.time))?;
        self.text(message.text)
    }

    /// What code 4 has made of a text with a colon.
    pub fn fragment(&mut self, piece: &[u8]) -> Result<(), Error> {
        write!(self.out, "(not a message; a piece of the one above, which had a colon) -> ")?;
        self.text(piece)
    }

    /// Nothing more comes.
    pub fn end(&mut self) -> Result<(), Error> {
        if self.messages == 0 {
            tracing::info!("the board is empty");
        }
        Ok(self.out.flush()?)
    }

    /// Into a file or a pipe the bytes go as they are: a text may be a file. A terminal obeys some of them, and strangers have
    /// written these; there a message is one line, so that none is taken for another's.
    fn text(&mut self, text: &[u8]) -> Result<(), Error> {
        if self.terminal {
            self.out.write_all(terminal::text(text).as_bytes())?;
        } else {
            self.out.write_all(text)?;
        }
        self.out.write_all(b"\n")?;
        Ok(self.out.flush()?)
    }
}

/// As the notes have it.
pub fn published() -> Result<(), Error> {
    Ok(writeln!(common::support::cli::stdout(), "Message published")?)
}
