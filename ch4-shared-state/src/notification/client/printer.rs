//! What a script is told: which messages are printed, and when it is enough.

use std::collections::VecDeque;
use std::io::{self, BufWriter, StdoutLock, Write};

use common::support::cli::{Stdout, stdout};

use super::args::BoardClientArgs;
use super::catch_up::News;
use super::line;

/// Decides which messages are printed, and when it is enough.
pub struct Printer {
    out: BufWriter<Stdout<StdoutLock<'static>>>,
    terminal: bool,
    wanted: Wanted,
    /// Of those there already, only so many are printed, when all of them are here; `None` for all, as they come.
    history: Option<usize>,
    held: VecDeque<Vec<u8>>,
    /// All that was there at the beginning has come.
    caught_up: bool,
    /// All that was there when the present connection was made has come.
    up_to_date: bool,
    left: u64,
}

#[derive(PartialEq)]
enum Wanted {
    /// It only publishes.
    Nothing,
    /// What is there already.
    History,
    /// So many.
    Count,
    /// All.
    All,
}

impl Printer {
    /// As the arguments say.
    pub fn new(args: &BoardClientArgs) -> Printer {
        let wanted = match (args.follow, args.count, args.last) {
            (true, ..) => Wanted::All,
            (_, Some(_), _) => Wanted::Count,
            (.., Some(_)) => Wanted::History,
            _ if args.new => Wanted::All,
            _ => Wanted::Nothing,
        };
        let history = if args.new { Some(0) } else { args.last.filter(|&last| last > 0) };
        Printer {
            out: BufWriter::new(stdout().lock()),
            terminal: stdout().is_terminal(),
            wanted,
            history,
            held: VecDeque::new(),
            caught_up: false,
            up_to_date: false,
            left: args.count.unwrap_or(u64::MAX),
        }
    }

    /// Whether anything is to be printed.
    pub fn prints(&self) -> bool {
        self.wanted != Wanted::Nothing
    }

    /// Whether a message of ours may be published. Its own message counts among the last, when nothing else is wanted. Who waits for
    /// messages first gets all that are there: then it is known which are new, and after a break, which are ours.
    pub fn is_ready(&self) -> bool {
        !self.waits_for_messages() || self.up_to_date
    }

    /// Whether it stays for messages that are not there yet, and so connects again when the connection breaks.
    pub fn waits_for_messages(&self) -> bool {
        matches!(self.wanted, Wanted::Count | Wanted::All)
    }

    /// The connection has broken.
    pub fn disconnected(&mut self) {
        self.up_to_date = false;
    }

    /// Whether all was printed that was wanted.
    pub fn is_done(&self) -> bool {
        match self.wanted {
            Wanted::Nothing => true,
            Wanted::History => self.caught_up,
            Wanted::Count => self.left == 0,
            Wanted::All => false,
        }
    }

    /// Prints it now, later, or never.
    pub fn take(&mut self, news: News) -> anyhow::Result<()> {
        match news {
            News::Message(message) if self.caught_up || self.history.is_none() => self.print(&message)?,
            News::Message(message) => {
                self.held.push_back(message);
                if self.held.len() > self.history.unwrap_or(usize::MAX) {
                    self.held.pop_front();
                }
            }
            News::CaughtUp => {
                (self.caught_up, self.up_to_date) = (true, true);
                while let Some(message) = self.held.pop_front() {
                    self.print(&message)?;
                }
            }
            News::Published | News::Refused | News::AnotherBoard { .. } | News::Unknown(_) => {}
        }
        Ok(())
    }

    fn print(&mut self, message: &[u8]) -> io::Result<()> {
        if self.left == 0 || self.wanted == Wanted::Nothing {
            return Ok(()); // more came with the last one
        }
        self.left -= 1;
        if self.terminal {
            self.out.write_all(line::harmless(message).as_bytes())?;
        } else {
            self.out.write_all(&line::raw(message))?;
        }
        self.out.write_all(b"\n")
    }

    /// Whoever reads it may be waiting for it.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// All that was to be done is done.
    pub fn end(mut self) -> anyhow::Result<()> {
        if self.wanted == Wanted::Nothing {
            writeln!(self.out, "Message published")?;
        }
        Ok(self.out.flush()?)
    }
}
