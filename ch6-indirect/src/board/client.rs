//! `board-client`: puts a request into the queue, and takes the answer out of its own: now or later.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::support::cli::{duration_within, stdout, within};
use common::support::{interrupt, log, terminal};
use lapin::options::{BasicAckOptions, BasicGetOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, ShortString};
use lapin::{BasicProperties, Channel};
use tokio::time::Instant;

use super::messages::{Answer, Ask, Outcome, Request, decode, encode};
use super::{REQUESTS, UNUSED, client_queue, declare};
use crate::bus::{self, BrokerArgs, Bus, arguments, publish, said};

/// The broker has the request; no server has answered it yet.
const NOT_ANSWERED: u8 = 3;

/// How often the client looks into its queue.
const LOOK: Duration = Duration::from_millis(20);

/// The arguments of `board-client`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch6 board-client -m 'Hello world!'
  cargo ch6 board-client -l 3
With no server there, and answered later:
  cargo ch6 board-client --name ann -m 'Hello!' --no-wait
  cargo ch6 board-server                                (in another terminal, at any time)
  cargo ch6 board-client --name ann --collect

Exit status: 0 done; 1 there is no broker, or another error; 3 the broker has the request, and no
server has answered in time: collect the answer later; 130 interrupted by Ctrl-C.")]
pub struct BoardClientArgs {
    /// Publish this text
    #[arg(short, long, value_name = "TEXT", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// Read the last so many messages; 0 is all of them
    #[arg(short, long, value_name = "N", default_value_t = 0, value_parser = within(0..=1_000_000_000_000u64))]
    pub last: u64,
    /// Publish, and read nothing
    #[arg(long, requires = "message")]
    pub publish_only: bool,
    /// A name: answers wait for it, for a day [default: one of its own, for this call]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Send the request and go; --collect gets the answer
    #[arg(long, requires = "name", conflicts_with = "collect")]
    pub no_wait: bool,
    /// Ask nothing; print the answers that wait for this name
    #[arg(long, requires = "name", conflicts_with_all = ["message", "publish_only"])]
    pub collect: bool,
    /// Wait for an answer for so long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration_within(Duration::from_millis(1)..=Duration::from_secs(86400)))]
    pub timeout: Duration,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub broker: BrokerArgs,
}

/// Asks, and prints what is answered.
///
/// # Errors
/// There is no broker, or it is gone.
pub fn run(args: &BoardClientArgs) -> anyhow::Result<ExitCode> {
    interrupt::ends_at_once()?;
    bus::run(async {
        let bus = Bus::connect(&args.broker.broker).await?;
        let channel = bus.channel().await?;
        declare(&channel).await?;
        let name = args.name.clone().unwrap_or_else(|| format!("{:016x}", rand::random::<u64>()));
        let mut client = Client { queue: queue(&channel, &name).await?, channel, seen: 0 };
        let status = client.work(args).await?;
        bus.close().await;
        Ok(status)
    })
}

/// The client's queue: made when it is first needed, and kept for a day after it was last used.
async fn queue(channel: &Channel, name: &str) -> anyhow::Result<String> {
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let expires = arguments([("x-expires", AMQPValue::LongInt(UNUSED))]);
    let queue = client_queue(name);
    channel.queue_declare(queue.clone().into(), options, expires).await.map_err(said)?;
    Ok(queue)
}

struct Client {
    channel: Channel,
    queue: String,
    /// How many messages the board had, as far as this client knows.
    seen: u64,
}

impl Client {
    async fn work(&mut self, args: &BoardClientArgs) -> anyhow::Result<ExitCode> {
        if args.collect {
            return self.collect().await;
        }
        let mut open = BTreeSet::new();
        if let Some(text) = &args.message {
            open.insert(self.ask(Ask::Publish(text.clone())).await?);
            if !args.no_wait && !self.wait(&mut open, args.timeout).await? {
                return Ok(not_answered(args));
            }
        }
        if !args.publish_only {
            open.insert(self.ask(Ask::Last { count: args.last, seen: self.seen }).await?);
            if !args.no_wait && !self.wait(&mut open, args.timeout).await? {
                return Ok(not_answered(args));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Puts a request into the queue; the broker has it when this returns.
    async fn ask(&self, ask: Ask) -> anyhow::Result<u128> {
        let request = Request { id: rand::random(), ask };
        let properties = BasicProperties::default()
            .with_delivery_mode(2)
            .with_reply_to(ShortString::from(self.queue.as_str()));
        let has_come = publish(&self.channel, "", REQUESTS, &encode(&request)?, properties).await?;
        anyhow::ensure!(has_come, "the queue of the requests is gone");
        Ok(request.id)
    }

    /// Prints answers until all these are there; `false` when the time is over.
    async fn wait(&mut self, open: &mut BTreeSet<u128>, patience: Duration) -> anyhow::Result<bool> {
        let end = Instant::now() + patience;
        while !open.is_empty() {
            match self.next().await? {
                Some(answer) => {
                    open.remove(&answer.id);
                    self.print(&answer)?;
                }
                None if Instant::now() >= end => return Ok(false),
                None => tokio::time::sleep(LOOK).await,
            }
        }
        Ok(true)
    }

    async fn collect(&mut self) -> anyhow::Result<ExitCode> {
        while let Some(answer) = self.next().await? {
            self.print(&answer)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The next answer, if there is one.
    async fn next(&mut self) -> anyhow::Result<Option<Answer>> {
        let queue = self.queue.clone().into();
        let Some(message) = self.channel.basic_get(queue, BasicGetOptions::default()).await.map_err(said)?
        else {
            return Ok(None);
        };
        let answer = decode(&message.data).context("an answer that cannot be read");
        message.ack(BasicAckOptions::default()).await.map_err(said)?;
        answer.map(Some)
    }

    fn print(&mut self, answer: &Answer) -> anyhow::Result<()> {
        self.seen = self.seen.max(answer.length);
        let mut out = stdout().lock();
        match &answer.outcome {
            Outcome::Published(place) => writeln!(out, "published, message {place}")?,
            Outcome::Messages(messages) => {
                for (place, _, text) in messages {
                    writeln!(out, "{place}: {}", terminal::text(text.as_bytes()))?;
                }
            }
        }
        out.flush()?;
        Ok(())
    }
}

fn not_answered(args: &BoardClientArgs) -> ExitCode {
    let how = args.name.as_ref().map_or_else(String::new, |name| {
        format!("; its answer: cargo ch6 board-client --name {} --collect", terminal::text(name.as_bytes()))
    });
    log::line(format!("the broker has the request, and no server has answered yet{how}"));
    ExitCode::from(NOT_ANSWERED)
}
