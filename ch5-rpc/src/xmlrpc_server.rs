//! `xmlrpc-server`: the message board as procedures over HTTP, in XML (XML-RPC) and in JSON (JSON-RPC 2.0). Notes, chapter 5, figures
//! 5.4 and 5.5.
//!
//! ```text
//!   any model of chapter 3 ──► service ──► http         POST /RPC2 or /rpc, with its whole content
//!                                │    ──► content      unpacked, out of its encoding
//!                                │    ──► xmlrpc::read, jsonrpc::read         a document ──► a call
//!                                │    ──► procedures::methods                 found, checked, called
//!                                └───◄── xmlrpc::write, jsonrpc::write        the result ──► a document
//! ```

mod content;
mod http;
mod service;

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::ensure;
use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve};
use clap::Args;
use common::board::Limits;
use common::support::size;

pub use service::RpcService;

/// Content of a request beyond this would not be read in a time that a caller waits: 1 GiB.
const MOST_CONTENT: u64 = 1 << 30;

const EXAMPLES: &str = "\
Example: a board, and calls to it:
  cargo ch5 xmlrpc-server
  cargo ch5 describe http://127.0.0.1:7777/RPC2          (in another terminal)
  cargo ch5 call http://127.0.0.1:7777/RPC2 publish hello
  cargo ch5 call http://127.0.0.1:7777/rpc get 0

From Python:
  python3 -c \"import xmlrpc.client as x; print(x.ServerProxy('http://127.0.0.1:7777').last())\"";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct XmlrpcServerArgs {
    /// How connections are run
    #[arg(short, long, value_enum, default_value = "epoll")]
    pub model: Model,
    /// Serve the functions of test suites as well: validator1.*, pow, add, div, …
    #[arg(long)]
    pub validator: bool,
    /// The most content of a request, packed or not, and the most results of several calls in one
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, default_value = "16MiB")]
    pub content: u64,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

/// Serves until the stop.
///
/// # Errors
/// The model cannot run it, or the address cannot be listened on.
pub fn run(args: &XmlrpcServerArgs) -> anyhow::Result<ExitCode> {
    ensure!((1..=MOST_CONTENT).contains(&args.content), "--content is from 1 B to 1 GiB");
    let service = RpcService::new(Limits::default(), args.content, args.validator);
    serve(args.model, Arc::new(service), &args.run, None)?;
    Ok(ExitCode::SUCCESS)
}
