//! The multicast sender: no bind, no join; the interface, the TTL and the loop are options of the socket.
//!
//! (The notes' sender sets `IP_DEFAULT_MULTICAST_TTL` where it means `IP_MULTICAST_TTL`: a constant, taken for an
//! option's number. That is 1, `IP_TOS`, and its datagrams leave with TTL 1.)

use std::io::Write;
use std::net::IpAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::core::stop::Stop;
use common::support::cli;
use common::support::cli::within;

use super::numbering::Numbered;
use crate::kernel::Protocol;
use crate::kernel::endpoint;
use crate::kernel::wait::ended;
use common::net::multicast::GroupArgs;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 multicast send                             every 5 s to 239.1.1.1:53124
  cargo ch2 multicast send --interface 127.0.0.1       without any network
  cargo ch2 multicast send --no-loop --count 3         not to this machine
  cargo ch2 multicast send --group ff15::1234 --every 500ms";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MulticastSendArgs {
    #[command(flatten)]
    group: GroupArgs,
    /// What to send; a number is put behind it
    #[arg(short, long, default_value = "Hello world!")]
    message: String,
    /// Send it without a number, as the notes' sender does
    #[arg(long)]
    plain: bool,
    /// Time between two messages
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = cli::duration)]
    every: Duration,
    /// End after so many messages; 0: at Ctrl-C
    #[arg(long, default_value_t = 0, value_parser = within(0..=1_000_000_000_000u64))]
    count: u64,
    /// How far a datagram goes: 0 this machine, 1 this network, n through n - 1 routers
    #[arg(long, value_name = "HOPS", default_value_t = 4)]
    ttl: u8,
    /// Not to receivers on this machine; loopback as the interface needs no loop
    #[arg(long)]
    no_loop: bool,
}

pub(super) fn run(args: &MulticastSendArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let group = args.group.group()?;
    let socket = endpoint::socket(group.address, Protocol::Udp)?;
    group.prepare_sender(&socket, args.ttl, !args.no_loop).context("the multicast options")?;
    writeln!(out, "Group: {}", group.address)?;
    writeln!(out, "Interface: {}", group.interface())?;
    group.show(&socket, &mut out)?;
    let run = rand::random();
    let mut number = 0;
    while !stop.requested() {
        number += 1;
        let numbered = Numbered { text: &args.message, run, number }.write();
        let message = if args.plain { &args.message } else { &numbered };
        socket.send_to(message.as_bytes(), &group.address.into()).with_context(|| {
            let hint = match group.address.ip() {
                IpAddr::V4(_) => "",
                // Unlike IPv4, IPv6 routes multicast only where the interface has the MULTICAST flag.
                IpAddr::V6(_) => {
                    "; on loopback it takes `ip -6 route add multicast ff00::/8 dev lo table local`"
                }
            };
            format!("cannot send to {} by {}{hint}", group.address, group.interface())
        })?;
        if number == 1 {
            writeln!(out, "Sending from {}", endpoint::local(&socket)?)?;
        }
        writeln!(out, "[{number}] Multicast sent: {message}")?;
        out.flush()?;
        if number == args.count {
            break;
        }
        stop.rest(args.every);
    }
    Ok(ended(stop))
}
