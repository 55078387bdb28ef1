//! `verify`: whether a server's answers to concurrent clients could have come one after another. Notes, chapter 4: *shared state*.
//!
//! ```text
//!   server ◄──► clients, all at once ──► history ──► check ──► verdict, JSON, picture
//! ```
//!
//! | file | what it is |
//! |---|---|
//! | [`args`] | the command line |
//! | [`subject`] | the server: at an address, or started for this |
//! | [`workload`] | clients that begin at once |
//! | [`recorder`] | one clock, a lane for each client |
//! | [`game`] | the guess-word game: its rules, and its players |
//! | [`board`], [`notifications`] | clients of the boards |
//! | [`racy_board`] | a board that loses messages, to see it found |
//! | [`trial`] | one run: the verdict, and what is printed, written and drawn |

pub mod args;
pub mod board;
pub mod game;
pub mod notifications;
pub mod racy_board;
pub mod recorder;
pub mod subject;
pub mod trial;
pub mod workload;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve};
use clap::Parser;
use common::board::BoardService;
use common::core::work::AnyService;
use common::support::cli::writable;
use common::support::interrupt;

pub use args::{System, VerifyArgs};
use subject::Subject;
use trial::Trial;
use workload::Workload;

/// Runs clients against a server, and judges what they were answered.
///
/// # Errors
/// There is no server, or it is something else; a file cannot be written.
pub fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    if args.serve_board {
        return serve_board(args);
    }
    writable(args.json.iter().chain(&args.picture))?;
    let interrupted = interrupt::flag().context("Ctrl-C cannot be handled")?;
    let subject = Subject::find(args)?;
    let first = args.seed.unwrap_or_else(|| rand::random_range(0..1 << 32));
    let mut status = ExitCode::SUCCESS;
    for run in 0..args.seeds {
        let seed = first.wrapping_add(run.into());
        let is_fresh = subject.is_ours && run == 0;
        let tag = if is_fresh { String::new() } else { format!("-{:x}.{run}", std::process::id()) };
        let workload = Workload {
            address: subject.address,
            tag: &tag,
            clients: usize::from(args.clients),
            operations: args.operations as usize,
            until: Instant::now() + args.time,
            seed,
            interrupted,
        };
        let trial = Trial { args, subject: &subject.name, seed };
        status = match args.what {
            System::Game => {
                let (rules, lanes) = game::play(&workload)?;
                trial.judge(&rules, recorder::silence(&lanes), &recorder::history(lanes))?
            }
            System::Board => {
                let (board, lanes) = board::play(&workload)?;
                trial.judge(&board, recorder::silence(&lanes), &board.learn_ids(&recorder::history(lanes)))?
            }
            System::Notifications => {
                let (board, lanes) = notifications::play(&workload)?;
                trial.judge(&board, recorder::silence(&lanes), &board.learn_ids(&recorder::history(lanes)))?
            }
        };
        if status != ExitCode::SUCCESS || interrupted.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
    }
    Ok(status)
}

/// What every server takes, to have its defaults.
#[derive(Debug, Parser)]
struct Listening {
    #[command(flatten)]
    run: RunArgs,
}

/// The message board of chapter 3, or one that loses messages.
fn serve_board(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let service: Arc<dyn AnyService> = match args.racy {
        None => Arc::new(BoardService::default()),
        Some(pause) => Arc::new(racy_board::RacyBoard::new(pause)),
    };
    let port = args.port.unwrap_or(0).to_string();
    let Listening { run } = Listening::try_parse_from(["verify", "--listenport", &port])?;
    serve(args.model.unwrap_or(Model::ThreadPerConnection), service, &run, None)?;
    Ok(ExitCode::SUCCESS)
}
