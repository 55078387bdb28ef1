//! The arguments of `cargo ch5 semantics`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use common::netem::parse::probability;
use common::support::cli::within;

use super::call::CallArgs;
use super::scenario::Severity;
use super::serve::ServeArgs;

/// The arguments of `semantics`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  cargo ch5 semantics                                 each semantics under each fault
  cargo ch5 semantics --loss 50% --report run.html    a worse network, and pictures of it
  cargo ch5 semantics --virtual --calls 1000          without sockets and without a clock
  cargo ch5 semantics serve                           by hand: a server, in one terminal
  cargo ch5 semantics call -m 'Hello world!'          and a call, in another one
With the same seed the same datagrams are lost, as far as the same ones are sent; with --virtual
they are always the same.
Status: 1 when a promise was broken."
)]
pub struct SemanticsArgs {
    #[allow(missing_docs, reason = "a comment here would be a help text of its own")]
    #[command(subcommand)]
    pub command: Option<SemanticsCommand>,
    /// How many datagrams are lost
    #[arg(long, value_name = "CHANCE", value_parser = probability, default_value = "20%")]
    pub loss: f64,
    /// How many datagrams arrive twice
    #[arg(long, value_name = "CHANCE", value_parser = probability, default_value = "30%")]
    pub duplicate: f64,
    /// How many datagrams arrive late
    #[arg(long, value_name = "CHANCE", value_parser = probability, default_value = "30%")]
    pub reorder: f64,
    /// What decides which
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Calls of each semantics under each fault
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = within(4..=10_000u64))]
    pub calls: u64,
    /// In virtual time: no sockets, no processes, no clock; the same seed is the same run
    #[arg(long)]
    pub r#virtual: bool,
    /// Write the figures to this file, too
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write a page with the table and a picture of one call of each semantics: HTML
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
}

/// By hand.
#[derive(Debug, Subcommand)]
pub enum SemanticsCommand {
    /// A board whose calls can be remembered, over UDP
    Serve(ServeArgs),
    /// One call to such a server
    Call(CallArgs),
}

impl SemanticsArgs {
    pub(super) fn severity(&self) -> Severity {
        Severity { loss: self.loss, duplicate: self.duplicate, reorder: self.reorder }
    }

    /// The command that does it again.
    pub(super) fn again(&self) -> String {
        let percent = |share: f64| format!("{}%", (share * 1e8).round() / 1e6);
        let way = if self.r#virtual { " --virtual" } else { "" };
        format!(
            "cargo ch5 semantics --loss {} --duplicate {} --reorder {} --seed {} --calls {}{way}",
            percent(self.loss),
            percent(self.duplicate),
            percent(self.reorder),
            self.seed,
            self.calls
        )
    }
}
