//! The program of chapter 3: `cargo ch3 --help`.

mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "ch3", about = "Processes, threads, and every model of a concurrent server")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Simulate clients: the notes' five, or thousands
    Simulate(simulate::SimulateArgs),
}

fn main() -> anyhow::Result<ExitCode> {
    common::cli::log_to_stderr();
    match Arguments::parse().command {
        Command::Simulate(arguments) => simulate::run(&arguments),
    }
}
