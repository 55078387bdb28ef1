//! The client for scripts: one thread that publishes, prints and ends.

use std::collections::VecDeque;
use std::io::{self, BufWriter, ErrorKind, Read, StdoutLock, Write};
use std::net::TcpStream;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use common::cli::{human, stdout};
use common::interrupt;
use common::protocol::notify::Request;

use super::session::{Event, Session};
use super::{BoardClientArgs, Gone, Refused, connect, line};

/// How often a read that waits looks for Ctrl-C.
const LOOK: Duration = Duration::from_millis(100);

/// Does what the arguments say.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<()> {
    let interrupted = interrupt::flag()?;
    let mut texts =
        args.publish.iter().map(|text| read_text(text)).collect::<anyhow::Result<VecDeque<_>>>()?;
    let mut stream = connect(args)?;
    stream.set_read_timeout(Some(LOOK))?;
    let mut printer = Printer::new(args);
    let (mut session, mut events, mut reply) = (Session::default(), Vec::new(), Vec::new());
    if printer.prints() {
        session.begin(&mut reply);
    }
    let mut chunk = vec![0; 64 * 1024];
    let mut unanswered: Option<Instant> = None;
    loop {
        // One message at a time, and none before it is known which are new: so those of ours are.
        if unanswered.is_none()
            && printer.is_ready()
            && let Some(text) = texts.pop_front()
        {
            Request::Publish(text).encode(&mut reply);
            unanswered = Some(Instant::now());
        }
        send(&mut stream, &mut reply)?;
        if unanswered.is_none() && texts.is_empty() && printer.is_done() {
            return printer.end();
        }
        match stream.read(&mut chunk) {
            Ok(0) => return Err(Gone::Ended.into()),
            Ok(count) => session.receive(&chunk[..count], &mut events, &mut reply)?,
            Err(error) if error.kind() == ErrorKind::Interrupted || error.kind() == ErrorKind::WouldBlock => {
            }
            Err(error) => return Err(Gone::Broken(error).into()),
        }
        for event in events.drain(..) {
            match event {
                Event::Published => unanswered = None,
                Event::Refused => return Err(Refused.into()),
                event => printer.take(event)?,
            }
        }
        printer.flush()?;
        if interrupted.load(Ordering::SeqCst) {
            return printer.end();
        }
        if unanswered.is_some_and(|since| since.elapsed() > args.timeout) {
            bail!("no answer to the message within {}", human(args.timeout));
        }
    }
}

fn send(stream: &mut TcpStream, reply: &mut Vec<u8>) -> Result<(), Gone> {
    stream.write_all(reply)?;
    reply.clear();
    Ok(())
}

fn read_text(text: &str) -> anyhow::Result<Vec<u8>> {
    if text != "-" {
        return Ok(text.into());
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
    if bytes.ends_with(b"\n") {
        bytes.pop(); // as the shell does with what a command has written
    }
    Ok(bytes)
}

/// Decides which messages are printed, and when it is enough.
struct Printer {
    out: BufWriter<common::cli::Stdout<StdoutLock<'static>>>,
    terminal: bool,
    wanted: Wanted,
    /// Of those there already, only so many are printed, when all of them are here; `None` for all, as they come.
    history: Option<usize>,
    held: VecDeque<Vec<u8>>,
    caught_up: bool,
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
    fn new(args: &BoardClientArgs) -> Printer {
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
            left: args.count.unwrap_or(u64::MAX),
        }
    }

    fn prints(&self) -> bool {
        self.wanted != Wanted::Nothing
    }

    /// Whether a message of ours may be published. Its own message counts among the last, when nothing else is wanted.
    fn is_ready(&self) -> bool {
        match self.wanted {
            Wanted::Nothing | Wanted::History => true,
            Wanted::Count | Wanted::All => self.history.is_none() || self.caught_up,
        }
    }

    fn is_done(&self) -> bool {
        match self.wanted {
            Wanted::Nothing => true,
            Wanted::History => self.caught_up,
            Wanted::Count => self.left == 0,
            Wanted::All => false,
        }
    }

    fn take(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Message(message) if self.caught_up || self.history.is_none() => self.print(&message)?,
            Event::Message(message) => {
                self.held.push_back(message);
                if self.held.len() > self.history.unwrap_or(usize::MAX) {
                    self.held.pop_front();
                }
            }
            Event::CaughtUp => {
                self.caught_up = true;
                while let Some(message) = self.held.pop_front() {
                    self.print(&message)?;
                }
            }
            Event::Published | Event::Refused => {}
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

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn end(mut self) -> anyhow::Result<()> {
        if self.wanted == Wanted::Nothing {
            writeln!(self.out, "Message published")?;
        }
        Ok(self.out.flush()?)
    }
}
