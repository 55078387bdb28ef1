//! The program of chapter 3: `cargo ch3 --help`.

use ch3_threads::show;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "ch3", about = "Chapter 3: processes, threads and concurrent servers")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(show::ShowArgs),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Show(args) => show::run(args),
    }
}
