//! The client for scripts: one thread that publishes, prints and ends.
//!
//! ```text
//!   publish ──► sent ──► 0:; ──► the next …          not before the answer is a message said to be on the board
//!   nothing moves, and an answer is due ──► --timeout ──► status 1
//!   the connection breaks ──► wait ──► connect ──► catch up ──► go on          when it waits for messages; else status 4
//!   Ctrl-C ───────────────────────────────────────────► status 130
//! ```
//!
//! Neither half of the connection blocks: a server that takes nothing must not keep us from Ctrl-C.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::net::send_queue::Silence;
use common::support::cli::human;
use common::support::reconnect::Backoff;
use common::support::{interrupt, log};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};

use super::args::BoardClientArgs;
use super::catch_up::{CatchUp, News};
use super::error::{Gone, Interrupted, NotKnown, Refused};
use super::line;
use super::printer::Printer;
use super::publication::{LONGEST, request};

/// So many bytes of a long answer within `--timeout` are progress.
const ENOUGH: usize = 1024;

/// How often we look for Ctrl-C while nothing comes, in milliseconds.
const LOOK: u8 = 100;

/// Does what the arguments say.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<()> {
    let publications = args
        .publish
        .iter()
        .map(|text| {
            let text = read_text(text)?;
            Ok(Publication { frame: request(text.clone())?, text })
        })
        .collect::<anyhow::Result<VecDeque<_>>>()?;
    let stream = args.connect()?;
    stream.set_nonblocking(true)?;
    // Only now: until here Ctrl-C ends the program at once, whatever it waits for, and nothing has happened.
    let interrupted = interrupt::flag()?;
    let printer = Printer::new(args);
    let mut client = ScriptedClient {
        args,
        stream,
        backoff: args.reconnect.backoff().filter(|_| printer.waits_for_messages()),
        catch_up: CatchUp::default(),
        chunk: vec![0; 64 * 1024],
        output: Vec::new(),
        sent: 0,
        count: publications.len(),
        publications,
        acknowledged: 0,
        unknown: 0,
        printer,
        silence: Silence::begin(),
        heard: 0,
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

struct Publication {
    text: Vec<u8>,
    frame: Vec<u8>,
}

struct ScriptedClient<'a> {
    args: &'a BoardClientArgs,
    stream: TcpStream,
    /// `None`: it ends with the connection.
    backoff: Option<Backoff>,
    catch_up: CatchUp,
    chunk: Vec<u8>,
    output: Vec<u8>,
    /// So much of the output is sent.
    sent: usize,
    /// To be published.
    publications: VecDeque<Publication>,
    /// How many there were, how many of them are on the board, and of how many nobody knows.
    count: usize,
    acknowledged: usize,
    unknown: usize,
    printer: Printer,
    /// How long nothing has moved that we wait for.
    silence: Silence,
    /// Bytes of an answer that is not whole, since then.
    heard: usize,
    interrupted: &'static AtomicBool,
}

impl ScriptedClient<'_> {
    fn run(&mut self) -> anyhow::Result<()> {
        self.connected();
        loop {
            match self.serve() {
                Err(error) if error.is::<Gone>() && self.backoff.is_some() => self.reconnect(error)?,
                served => return served,
            }
        }
    }

    fn connected(&mut self) {
        if self.printer.prints() {
            self.catch_up.connected(self.stream.local_addr().ok(), &mut self.output);
        }
    }

    /// Over one connection, until all is done or it breaks.
    fn serve(&mut self) -> anyhow::Result<()> {
        loop {
            // One message at a time, and none before it is known which are new: so those of ours are.
            if self.catch_up.unanswered() == 0
                && self.printer.is_ready()
                && let Some(publication) = self.publications.pop_front()
            {
                self.output.extend(publication.frame);
                self.catch_up.sent(publication.text);
                self.silence.broken();
            }
            self.send()?;
            if self.acknowledged + self.unknown == self.count && self.printer.is_done() {
                let (unknown, count) = (self.unknown, self.count);
                return if unknown > 0 { Err(NotKnown { unknown, count }.into()) } else { Ok(()) };
            }
            if self.wait()? {
                self.receive()?;
                self.printer.flush()?;
            }
            // Also of one that talks without end, but does not answer.
            if self.is_due() && self.silence.length(&self.stream) > self.args.timeout {
                bail!("the server has said nothing for {}", human(self.args.timeout));
            }
            self.look_for_interrupt()?;
        }
    }

    fn look_for_interrupt(&self) -> Result<(), Interrupted> {
        if self.interrupted.load(Ordering::SeqCst) { Err(Interrupted) } else { Ok(()) }
    }

    /// Tries to connect until it succeeds, or for so long that `why` is the end.
    fn reconnect(&mut self, why: anyhow::Error) -> anyhow::Result<()> {
        log::line(format_args!("{why:#}; connecting again"));
        self.output.clear();
        self.sent = 0;
        self.printer.disconnected();
        loop {
            let Some(wait) = self.backoff.as_mut().and_then(|backoff| backoff.failed(Instant::now())) else {
                return Err(why);
            };
            let until = Instant::now() + wait;
            while Instant::now() < until {
                self.look_for_interrupt()?;
                let left = until.saturating_duration_since(Instant::now());
                thread::sleep(left.min(Duration::from_millis(LOOK.into())));
            }
            if let Ok(stream) = self.args.connect() {
                stream.set_nonblocking(true)?;
                self.stream = stream;
                self.silence = Silence::begin();
                self.connected();
                return Ok(());
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
        let mut news = Vec::new();
        let count = match self.stream.read(&mut self.chunk) {
            Ok(0) => return Err(Gone::Ended.into()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(error) => return Err(Gone::Broken(error).into()),
        };
        self.catch_up.receive(&self.chunk[..count], &mut news, &mut self.output)?;
        // Notifications alone are nothing that we wait for, and a byte now and then is no answer.
        self.heard += count;
        if !news.is_empty() || (self.catch_up.is_in_an_answer() && self.heard >= ENOUGH) {
            self.silence.broken();
            self.heard = 0;
        }
        for news in news {
            match &news {
                News::Published => self.acknowledged += 1,
                News::Refused => return Err(Refused.into()),
                News::Unknown(text) => {
                    self.unknown += 1;
                    log::line(line::not_known(text));
                }
                News::AnotherBoard { kept, lost } => log::line(line::another_board(*kept, *lost)),
                News::CaughtUp => {
                    if let Some(backoff) = &mut self.backoff {
                        backoff.succeeded();
                    }
                }
                News::Message(_) => {}
            }
            self.printer.take(news)?;
        }
        Ok(())
    }

    /// Whether the server owes us something.
    fn is_due(&self) -> bool {
        self.catch_up.unanswered() > 0 || self.catch_up.is_asking() || !self.output.is_empty()
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
