//! The program of chapter 3: `cargo ch3 --help`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::cli::LogArgs;

use ch3_threads::model::Model;
use ch3_threads::serve::{self, ServeArgs, ServiceArgs};

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
        Command::Serve(args) => serve::run(args),
        Command::Models => models(),
        Command::Worker(args) => serve::worker(args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn models() -> anyhow::Result<()> {
    for model in Model::ALL {
        writeln!(std::io::stdout(), "{:<22}{}", model.name(), model.about())?;
    }
    Ok(())
}
