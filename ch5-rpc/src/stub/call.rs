//! `call`: one call of one method.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use common::support::cli::stdout;
use common::support::interrupt;

use super::argument::Signatures;
use super::connection::Connection;
use super::error::Error;
use super::server::ServerArgs;
use super::show;
use super::wire::Wire;

const EXAMPLES: &str = "\
Example: publish a message, and read it again (start `cargo ch5 xmlrpc-server` before):
  cargo ch5 call http://127.0.0.1:7777/RPC2 publish 'hello, all'
  cargo ch5 call http://127.0.0.1:7777/RPC2 get 0
The same over JSON-RPC, with what is sent and what comes:
  cargo ch5 call http://127.0.0.1:7777/rpc get 0 --raw
A struct or an array is written as JSON:
  cargo ch5 call http://127.0.0.1:7777/RPC2 publish hello '[\"10.0.0.1\", 80]'

Status: 0 a result, 1 a fault or no answer, 2 wrong usage, 130 Ctrl-C.";

/// The arguments of `call`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CallArgs {
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub server: ServerArgs,
    /// The method
    pub method: String,
    /// Its parameters. Their types are asked from the server; where it does not tell, they are taken by their looks
    #[arg(value_name = "ARG", allow_negative_numbers = true)]
    pub arguments: Vec<String>,
    /// Do not ask for the types
    #[arg(long)]
    pub by_looks: bool,
    /// Show what is sent and what comes, as they are
    #[arg(long)]
    pub raw: bool,
}

/// Calls a method and prints its result.
///
/// # Errors
/// A fault, no answer, or one that is none.
pub fn call(args: &CallArgs) -> anyhow::Result<ExitCode> {
    let interrupted = interrupt::flag()?;
    let (wire, mut connection) = Wire::open(&args.server, interrupted);
    let signatures = match args.by_looks || args.arguments.is_empty() {
        true => Signatures::default(),
        false => signatures(wire, &mut connection, &args.method)?,
    };
    let request = wire.request(&args.method, &signatures.arguments(&args.arguments));
    let mut out = stdout();
    if args.raw {
        show::body(&mut out, "the request", &request)?;
    }
    let response = connection.post(wire.content_type(), &request)?;
    if args.raw {
        show::body(&mut out, "the response", &response)?;
    }
    let result = wire.result(&response)?;
    writeln!(out, "{}", show::json(&result))?;
    Ok(ExitCode::SUCCESS)
}

/// What the server says that a method takes; nothing where it does not say it.
fn signatures(wire: Wire, connection: &mut Connection<'_>, method: &str) -> Result<Signatures, Error> {
    match wire.call(connection, "system.methodSignature", method) {
        Ok(value) => Ok(Signatures::of(&value)),
        Err(Error::Fault(_)) => Ok(Signatures::default()),
        Err(error) => Err(error),
    }
}
