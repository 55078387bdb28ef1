//! The numbers of a scenario as flags: the same for `simulate` and for `compare`.

#![allow(rustdoc::broken_intra_doc_links, reason = "the help of a flag ends with its default in brackets")]

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use common::loadgen::{Exchange, Faulty, Plan, Scenario};
use common::support::cli::{duration_within, within};

/// The shortest and the longest time that is meant. A longest wait, scaled and with its grace, is still a number of nanoseconds.
const BRIEFLY: Duration = Duration::from_millis(1);
const A_DAY: Duration = Duration::from_secs(86_400);

/// Every number of a scenario; what is not given is the scenario's own.
#[derive(Args, Debug, Clone)]
pub struct PlanArgs {
    /// How many clients [patience, stay, heavy, connect: 5; factor: 8; echo: 50; crowd: 2000; random: 10000]
    #[arg(short, long, visible_alias = "children", value_name = "N", value_parser = within(1..=1_000_000usize))]
    pub clients: Option<usize>,
    /// How long a client waits [patience, crowd, random: 15s; stay, echo: 5s; heavy, factor, connect: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration_within(BRIEFLY..=A_DAY))]
    pub timeout: Option<Duration>,
    /// How long a served client stays [patience, crowd: 5s; stay: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration_within(Duration::ZERO..=A_DAY))]
    pub stay: Option<Duration>,
    /// Length of a message [heavy: 36; echo: 128; crowd: 32], or how many bytes to ask for [connect: 3000]
    #[arg(short, long, value_name = "N", value_parser = within(1..=1_000_000_000usize))]
    pub bytes: Option<usize>,
    /// factor: bits of each of the two primes whose product is asked for; two more are twice the work [40]
    #[arg(long, value_name = "N", value_parser = within(10..=50u32))]
    pub bits: Option<u32>,
    /// echo, closed loop: messages under way per connection [1]
    #[arg(long, short_alias = 'w', value_name = "N", conflicts_with = "rate", value_parser = within(1..=1_000_000usize))]
    pub window: Option<usize>,
    /// echo, open loop: requests per second of all clients together, at random moments
    #[arg(short, long, value_name = "PER_SECOND", value_parser = within(0.001..=1e9))]
    pub rate: Option<f64>,
    /// echo: how long to measure [5s]
    #[arg(short, long, value_name = "TIME", value_parser = duration_within(BRIEFLY..=A_DAY))]
    pub duration: Option<Duration>,
    /// echo: how long to run before measuring [500ms]
    #[arg(long, value_name = "TIME", value_parser = duration_within(Duration::ZERO..=A_DAY))]
    pub warm_up: Option<Duration>,
    /// connect: connections of each child, one after another [500]
    #[arg(short = 't', long, value_name = "N", value_parser = within(1..=100_000_000usize))]
    pub connections: Option<usize>,
    /// connect: end the number with a newline
    #[arg(long)]
    pub newline: bool,
    /// echo, connect: send this instead of random bytes or of the number; \r \n \t \0 \\ and \xNN are understood
    #[arg(long, value_parser = unescape, value_name = "TEXT")]
    pub ask: Option<Escaped>,
    /// With --ask: what must come back for it
    #[arg(long, value_parser = unescape, value_name = "TEXT", requires = "ask")]
    pub answer: Option<Escaped>,
    /// With --ask: how many bytes must come back for it, whatever they are
    #[arg(long, value_name = "N", requires = "ask", conflicts_with = "answer", value_parser = within(1..=1_000_000_000usize))]
    pub answer_bytes: Option<usize>,
    /// By which fraction clients wait longer than the timeout: three stays of 5s are exactly 15s, and the notes' fourth client is served
    #[arg(long, default_value_t = 0.1, value_name = "FRACTION", value_parser = within(0.0..=10.0))]
    pub grace: f64,
    /// Multiply timeout and stay; measured durations stay as they are [simulate: 1]
    #[arg(long, value_name = "FACTOR", value_parser = within(0.001..=1000.0))]
    pub time_scale: Option<f64>,
    /// Faulty clients beside the others: slow-reader, never-reader, half-open, rst, garbage, as in rst=5,garbage=2
    #[arg(long, default_value_t = Faulty::default(), hide_default_value = true, value_name = "KIND=N,...")]
    pub faulty: Faulty,
    /// Seed of every random decision [random, printed]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Event loops, one thread each
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = within(1..=1024usize))]
    pub threads: usize,
}

impl PlanArgs {
    /// The flags that are given though none of `scenarios` knows them, each with the names of those that do.
    #[must_use]
    pub fn meaningless_to(&self, scenarios: &[Scenario]) -> Vec<(&'static str, String)> {
        use Scenario::{Connect, Crowd, Echo, Factor, Heavy, Patience, Random, Stay};
        let given = [
            ("--stay", self.stay.is_some(), &[Patience, Stay, Heavy, Crowd, Random][..]),
            ("--bytes", self.bytes.is_some(), &[Heavy, Echo, Connect, Crowd]),
            ("--bits", self.bits.is_some(), &[Factor]),
            ("--window", self.window.is_some(), &[Echo]),
            ("--rate", self.rate.is_some(), &[Echo]),
            ("--duration", self.duration.is_some(), &[Echo]),
            ("--warm-up", self.warm_up.is_some(), &[Echo]),
            ("--ask", self.ask.is_some(), &[Echo, Connect]),
            ("--connections", self.connections.is_some(), &[Connect]),
            ("--newline", self.newline, &[Connect]),
        ];
        given
            .into_iter()
            .filter(|(_, given, theirs)| *given && !theirs.iter().any(|one| scenarios.contains(one)))
            .map(|(flag, _, theirs)| {
                (flag, theirs.iter().map(|one| one.name()).collect::<Vec<_>>().join(", "))
            })
            .collect()
    }

    /// The scenario's own plan against `target`, with what was given in place.
    ///
    /// # Errors
    /// When what is to be sent and what is to come back do not make an exchange.
    pub fn plan(&self, scenario: Scenario, target: SocketAddr) -> anyhow::Result<Plan> {
        self.change(&Plan::new(scenario, target))
    }

    /// The same over a plan that brings its own numbers.
    ///
    /// # Errors
    /// As there.
    pub fn change(&self, its: &Plan) -> anyhow::Result<Plan> {
        let exchange = match (&self.ask, &self.answer, self.answer_bytes) {
            (None, ..) => None,
            (Some(ask), Some(answer), _) => Exchange::exactly(ask.0.clone(), answer.0.clone()),
            (Some(ask), None, Some(length)) => Exchange::of_length(ask.0.clone(), length),
            (Some(_), None, None) => {
                bail!("--ask needs --answer TEXT or --answer-bytes N: what comes back for it?")
            }
        };
        if self.ask.is_some() && exchange.is_none() {
            bail!("neither --ask nor the answer may be empty");
        }
        Ok(Plan {
            clients: self.clients.unwrap_or(its.clients),
            timeout: self.timeout.unwrap_or(its.timeout),
            stay: self.stay.unwrap_or(its.stay),
            bytes: self.bytes.unwrap_or(its.bytes),
            bits: self.bits.unwrap_or(its.bits),
            window: self.window.unwrap_or(its.window),
            rate: self.rate,
            duration: self.duration.unwrap_or(its.duration),
            warm_up: self.warm_up.unwrap_or(its.warm_up),
            connections: self.connections.unwrap_or(its.connections),
            newline: self.newline,
            exchange,
            grace: self.grace,
            faulty: self.faulty,
            seed: self.seed.unwrap_or(its.seed),
            threads: self.threads,
            time_scale: self.time_scale.unwrap_or(its.time_scale),
            ..its.clone()
        })
    }
}

/// Bytes that were written with escapes. A type of its own, because clap takes a `Vec` for a repeated argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escaped(Vec<u8>);

fn unescape(text: &str) -> Result<Escaped, String> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let escape = after.chars().next().ok_or("a \\ at the end escapes nothing")?;
        rest = &after[escape.len_utf8()..];
        bytes.push(match escape {
            'r' => b'\r',
            'n' => b'\n',
            't' => b'\t',
            '0' => 0,
            '\\' => b'\\',
            'x' => {
                let digits = rest.get(..2).unwrap_or("");
                rest = rest.get(2..).unwrap_or("");
                u8::from_str_radix(digits, 16).map_err(|_| "\\x needs two hexadecimal digits".to_string())?
            }
            other => return Err(format!("\\{other} is unknown; there are \\r \\n \\t \\0 \\\\ and \\xNN")),
        });
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(Escaped(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_bytes() {
        assert_eq!(unescape(r"PING\r\n\x00\\é"), Ok(Escaped(b"PING\r\n\0\\\xc3\xa9".to_vec())));
        for wrong in [r"\", r"\q", r"\x1", r"\xzz", r"\xé"] {
            assert!(unescape(wrong).is_err(), "{wrong}");
        }
    }
}
