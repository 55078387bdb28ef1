//! The arguments that both commands have.

use std::time::Duration;

use clap::Args;
use common::support::connect::timeout;
use common::support::size;

/// Where the server is, and how long it is waited for.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// Where calls go: http://HOST:PORT/RPC2 speaks XML-RPC (as without a path), a path that ends with /rpc JSON-RPC
    #[arg(value_name = "URL")]
    pub url: common::protocol::http::Url,
    /// How long a call may take, from the connection to the end of its answer
    #[arg(long, value_name = "TIME", value_parser = timeout, default_value = "10s")]
    pub timeout: Duration,
    /// The longest answer that is taken
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, default_value = "64MiB")]
    pub limit: u64,
}
