//! Which multicast addresses there are: the table of the notes, whole ("UDP Multicasting"; RFC 5771, RFC 2365, RFC 4291).

use std::io::Write;
use std::net::IpAddr;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use common::net::multicast::ranges;
use common::support::cli;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 multicast ranges                 all
  cargo ch2 multicast ranges 239.1.1.1       the notes' group
  cargo ch2 multicast ranges ff02::fb";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MulticastRangesArgs {
    /// Say what this address is for
    #[arg(value_name = "ADDR")]
    address: Option<IpAddr>,
}

pub(super) fn run(args: &MulticastRangesArgs) -> anyhow::Result<ExitCode> {
    let mut out = cli::stdout().lock();
    if let Some(address) = args.address {
        let found = ranges::of(address).with_context(|| {
            format!("{address} is no multicast address: 224.0.0.0-239.255.255.255, or ff00::/8")
        })?;
        writeln!(out, "{address} is in {}: {}", found.range, found.name)?;
        match found.unfit {
            Some(why) => writeln!(out, "not for a program of your own: {why}")?,
            None => writeln!(out, "you may use it")?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(out, "IPv4 (* for programs of your own)")?;
    for range in ranges::ipv4() {
        let mark = if range.unfit.is_none() { '*' } else { ' ' };
        writeln!(out, " {mark} {:<31}  {}", range.range, range.name)?;
    }
    writeln!(out, "\nIPv6: ff, then four bits of flags and four of scope")?;
    writeln!(
        out,
        "   ff0x::  well known, given by IANA          ff3x::  by unicast prefix; ff3x::/32 source-specific"
    )?;
    writeln!(out, " * ff1x::  transient: yours                   ff7x::  with a rendezvous point in it")?;
    for (scope, reach) in ranges::SCOPES {
        writeln!(out, "   x = {scope:x}   {reach}")?;
    }
    Ok(ExitCode::SUCCESS)
}
