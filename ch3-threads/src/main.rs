//! The program of chapter 3: `cargo ch3 --help`.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use common::support::cli::{LogArgs, finish, parse, stdout};
use common::support::inherited;

use ch3_threads::compare::{self, CompareArgs};
use ch3_threads::lab_server::{self, LabServerArgs};
use ch3_threads::model::Model;
use ch3_threads::random_client::{self, RandomClientArgs};
use ch3_threads::serve::{self, ServeArgs, ServiceArgs};
use ch3_threads::show::{self, ShowArgs};
use ch3_threads::simulate::{self, SimulateArgs};

const EXAMPLES: &str = "\
Examples, to begin with:
  cargo ch3 show threads        the lecture's first program
  cargo ch3 serve               a server on port 7777: a thread per connection
  cargo ch3 simulate            in a second terminal: five clients for it
  cargo ch3 compare             every model under every scenario, with a report
`cargo ch3 COMMAND --help` explains each; ch3-threads/README.md is the chapter.";

/// Processes, threads, servers: every model of a concurrent server, under one client simulator
#[derive(Parser)]
#[command(name = "cargo ch3", bin_name = "cargo ch3", version, after_help = EXAMPLES)]
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
    LabServer(LabServerArgs),
    Simulate(SimulateArgs),
    RandomClient(RandomClientArgs),
    /// Run the simulator against every model, and show what each does
    Compare(CompareArgs),
    /// Threads, locks, processes, signals, shown one by one
    Show(ShowArgs),
    /// Say what each model is, in reading order
    #[command(after_help = "Example: the models, then one of them with four workers:
  cargo ch3 models
  cargo ch3 serve --model thread-pool --workers 4
The file of a model is ch3-threads/src/model/NAME.rs, with _ for -; it begins with what it costs.")]
    Models,
    /// A worker process of `process-pipeline`, started by it
    #[command(hide = true)]
    Worker(ServiceArgs),
}

fn main() -> ExitCode {
    inherited::reset();
    let cli: Cli = parse();
    cli.log.start();
    let done = match &cli.command {
        Command::Serve(args) => serve::run(args).map(|()| ExitCode::SUCCESS),
        Command::LabServer(args) => lab_server::run(args).map(|()| ExitCode::SUCCESS),
        Command::Simulate(args) => simulate::run(args),
        Command::RandomClient(args) => random_client::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Show(args) => show::run(args).map(|()| ExitCode::SUCCESS),
        Command::Models => models().map(|()| ExitCode::SUCCESS),
        Command::Worker(args) => serve::worker(args).map(|()| ExitCode::SUCCESS),
    };
    finish(done)
}

fn models() -> anyhow::Result<()> {
    for model in Model::ALL {
        writeln!(stdout(), "{:<22}{}", model.name(), model.about())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Cli;

    #[test]
    fn every_letter_has_its_one_meaning() {
        let command = <Cli as clap::CommandFactory>::command();
        let table = include_str!("../../CONTRIBUTING.md");
        assert_eq!(common::support::cli::letters_not_in(table, command), [""; 0]);
    }

    #[test]
    fn every_help_has_an_example_and_no_line_that_is_too_long() {
        let command = <Cli as clap::CommandFactory>::command();
        assert_eq!(common::support::cli::hard_to_read(command), [""; 0]);
    }

    #[test]
    fn every_number_has_a_range() {
        let command = <Cli as clap::CommandFactory>::command();
        assert_eq!(common::support::cli::without_range(command), [""; 0]);
    }
}
