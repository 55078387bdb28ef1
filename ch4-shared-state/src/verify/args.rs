//! The arguments of `cargo ch4 verify`.

use std::path::PathBuf;
use std::time::Duration;

use ch3_threads::model::Model;
use clap::{Args, ValueEnum};
use common::support::cli::{duration, within};
use common::verify::linearizability::STEPS;

const EXAMPLES: &str = "\
Examples:
  cargo ch4 verify                                   the game, on a server of its own
  cargo ch4 verify --racy 1ms --picture race.html    with check-then-act: a violation
  cargo ch4 verify --what board --racy 1ms --picture lost.html
  cargo ch4 verify --what board --model tokio --seed 7 --json history.json
  cargo ch4 verify --what game -p 7778               a server that nobody else uses now
  cargo ch4 verify --racy 1ms --seed 7 --seeds 20    no violation with seed 7 this time? 8, 9, …

What is feasible, as measured on two busy processors with 100 operations each: 16 clients of
the game, 32 of the board and 16 of the notification board are judged within five seconds. 24,
64 and 32 of them are not: `unknown`, and how many answers are decided is said. The cost grows
with --operations about in proportion, but exponentially with the calls that are open at once,
and those are as many as --clients; a call that is never answered stays open to the end. Rather
more --seeds than more clients. --steps and --limit bound it in any case; when the whole is
given up, beginnings of it are tried, each with as many steps, and for as long together.

Exit status: 0 an order explains every answer, 1 an error, 3 no order does, 4 unknown: the
search was given up, or only one of several clients was served, so that nothing was at once.";

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum System {
    /// The guess-word game
    Game,
    /// The message board over TCP
    Board,
    /// The notification board
    Notifications,
}

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct VerifyArgs {
    /// What is checked
    #[arg(long, short_alias = 'w', value_enum, default_value = "game")]
    pub what: System,
    /// Where the server is [default: with a port 127.0.0.1, with neither a server is started for this]
    #[arg(short = 'H', long)]
    pub host: Option<String>,
    /// The server's port [default: with a host 7777]
    #[arg(short, long)]
    pub port: Option<u16>,
    /// How the server that is started runs its connections [default: thread-per-connection]
    #[arg(short, long, value_enum)]
    pub model: Option<Model>,
    /// Start a server with a bug: it checks, lets the lock go for so long, and acts
    #[arg(long, value_name = "TIME", value_parser = duration, num_args = 0..=1, default_missing_value = "1ms")]
    pub racy: Option<Duration>,
    /// How many clients at once
    #[arg(short, long, default_value_t = 4, value_parser = within(1..=256u16))]
    pub clients: u16,
    /// Most calls of each client
    #[arg(long, short_alias = 'o', default_value_t = 100, value_parser = within(1..=100_000u32))]
    pub operations: u32,
    /// System the clients ask for [random, printed]; when each request arrives is decided anew in every run
    #[arg(long)]
    pub seed: Option<u64>,
    /// Run again with the next seed, so many times at most, until there is a violation
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = within(1..=1_000_000u32))]
    pub seeds: u32,
    /// No client begins a call after this time
    #[arg(long, short_alias = 't', value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub time: Duration,
    /// The search is given up after so many steps, and the verdict is unknown; a million is some 35 MB
    #[arg(long, value_name = "N", default_value_t = STEPS, value_parser = within(1..=1_000_000_000_000u64))]
    pub steps: u64,
    /// The search is given up after so long, too; to try beginnings, and to explain a violation, may each take as long again
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "20s")]
    pub limit: Duration,
    /// Write the history and the verdict as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the violation, or else the beginning of the order that was found, as an HTML file
    #[arg(long, value_name = "FILE")]
    pub picture: Option<PathBuf>,
    /// Be the board that is checked
    #[arg(long, hide = true)]
    pub serve_board: bool,
}

impl System {
    /// As a reader calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            System::Game => "guess-word game",
            System::Board => "message board",
            System::Notifications => "notification board",
        }
    }
}
