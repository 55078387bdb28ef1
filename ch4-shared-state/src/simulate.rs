//! `simulate`: thousands of clients in one thread, each of which checks what it gets. Either subscribers and publishers of the
//! notification board, each of whom must get every message once and in the same order; or players of the guess-word game, whose
//! server must keep to its rules.
//!
//! | file | what it is |
//! |---|---|
//! | `plan` | what is to be simulated of the board, and in whose words: its own or redis' |
//! | `measurement` | the course of a run |
//! | `board` `subscriber` `publisher` | the board's clients, a workload of [`common::loadgen`] |
//! | `transcript` | the one order of its messages, with which everybody is compared |
//! | `players` | the game's clients, and their referee |
//! | `server` | what is measured |
//! | `outcome` `present` | the figures |

mod board;
mod measurement;
pub mod outcome;
pub mod plan;
mod players;
mod present;
mod publisher;
mod server;
mod subscriber;
mod transcript;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::notification::wire::REQUEST_LIMIT;
use anyhow::{Context, bail};
use ch3_threads::model::Model;
use ch3_threads::serve::workers;
use clap::Args;
use common::support::child_server::ChildServer;
use common::support::cli::{duration, duration_within, human, within, writable};
use common::support::count::{count, counted};
use common::support::interrupt;

use measurement::Schedule;
use outcome::Outcome;
use plan::{Dialect, HEADER, Load, Plan};
use server::{Watch, resolve};

/// Beyond these it would be a slip of the keyboard.
const MOST_CLIENTS: usize = 1_000_000;
const A_DAY: Duration = Duration::from_secs(86_400);
/// The longest text that the board takes: a frame of it is base64.
const MOST_BYTES: usize = REQUEST_LIMIT / 4 * 3 - 3;

const BOARD: &str = "The notification board";
const GAME: &str = "The guess-word game, with --players";

const EXAMPLES: &str = "\
Examples, the notification board:
  cargo ch4 simulate                                  100 subscribers, as fast as the board can
  cargo ch4 simulate --rate 500                       500 messages/s, come what may
  cargo ch4 simulate --subscribers 10000 --rate 5     ten thousand connections
  cargo ch4 simulate --model thread-per-connection    the board under another model
  cargo ch4 simulate --stalled 1 --rate 500           beside one client that never reads
  cargo ch4 simulate -H 127.0.0.1 -p 7777             a board that runs, and is empty

Examples, the guess-word game:
  cargo ch4 simulate --players 200                    as fast as the game can
  cargo ch4 simulate --players 200 --rate 1000        1000 guesses/s, come what may
  cargo ch4 simulate --players 200 --think 100ms --leave 20
                                                      they think; 20 a second leave and come again
  cargo ch4 simulate --players 20 --racy 1ms          check, then act: the mistake is found
  cargo ch4 simulate --players 200 -p 7777            a game that runs, and has no players

Closed loop: the board has --window messages on their way until the slowest subscriber has got
them; a player guesses when its last guess is answered (and --think is over).
Open loop, --rate: every message and every guess is timed from when it was due.
Exit status: 0 when every subscriber got every message once and in one order, or when the
server of the game kept to the rules; 1 when not, with what was wrong.";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SimulateArgs {
    /// Where the server is [default: one is started for the run]
    #[arg(short = 'H', long)]
    host: Option<String>,
    /// The server's port [default: one is started for the run; with --host 7777]
    #[arg(short, long)]
    port: Option<u16>,
    /// The model of the server that is started [default: epoll, and with --racy thread-per-connection]
    #[arg(short, long, value_enum, conflicts_with_all = ["host", "port"])]
    model: Option<Model>,
    /// Threads or loops of the server that is started, for the models that have a number of them [default: the model's own]
    #[arg(short, long, value_name = "N", value_parser = workers, conflicts_with_all = ["host", "port"])]
    workers: Option<NonZeroUsize>,
    /// Open loop: so many messages, or guesses, per second by all together
    #[arg(long, value_name = "PER SECOND", conflicts_with_all = ["window", "think"], value_parser = within(0.001..=1e9))]
    rate: Option<f64>,
    /// How long is counted
    #[arg(long, short_alias = 't', value_name = "TIME", default_value = "5s", value_parser = duration_within(Duration::from_millis(1)..=A_DAY))]
    time: Duration,
    /// How long before that
    #[arg(long, value_name = "TIME", default_value = "500ms", value_parser = duration_within(Duration::ZERO..=A_DAY))]
    warm_up: Duration,
    /// Of whose turn it is, and of what players propose and guess [random, printed]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Write the figures as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the figures as Markdown, too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,

    /// Clients that fetch what is published
    #[arg(long, short_alias = 's', default_value_t = 100, value_name = "N", help_heading = BOARD, value_parser = within(1..=MOST_CLIENTS))]
    subscribers: usize,
    /// Clients that publish
    #[arg(long, default_value_t = 1, value_name = "N", help_heading = BOARD, value_parser = within(1..=u16::MAX))]
    publishers: u16,
    /// Clients that connect and never read
    #[arg(long, default_value_t = 0, value_name = "N", help_heading = BOARD, value_parser = within(0..=MOST_CLIENTS))]
    stalled: usize,
    /// Length of a message, bytes
    #[arg(short, long, default_value_t = 128, value_name = "N", help_heading = BOARD, value_parser = within(HEADER..=MOST_BYTES))]
    bytes: usize,
    /// Closed loop: so many messages on their way
    #[arg(long, default_value_t = 1000, value_name = "N", help_heading = BOARD, value_parser = within(1..=1_000_000_000u64))]
    window: u64,

    /// Play the guess-word game instead of the board, so many at once
    #[arg(
        long,
        value_name = "N",
        help_heading = GAME,
        value_parser = clap::value_parser!(u16).range(1..),
        conflicts_with_all = ["subscribers", "publishers", "stalled", "bytes", "window"]
    )]
    players: Option<u16>,
    /// Closed loop: between an answer and the next guess [default: 0]
    #[arg(long, value_name = "TIME", help_heading = GAME, value_parser = duration, requires = "players")]
    think: Option<Duration>,
    /// So many players leave per second, each to come again at once under another name
    #[arg(long, value_name = "PER SECOND", help_heading = GAME, requires = "players", value_parser = within(0.001..=1e9))]
    leave: Option<f64>,
    /// Start a server with a bug: it checks a guess, lets the lock go for so long, and scores
    #[arg(
        long,
        value_name = "TIME",
        help_heading = GAME,
        value_parser = duration,
        num_args = 0..=1,
        default_missing_value = "1ms",
        requires = "players",
        conflicts_with_all = ["host", "port"]
    )]
    racy: Option<Duration>,
}

/// Runs it and prints the figures.
///
/// # Errors
/// No server there, one that is not empty, a broken connection, a message missing, double or out of order, a rule of the game that
/// was broken, or too few descriptors.
pub fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    writable(args.json.iter().chain(&args.report))?;
    let interrupted = interrupt::flag()?;
    match args.players {
        None => args.simulate_the_board(interrupted),
        Some(players) => args.simulate_the_game(usize::from(players), interrupted),
    }
}

impl SimulateArgs {
    fn simulate_the_board(&self, interrupted: &AtomicBool) -> anyhow::Result<ExitCode> {
        let (server, target) = self.server("board-server", Vec::new())?;
        let plan = Plan {
            target,
            dialect: Dialect::Board,
            subscribers: self.subscribers,
            publishers: usize::from(self.publishers),
            stalled: self.stalled,
            bytes: self.bytes,
            load: self.rate.map_or(Load::Window(self.window), Load::Rate),
            warm_up: self.warm_up,
            time: self.time,
            seed: self.seed(),
        };
        let outcome = measure(&plan, server.as_ref(), interrupted)?;
        server.map(ChildServer::stop);
        self.present(&present::of_the_board(&plan, &outcome), &outcome)?;
        let undone = [
            (outcome.missing, ["delivery has not come", "deliveries have not come"]),
            (outcome.never_sent, ["message was due and never sent", "messages were due and never sent"]),
        ];
        for (count, [one, many]) in undone.into_iter().filter(|(count, _)| *count > 0) {
            common::support::log::line(format_args!("error: {}", counted(count, one, many)));
        }
        if outcome.missing + outcome.never_sent > 0 {
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn simulate_the_game(&self, players: usize, interrupted: &AtomicBool) -> anyhow::Result<ExitCode> {
        if self.leave.is_some() && players < 2 {
            bail!("--leave wants two players: the first one stays, to hear everything");
        }
        let racy = self.racy.iter().flat_map(|pause| ["--racy".to_owned(), human(*pause)]).collect();
        let (server, target) = self.server("guessword-server", racy)?;
        let plan = players::plan::Plan {
            target,
            players,
            load: self.rate.map_or(
                players::plan::Load::Think(self.think.unwrap_or_default()),
                players::plan::Load::Rate,
            ),
            leave: self.leave,
            schedule: Schedule { warm_up: self.warm_up, time: self.time },
            seed: self.seed(),
        };
        let mut watch = Watch::new(server.as_ref());
        let mut outcome = players::game::run(&plan, interrupted, || watch.look())
            .with_context(|| format!("{}, seed {}", count(players, "player"), plan.seed))?;
        outcome.server = watch.used(outcome.seconds, outcome.answered);
        server.map(ChildServer::stop);
        self.present(&present::of_the_game(&plan, &outcome), &outcome)?;
        if outcome.missing_answers + outcome.missing_notices > 0 {
            let answers = count(outcome.missing_answers, "answer");
            let notices = count(outcome.missing_notices, "notice");
            common::support::log::line(format_args!("error: {answers} and {notices} have not come"));
            return Ok(ExitCode::FAILURE);
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The server that is named, or one of this program's that is started.
    fn server(
        &self,
        command: &str,
        mut args: Vec<String>,
    ) -> anyhow::Result<(Option<ChildServer>, SocketAddr)> {
        if self.host.is_none() && self.port.is_none() {
            args.extend(self.model.iter().flat_map(|model| ["--model".to_owned(), model.name()]));
            args.extend(self.workers.iter().flat_map(|count| ["--workers".to_owned(), count.to_string()]));
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            let server = server::start(command, &args)?;
            let address = server.address;
            return Ok((Some(server), address));
        }
        Ok((None, resolve(self.host.as_deref().unwrap_or("127.0.0.1"), self.port.unwrap_or(7777))?))
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(rand::random)
    }

    fn present(
        &self,
        rows: &[(&'static str, String)],
        figures: &impl serde::Serialize,
    ) -> anyhow::Result<()> {
        present::present(rows, figures, self.json.as_deref(), self.report.as_deref())
    }
}

/// Runs the board's plan, and looks at the server meanwhile.
///
/// # Errors
/// Nobody to connect to, too few descriptors, a connection that broke, or anything but every message once and in one order.
pub fn measure(
    plan: &Plan,
    server: Option<&ChildServer>,
    interrupted: &AtomicBool,
) -> anyhow::Result<Outcome> {
    let mut watch = Watch::new(server);
    let mut outcome = board::run(plan, interrupted, || watch.look())?;
    outcome.server = watch.used(outcome.seconds, outcome.delivered);
    Ok(outcome)
}
