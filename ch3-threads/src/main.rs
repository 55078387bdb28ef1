//! The program of chapter 3: `cargo ch3 --help`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::cli::LogArgs;

use ch3_threads::compare::{self, CompareArgs};
use ch3_threads::model::Model;
use ch3_threads::serve::{self, ServeArgs, ServiceArgs};
use ch3_threads::show::{self, ShowArgs};
use ch3_threads::simulate::{self, SimulateArgs};

/// Processes, threads, servers: every model of a concurrent server, under one client simulator
#[derive(Parser)]
#[command(name = "cargo ch3", version)]
struct Cli {
    #[command(flatten)]
    log: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a server: one model, one service, until Ctrl-C
    Serve(ServeArgs),
    /// Simulate clients: the notes' five, or thousands
    Simulate(SimulateArgs),
    /// Run the simulator against every model, and show what each does
    Compare(CompareArgs),
    /// Threads, locks, processes, signals, shown one by one
    Show(ShowArgs),
    /// Say what each model is
    Models,
    /// A worker process of `process-pipeline`, started by it
    #[command(hide = true)]
    Worker(ServiceArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.log.start();
    let done = match &cli.command {
        Command::Serve(args) => serve::run(args).map(|()| ExitCode::SUCCESS),
        Command::Simulate(args) => simulate::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Show(args) => show::run(*args).map(|()| ExitCode::SUCCESS),
        Command::Models => models().map(|()| ExitCode::SUCCESS),
        Command::Worker(args) => serve::worker(args).map(|()| ExitCode::SUCCESS),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn models() -> anyhow::Result<()> {
    for model in Model::ALL {
        writeln!(std::io::stdout(), "{:<22}{}", model.name(), model.about())?;
    }
    Ok(())
}
