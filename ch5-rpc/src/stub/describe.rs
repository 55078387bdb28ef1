//! `describe`: what a server can be called for, as it says itself.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use common::support::cli::stdout;
use common::support::{interrupt, terminal};

use super::connection::Connection;
use super::error::Error;
use super::server::ServerArgs;
use super::wire::Wire;
use crate::procedures::value::Value;

/// The most methods of a server that are asked for.
const MOST_METHODS: usize = 1000;

const EXAMPLES: &str = "\
Example (start `cargo ch5 xmlrpc-server` before):
  cargo ch5 describe http://127.0.0.1:7777/RPC2";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DescribeArgs {
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Prints the methods of a server, how each is called, and what it does.
///
/// # Errors
/// The server does not say it.
pub fn describe(args: &DescribeArgs) -> anyhow::Result<ExitCode> {
    let interrupted = interrupt::flag()?;
    let (wire, mut connection) = Wire::open(&args.server, interrupted);
    let names = connection.post(wire.content_type(), &wire.request("system.listMethods", &[]))?;
    let names = match wire.result(&names) {
        Ok(Value::Array(names)) if names.len() <= MOST_METHODS => names,
        Ok(Value::Array(names)) => bail!("the server has {} methods: more than {MOST_METHODS}", names.len()),
        Ok(_) => bail!("the server answers system.listMethods with something else than a list"),
        Err(Error::Fault(fault)) => bail!("the server does not list its methods ({fault})"),
        Err(error) => return Err(error.into()),
    };
    let mut out = stdout();
    for name in &names {
        let Value::Text(name) = name else { bail!("the name of a method is no text") };
        for line in one(wire, &mut connection, name)? {
            writeln!(out, "{}", terminal::line(&line))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The lines about one method.
fn one(wire: Wire, connection: &mut Connection<'_>, name: &str) -> Result<Vec<String>, Error> {
    let signatures = told(wire.call(connection, "system.methodSignature", name))?;
    let mut lines = match signatures {
        Some(Value::Array(signatures)) if !signatures.is_empty() => {
            signatures.iter().map(|signature| line(name, signature)).collect()
        }
        _ => vec![format!("{name}(…)")],
    };
    if let Some(Value::Text(help)) = told(wire.call(connection, "system.methodHelp", name))? {
        lines.extend(
            help.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| format!("    {line}")),
        );
    }
    Ok(lines)
}

/// An answer, or nothing where the server has no word for it.
fn told(answer: Result<Value, Error>) -> Result<Option<Value>, Error> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(Error::Fault(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn line(name: &str, signature: &Value) -> String {
    let Value::Array(kinds) = signature else { return format!("{name}(…)") };
    let kinds: Vec<&str> = kinds
        .iter()
        .map(|kind| match kind {
            Value::Text(kind) => kind,
            _ => "?",
        })
        .collect();
    match kinds.split_first() {
        Some((result, parameters)) => format!("{name}({}) → {result}", parameters.join(", ")),
        None => format!("{name}(…)"),
    }
}
