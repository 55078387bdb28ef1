//! The arguments of `cargo ch2 link`: one for each fault.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use common::netem::{Cut, Profile, Settings, parse};
use common::support::cli::{duration, human};
use common::support::size;

const EXAMPLES: &str = "\
Examples:
  cargo ch2 link --loss 20% --delay 20ms                 a fifth is lost, the rest is late
  cargo ch2 link --loss 20% --seed 7 --picture run.html  the same fates every time, drawn at the end
  cargo ch2 link --cut up@2s..5s                         requests vanish for a while, answers do not
  cargo ch2 link --tcp --split 30% --stall 5%:200ms      a stream, in other pieces and with pauses
Then send the client to the link: cargo ch2 board-client -p 7778 -m 'Hello world!'
Chances are 20% or 0.2; times 250us, 20ms, 5s. A cut is up, down or both, @ from..to:
times since the link's start, or #100 for a datagram of each client.";

type Chance = (f64, Option<Duration>);

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct LinkArgs {
    /// Where clients reach the link; port 0 is any free one
    #[arg(short, long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7778", value_parser = common::support::listen::address_and_port)]
    listen: SocketAddr,
    /// The server
    #[arg(long, short_alias = 't', value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7777", value_parser = common::support::listen::address_and_port)]
    to: SocketAddr,
    /// Relay datagrams only (without --udp and --tcp: both)
    #[arg(long)]
    udp: bool,
    /// Relay connections only
    #[arg(long)]
    tcp: bool,

    /// How many datagrams are lost; in a stream: wait 200ms for a retransmission
    #[arg(long, value_name = "CHANCE", value_parser = parse::probability, help_heading = "Faults")]
    loss: Option<f64>,
    /// How many datagrams arrive twice
    #[arg(long, value_name = "CHANCE", value_parser = parse::probability, help_heading = "Faults")]
    duplicate: Option<f64>,
    /// How many datagrams are held back for others to overtake them, and for how long (else 10ms)
    #[arg(long, value_name = "CHANCE[:TIME]", value_parser = parse::chance, help_heading = "Faults")]
    reorder: Option<Chance>,
    /// How many datagrams (or segments of a stream) have a bit flipped
    #[arg(long, value_name = "CHANCE", value_parser = parse::probability, help_heading = "Faults")]
    corrupt: Option<f64>,
    /// How long everything is on its way
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Faults")]
    delay: Option<Duration>,
    /// How much longer what the server sends is on its way: an asymmetric path
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Faults")]
    delay_down: Option<Duration>,
    /// How much longer it may take; order is kept
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Faults")]
    jitter: Option<Duration>,
    /// What the link carries in each direction: 10mbit or 1.5MB/s
    #[arg(long, value_name = "RATE", value_parser = parse::rate, help_heading = "Faults")]
    rate: Option<u64>,
    /// What may wait for the rate: 64KiB; the rest is dropped, or a stream not read
    #[arg(long, value_name = "SIZE", value_parser = size::in_memory, help_heading = "Faults", requires = "rate")]
    queue: Option<usize>,
    /// Pull the cable: up@2s..5s, down@#100..#200, both@10s..; may be given several times
    #[arg(long, value_name = "WAY@FROM..TO", value_parser = parse::cut, help_heading = "Faults")]
    cut: Vec<Cut>,

    /// How many segments come in two parts
    #[arg(long, value_name = "CHANCE", value_parser = parse::probability, help_heading = "Faults of streams")]
    split: Option<f64>,
    /// How many segments wait to come together with the next
    #[arg(long, value_name = "CHANCE", value_parser = parse::probability, help_heading = "Faults of streams")]
    merge: Option<f64>,
    /// How many segments reset the connection
    #[arg(long, value_name = "CHANCE", value_parser = parse::probability, help_heading = "Faults of streams")]
    reset: Option<f64>,
    /// How many segments are held, with all behind them, and for how long (else 200ms)
    #[arg(long, value_name = "CHANCE[:TIME]", value_parser = parse::chance, help_heading = "Faults of streams")]
    stall: Option<Chance>,

    /// What decides it all; without one, a new one is drawn and said
    #[arg(long, value_name = "NUMBER")]
    pub(super) seed: Option<u64>,
    /// Write what happens to this file, a JSON object a line
    #[arg(long, value_name = "FILE")]
    pub(super) journal: Option<PathBuf>,
    /// Draw what happened into this file at the end: a space-time diagram, HTML
    #[arg(long, value_name = "FILE")]
    pub(super) picture: Option<PathBuf>,
    /// Draw it in the terminal at the end
    #[arg(long)]
    pub(super) ladder: bool,
    /// Forget a client from which and for which no datagram came for so long
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    idle: Duration,
}

impl LinkArgs {
    /// What the relay is to do.
    pub(super) fn settings(&self, seed: u64) -> Settings {
        let both = !self.udp && !self.tcp;
        Settings {
            listen: self.listen,
            to: self.to,
            udp: self.udp || both,
            tcp: self.tcp || both,
            profile: self.profile(),
            seed,
            idle: self.idle,
            label: crate::session::label::label,
        }
    }

    fn profile(&self) -> Profile {
        let perfect = Profile::default();
        let (reorder, reorder_by) = self.reorder.unwrap_or_default();
        let (stall, stall_for) = self.stall.unwrap_or_default();
        Profile {
            loss: self.loss.unwrap_or_default(),
            duplicate: self.duplicate.unwrap_or_default(),
            reorder,
            reorder_by: reorder_by.unwrap_or(perfect.reorder_by),
            corrupt: self.corrupt.unwrap_or_default(),
            delay: self.delay.unwrap_or_default(),
            delay_down: self.delay_down.unwrap_or_default(),
            jitter: self.jitter.unwrap_or_default(),
            rate: self.rate,
            queue: self.queue.unwrap_or(perfect.queue),
            cuts: self.cut.clone(),
            split: self.split.unwrap_or_default(),
            merge: self.merge.unwrap_or_default(),
            reset: self.reset.unwrap_or_default(),
            stall,
            stall_for: stall_for.unwrap_or(perfect.stall_for),
        }
    }

    /// The command that does it again.
    pub(super) fn command(&self, seed: u64) -> String {
        let mut command = format!("cargo ch2 link --listen {} --to {}", self.listen, self.to);
        for (flag, on) in [(" --udp", self.udp), (" --tcp", self.tcp)] {
            command += if on { flag } else { "" };
        }
        let percent = |chance: f64| format!("{}%", (chance * 1e8).round() / 1e6);
        let with_time = |(chance, time): Chance| {
            percent(chance) + &time.map_or(String::new(), |time| format!(":{}", human(time)))
        };
        let said = [
            ("loss", self.loss.map(percent)),
            ("duplicate", self.duplicate.map(percent)),
            ("reorder", self.reorder.map(with_time)),
            ("corrupt", self.corrupt.map(percent)),
            ("delay", self.delay.map(human)),
            ("delay-down", self.delay_down.map(human)),
            ("jitter", self.jitter.map(human)),
            ("rate", self.rate.map(|rate| format!("{rate}B/s"))),
            ("queue", self.queue.map(|queue| queue.to_string())),
            ("split", self.split.map(percent)),
            ("merge", self.merge.map(percent)),
            ("reset", self.reset.map(percent)),
            ("stall", self.stall.map(with_time)),
        ];
        for (name, value) in said {
            if let Some(value) = value {
                command += &format!(" --{name} {value}");
            }
        }
        for cut in &self.cut {
            command += &format!(" --cut '{cut}'");
        }
        format!("{command} --seed {seed}")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct LinkCli {
        #[command(flatten)]
        args: LinkArgs,
    }

    fn args(line: &str) -> LinkArgs {
        LinkCli::try_parse_from(["link"].into_iter().chain(line.split_whitespace())).unwrap().args
    }

    #[test]
    fn without_arguments_it_is_a_perfect_link_for_both_carriers() {
        let settings = args("").settings(1);
        assert!(settings.udp && settings.tcp);
        assert_eq!(settings.profile, Profile::default());
        assert!(!args("--udp").settings(1).tcp && !args("--tcp").settings(1).udp);
    }

    #[test]
    fn the_command_that_is_said_does_the_same_again() {
        let line = "--udp --loss 20% --duplicate 0.05 --reorder 10%:7ms --corrupt 0.1% --delay 20ms --delay-down 5ms --jitter 250us \
            --rate 10mbit --queue 64KiB --cut up@2s..5s --cut down@#100..#200 --cut both@10s.. --split 1% --merge 2% \
            --reset 0.01% --stall 5%:200ms";
        let first = args(line);
        let said = first.command(42).replace('\'', "");
        let second = args(said.strip_prefix("cargo ch2 link").unwrap());
        assert_eq!(second.seed, Some(42));
        assert_eq!(second.settings(42).profile, first.settings(42).profile);
        assert_eq!((second.udp, second.tcp), (true, false));
    }
}
