//! `inspect`: a running broker in the terminal, refreshed while one looks. Through the JSON API, as any other program could.
//!
//! ```text
//!   GET /api/snapshot, once a second ──► Observed ──► rates from the difference to the one before ──► a screen, lines, or JSON
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`client`] | one request over HTTP |
//! | [`observed`] | what is read of the answer, and rates |
//! | [`view`] | the screen, and the line |

pub mod client;
pub mod observed;
pub mod view;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Args;
use common::protocol::UnixTime;
use common::protocol::http::Url;
use common::support::cli::{duration_within, stdout};
use common::support::interrupt;
use common::support::local_time::LocalTime;
use terminal_size::{Height, Width, terminal_size};

use client::{Client, Unavailable};
use observed::Observed;

const EXAMPLES: &str = "\
Example: a broker, and a look at it in a second terminal
  cargo ch6 broker
  cargo ch6 inspect
For scripts: the state once, as a table or as JSON, of a broker whose page is on another port
  cargo ch6 inspect --once --url http://127.0.0.1:15673
  cargo ch6 inspect --once --json
The same and more is in a browser, at the address that the broker prints.";

/// A running broker in the terminal: queues, exchanges, connections, rates
///
/// On a terminal the screen is renewed; elsewhere there is a line each time.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct InspectArgs {
    /// Where the page of the broker is, as the broker prints it
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:15672/")]
    pub url: Url,
    /// The user
    #[arg(long, default_value = "guest")]
    pub user: String,
    /// A file whose first line is the password [default: the password is guest]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// How often to look
    #[arg(long, value_name = "TIME", default_value = "1s",
          value_parser = duration_within(Duration::from_millis(100)..=Duration::from_secs(3600)))]
    pub every: Duration,
    /// Look once, and end
    #[arg(long)]
    pub once: bool,
    /// What the API says, a line of JSON each time
    #[arg(long)]
    pub json: bool,
}

/// What is shown where.
enum Shown {
    Json,
    /// The whole state, once.
    Table,
    /// The screen of a terminal, renewed.
    Screen(Screen),
    /// A line each time.
    Lines,
}

/// Looks, until Ctrl-C or the broker's end.
///
/// # Errors
/// No broker is there, or it is not one, or the user may not.
pub fn run(args: &InspectArgs) -> anyhow::Result<ExitCode> {
    let password = match &args.password_file {
        None => "guest".to_owned(),
        Some(file) => {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            text.lines().next().unwrap_or_default().to_owned()
        }
    };
    let interrupted = interrupt::flag().context("no handler for Ctrl-C")?;
    let client = Client::new(&args.url, &args.user, &password);
    let mut text = client.snapshot(interrupted)?;
    let shown = match (args.json, args.once, stdout().is_terminal()) {
        (true, _, _) => Shown::Json,
        (false, true, _) => Shown::Table,
        (false, false, true) => Shown::Screen(Screen::open()?),
        (false, false, false) => Shown::Lines,
    };
    let (mut before, mut next) = (None, Instant::now());
    loop {
        let now = Observed::read(&text)?;
        show(&shown, &text, &now, before.as_ref())?;
        before = Some(now);
        next += args.every;
        if args.once || !wait(next, interrupted) {
            return Ok(ExitCode::SUCCESS);
        }
        text = match client.snapshot(interrupted) {
            Ok(text) => text,
            // Only Ctrl-C ends a look that is not taken once: so that is its end, not a failure.
            Err(Unavailable::Interrupted) => return Ok(ExitCode::SUCCESS),
            Err(error) => return Err(error).context("the broker is gone"),
        };
    }
}

fn show(shown: &Shown, text: &str, now: &Observed, before: Option<&Observed>) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    match shown {
        Shown::Json => writeln!(out, "{text}")?,
        Shown::Table => write!(out, "{}", view::table(now, before, 100, usize::MAX))?,
        Shown::Lines => writeln!(out, "{}  {}", clock(), view::line(now, before))?,
        Shown::Screen(screen) => screen.draw(&mut out, now, before)?,
    }
    Ok(out.flush()?)
}

fn clock() -> LocalTime {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    LocalTime(UnixTime(now))
}

/// Waits until then; `false` when Ctrl-C has come.
fn wait(until: Instant, interrupted: &AtomicBool) -> bool {
    loop {
        if interrupted.load(Ordering::SeqCst) {
            return false;
        }
        match until.checked_duration_since(Instant::now()) {
            None | Some(Duration::ZERO) => return true,
            Some(left) => sleep(left.min(Duration::from_millis(50))), // a signal ends no sleep of the standard library
        }
    }
}

/// The second screen of a terminal, without a cursor. The first one comes back when it is dropped.
struct Screen {
    _only_by_open: (),
}

impl Screen {
    fn open() -> std::io::Result<Screen> {
        let mut out = stdout();
        write!(out, "\x1b[?1049h\x1b[?25l")?;
        out.flush()?;
        Ok(Screen { _only_by_open: () })
    }

    /// Over what stands there, line by line, and then what is left below goes: nothing flickers.
    fn draw(&self, out: &mut impl Write, now: &Observed, before: Option<&Observed>) -> std::io::Result<()> {
        let (Width(columns), Height(rows)) = terminal_size().unwrap_or((Width(80), Height(24)));
        let rows = usize::from(rows).saturating_sub(1);
        let mut screen = String::from("\x1b[H");
        for line in view::table(now, before, columns.into(), rows).lines().take(rows) {
            screen += line;
            screen += "\x1b[K\r\n";
        }
        out.write_all((screen + "\x1b[J").as_bytes())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = stdout();
        let _ = write!(out, "\x1b[?25h\x1b[?1049l");
        let _ = out.flush();
    }
}
