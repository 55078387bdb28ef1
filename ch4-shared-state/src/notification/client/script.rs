//! The client for scripts: one thread that publishes, prints and ends.
//!
//! ```text
//!   publish ──► sent ──► 0:; ──► the next …          not before the answer is a message said to be on the board
//!   nothing moves, and an answer is due ──► --timeout ──► status 1
//!   Ctrl-C ───────────────────────────────────────────► status 130, or 0 where nothing but Ctrl-C could have ended it
//! ```
//!
//! Neither half of the connection blocks: a server that takes nothing must not keep us from Ctrl-C.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use common::net::send_queue::Silence;
use common::support::cli::human;
use common::support::interrupt;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

use super::args::BoardClientArgs;
use super::error::{Gone, Interrupted, Refused};
use super::printer::Printer;
use super::publication::{LONGEST, request};
use super::session::{Event, Session};

/// How often we look for Ctrl-C while nothing comes, in milliseconds.
const LOOK: u8 = 100;

/// Does what the arguments say.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<()> {
    let frames = args
        .publish
        .iter()
        .map(|text| Ok(request(read_text(text)?)?))
        .collect::<anyhow::Result<VecDeque<_>>>()?;
    let stream = args.connect()?;
    stream.set_nonblocking(true)?;
    // Only now: until here Ctrl-C ends the program at once, whatever it waits for, and nothing has happened.
    let interrupted = interrupt::flag()?;
    let mut client = ScriptedClient {
        stream,
        session: Session::default(),
        chunk: vec![0; 64 * 1024],
        output: Vec::new(),
        sent: 0,
        count: frames.len(),
        frames,
        acknowledged: 0,
        unanswered: false,
        printer: Printer::new(args),
        silence: Silence::begin(),
        timeout: args.timeout,
        interrupted,
    };
    match client.run() {
        Ok(()) => client.printer.end(),
        Err(error) => match client.unpublished() {
            Some(words) => Err(error.context(words)),
            None => Err(error),
        },
    }
}

/// A text of the command line.
fn read_text(text: &str) -> anyhow::Result<Vec<u8>> {
    if text != "-" {
        return Ok(text.into());
    }
    let mut bytes = Vec::new();
    // One more than can be published: that is refused, and the rest is not read.
    io::stdin().take(LONGEST as u64 + 2).read_to_end(&mut bytes).context("standard input cannot be read")?;
    if bytes.ends_with(b"\n") {
        bytes.pop(); // as the shell does with what a command has written
    }
    Ok(bytes)
}

struct ScriptedClient {
    stream: TcpStream,
    session: Session,
    chunk: Vec<u8>,
    output: Vec<u8>,
    /// So much of the output is sent.
    sent: usize,
    /// To be published.
    frames: VecDeque<Vec<u8>>,
    /// How many there were, and how many of them are on the board.
    count: usize,
    acknowledged: usize,
    unanswered: bool,
    printer: Printer,
    /// How long nothing has moved that we wait for.
    silence: Silence,
    timeout: Duration,
    interrupted: &'static AtomicBool,
}

impl ScriptedClient {
    fn run(&mut self) -> anyhow::Result<()> {
        if self.printer.prints() {
            self.session.begin(&mut self.output);
        }
        loop {
            // One message at a time, and none before it is known which are new: so those of ours are.
            if !self.unanswered
                && self.printer.is_ready()
                && let Some(frame) = self.frames.pop_front()
            {
                self.output.extend(frame);
                self.unanswered = true;
                self.silence.broken();
            }
            self.send()?;
            if self.acknowledged == self.count && self.printer.is_done() {
                return Ok(());
            }
            if self.wait()? {
                self.receive()?;
                self.printer.flush()?;
            } else if self.is_due() && self.silence.length(&self.stream) > self.timeout {
                bail!("the server has said nothing for {}", human(self.timeout));
            }
            if self.interrupted.load(Ordering::SeqCst) {
                let enough = self.printer.is_endless() && self.acknowledged == self.count;
                return if enough { Ok(()) } else { Err(Interrupted.into()) };
            }
        }
    }

    /// Sends what goes without waiting.
    fn send(&mut self) -> Result<(), Gone> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(count) => {
                    self.sent += count;
                    self.silence.broken();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Gone::Broken(error)),
            }
        }
        self.output.clear();
        self.sent = 0;
        Ok(())
    }

    /// Waits for the connection, but not long; whether there is something to be done for it.
    fn wait(&self) -> anyhow::Result<bool> {
        let room = if self.output.is_empty() { PollFlags::empty() } else { PollFlags::POLLOUT };
        let mut fds = [PollFd::new(self.stream.as_fd(), PollFlags::POLLIN | room)];
        match poll(&mut fds, LOOK) {
            Ok(ready) => Ok(ready > 0),
            Err(Errno::EINTR) => Ok(false),
            Err(error) => Err(error).context("the connection cannot be waited for"),
        }
    }

    fn receive(&mut self) -> anyhow::Result<()> {
        let mut events = Vec::new();
        let count = match self.stream.read(&mut self.chunk) {
            Ok(0) => return Err(Gone::Ended.into()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(error) => return Err(Gone::Broken(error).into()),
        };
        self.session.receive(&self.chunk[..count], &mut events, &mut self.output)?;
        // Notifications alone are nothing that we wait for.
        if !events.is_empty() || self.session.is_in_an_answer() {
            self.silence.broken();
        }
        for event in events {
            match event {
                Event::Published => {
                    self.acknowledged += 1;
                    self.unanswered = false;
                }
                Event::Refused => return Err(Refused.into()),
                event => self.printer.take(event)?,
            }
        }
        Ok(())
    }

    /// Whether the server owes us something.
    fn is_due(&self) -> bool {
        self.unanswered || self.session.is_asking() || !self.output.is_empty()
    }

    /// What is not on the board, or not known to be.
    fn unpublished(&self) -> Option<String> {
        match (self.acknowledged, self.count) {
            (acknowledged, count) if acknowledged >= count => None,
            (_, 1) => Some("the message was not acknowledged".into()),
            (acknowledged, count) => {
                Some(format!("only {acknowledged} of {count} messages were acknowledged"))
            }
        }
    }
}
