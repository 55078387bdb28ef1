//! The command `user`: who may use a broker that is not for this machine alone.

use std::io::{IsTerminal, Write, stdin};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use common::support::cli::stdout;

use super::users::{Expressions, add};

const EXAMPLES: &str = "\
Example: ann may do everything in the virtual host /, and bob may only publish to `orders` there:
  cargo ch6 user add ann --users users.json
  cargo ch6 user add bob --users users.json --configure '' --write orders --read ''
The password is read from standard input, so that no list of processes shows it:
  printf 'secret\\n' | cargo ch6 user add ann --users users.json
A broker reads the file when it starts: cargo ch6 broker --users users.json";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct UserArgs {
    #[allow(missing_docs, reason = "a comment here would replace the subcommands' own")]
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What is done with a user.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add a user, or give one another password and what it may do in a virtual host
    #[command(after_help = EXAMPLES)]
    Add {
        /// The user's name
        name: String,
        /// The file of users; it is made if it is not there
        #[arg(long, value_name = "FILE")]
        users: PathBuf,
        /// The virtual host
        #[arg(long, default_value = "/")]
        vhost: String,
        /// Exchanges and queues that the user may declare and delete: an expression that matches the whole name
        #[arg(long, value_name = "EXPRESSION", default_value = ".*")]
        configure: String,
        /// Exchanges that the user may publish to, and queues that may be bound
        #[arg(long, value_name = "EXPRESSION", default_value = ".*")]
        write: String,
        /// Queues that the user may consume from, and exchanges that may be bound to
        #[arg(long, value_name = "EXPRESSION", default_value = ".*")]
        read: String,
    },
}

/// Does it.
///
/// # Errors
/// There is no password, an expression is wrong, or the file cannot be read or written.
pub fn run(args: &UserArgs) -> anyhow::Result<ExitCode> {
    let UserCommand::Add { name, users, vhost, configure, write, read } = &args.command;
    let password = password(name)?;
    let may = Expressions { configure: configure.clone(), write: write.clone(), read: read.clone() };
    add(users, name, password.as_bytes(), vhost, may)?;
    writeln!(stdout(), "{name} may use the virtual host {vhost}: {}", users.display())?;
    Ok(ExitCode::SUCCESS)
}

/// One line of standard input.
fn password(name: &str) -> anyhow::Result<String> {
    if stdin().is_terminal() {
        write!(stdout(), "Password of {name} (it is shown): ")?;
        stdout().flush()?;
    }
    let mut line = String::new();
    stdin().read_line(&mut line).context("no password on standard input")?;
    let password = line.trim_end_matches(['\r', '\n']).to_owned();
    ensure!(!password.is_empty(), "a password is not empty");
    Ok(password)
}
