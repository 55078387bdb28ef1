//! The name server: a name in, a reference out. Notes, chapter 5: *Pyro Name Server*.
//!
//! ```text
//!   server of objects ── register name, reference, lease ──► name server ◄── look up name ── client
//!                     ── the same again, in time ──────────►     └─ not renewed: gone
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`registry`], [`changes`] | the names and their leases; what has changed. Sans-I/O |
//! | [`object`] | the registry as an object with Pyro's methods |
//! | [`discovery`] | how it is found without an address |
//! | [`server`] | `names`: the program |
//! | [`keeper`] | the owner's side: registers a name and renews it |
//! | [`found`] | a server of the right kind, by its name |
//! | [`client`] | `names list`, `lookup`, `register`, `remove`, `watch` |

pub mod changes;
pub mod client;
pub mod discovery;
pub mod found;
pub mod keeper;
pub mod object;
pub mod registry;
pub mod server;

use std::process::ExitCode;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples: a name server, and a name in it:
  cargo ch5 names
  cargo ch5 names register board PYRO:6f1c@127.0.0.1:7777 --lease 10s   (in a second terminal)
  cargo ch5 names lookup board
  cargo ch5 names watch
Pyro's own tools work, too:
  python -m Pyro5.nsc list
Without a command it serves. A port of its own, and nothing that is heard outside:
  cargo ch5 names -p 9091 --discovery-port 0 --announce off";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true, mut_arg("listenport", |port| port.default_value("9090")))]
pub struct NamesArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    server: server::ServerArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What a name refers to
    Lookup(client::LookupArgs),
    /// All names
    List(client::ListArgs),
    /// Give a name to a reference; with a lease, keep it until Ctrl-C
    Register(client::RegisterArgs),
    /// Take a name away
    Remove(client::RemoveArgs),
    /// Print each change of the names, until Ctrl-C
    Watch(client::WatchArgs),
}

/// Serves names, or asks a server for them.
///
/// # Errors
/// It cannot serve, or the server does not answer, or refuses.
pub fn run(args: &NamesArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        None => server::run(&args.server),
        Some(Command::Lookup(args)) => client::lookup(args),
        Some(Command::List(args)) => client::list(args),
        Some(Command::Register(args)) => client::register(args),
        Some(Command::Remove(args)) => client::remove(args),
        Some(Command::Watch(args)) => client::watch(args),
    }
}
