//! The notification board against redis' publish/subscribe, side by side in one run.
//!
//! ```text
//!   for each round                     everybody is a fresh process, in an order drawn anew
//!     throughput   closed loop, --window messages on their way to 100 subscribers
//!     half load    open loop, half of what redis has just reached, for three times as long
//!     50 000/s     open loop, 500 messages/s to 100 subscribers: the processor time of a delivery
//!     stalled      the same beside a client that never reads: the board against itself
//!   once           10 000 subscribers: memory
//! ```
//!
//! One program is all clients of both, reads both alike and compares every byte with what the others got (`src/simulate`). A
//! subscriber of redis reads what is pushed; one of the board is notified, asks, and reads. Both servers keep all in memory.
//! What is reported is the ratio in the same round: its median over the rounds, and its range.

mod args;
mod contest;
mod present;

use std::process::ExitCode;

use common::support::cli::parse;

fn main() -> ExitCode {
    let args: args::Args = parse();
    args.measure.run("cargo bench -p ch4-shared-state --bench notify", || {
        contest::run(&args).and_then(|session| present::present(&session.results, &args))
    })
}
