//! The multicast receiver: bound to the group's address, so that only what was sent to the group comes; with
//! `SO_REUSEADDR`, so that many receivers on one machine share the port, and each gets every datagram (socket(7)).

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use common::core::stop::Stop;
use common::support::cli::within;
use common::support::count::count;
use common::support::{cli, terminal};

use super::numbering::{Follower, Numbered, Sequence};
use crate::datagram::receive;
use crate::kernel::endpoint;
use crate::kernel::wait::{self, Wait, ended};
use crate::kernel::{self, Protocol};
use common::net::multicast::GroupArgs;

/// So many runs of senders are followed; the numbers of any others are shown, not followed.
const MAX_SENDERS: usize = 1024;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 multicast receive
  cargo ch2 multicast receive --interface 127.0.0.1    without any network; start several
  cargo ch2 multicast receive --group ff15::1234";

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct MulticastReceiveArgs {
    #[command(flatten)]
    group: GroupArgs,
    /// Size of the receive buffer in bytes; a longer message is cut
    #[arg(long, value_name = "BYTES", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=65536))]
    buffer: u32,
    /// End after so many messages; 0: at Ctrl-C
    #[arg(long, default_value_t = 0, value_parser = within(0..=1_000_000_000_000u64))]
    count: u64,
    /// Give up when nothing comes for so long [default: wait for ever]
    #[arg(long, value_name = "TIME", value_parser = cli::duration)]
    timeout: Option<Duration>,
}

pub(super) fn run(args: &MulticastReceiveArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    let mut out = cli::stdout().lock();
    let group = args.group.group()?;
    let socket = endpoint::socket(group.address, Protocol::Udp)?;
    socket.set_reuse_address(true)?;
    endpoint::bind(&socket, group.address, Protocol::Udp)?;
    group
        .join(&socket)
        .with_context(|| format!("cannot join {} on {}", group.address.ip(), group.interface()))?;
    writeln!(out, "LISTENING {}", endpoint::local(&socket)?)?;
    writeln!(out, "Joined {} on {}", group.address.ip(), group.interface())?;
    write!(
        out,
        "{}",
        kernel::table::text(&[("receiver", kernel::row_of(&socket, Protocol::Udp)?.as_ref())])
    )?;
    out.flush()?;
    let mut senders: BTreeMap<(SocketAddr, u32), Follower> = BTreeMap::new();
    let mut buffer = vec![0; args.buffer as usize];
    let mut received = 0;
    while args.count == 0 || received < args.count {
        match wait::readable(&socket, args.timeout, stop)? {
            Wait::Ready => {}
            Wait::Stopped => break,
            Wait::TimedOut => {
                let limit = cli::human(args.timeout.unwrap_or_default());
                bail!(
                    "nothing came within {limit}: no sender, another interface, too small a TTL, or its loop is off"
                )
            }
        }
        let datagram = receive(&socket, &mut buffer)?;
        received += 1;
        let text = terminal::text(datagram.bytes);
        writeln!(out, "Received from {}: [{text}]", datagram.from)?;
        if datagram.length > datagram.bytes.len() {
            writeln!(out, "   cut: it had {}", count(datagram.length, "byte"))?;
        }
        if let Some(numbered) = Numbered::parse(&text) {
            let key = (datagram.from, numbered.run);
            if senders.len() >= MAX_SENDERS && !senders.contains_key(&key) {
                continue;
            }
            match senders.entry(key).or_default().receive(numbered.number) {
                Sequence::Next => {}
                Sequence::Gap(lost) => writeln!(out, "   {lost} before it lost (or still to come)")?,
                Sequence::Old => writeln!(out, "   late, or a duplicate")?,
            }
        }
        out.flush()?;
    }
    Ok(ended(stop))
}
