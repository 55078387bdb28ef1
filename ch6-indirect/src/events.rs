//! `publish` and `subscribe`: events with a subject, and those that take an interest in patterns of subjects. Notes, chapter 6:
//! *publish-subscribe systems*, definition 29.
//!
//! ```text
//!   publish  sensor.kitchen.temperature ──► exchange "events" (topic) ──► queue of a subscriber to  sensor.*.temperature
//!                                                                    └──► queue of a subscriber to  sensor.kitchen.#
//! ```
//!
//! Space-uncoupled: neither knows the other. In time they are coupled, unless the subscriber has a name: then its queue stays when it
//! goes, and fills.

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use common::support::cli::{stdout, within};
use common::support::{interrupt, log, terminal};
use futures_util::StreamExt;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, ExchangeKind};

use crate::bus::{self, BrokerArgs, Bus, arguments, said};

/// Nobody has taken an interest in the event.
const NOBODY: u8 = 3;

/// A queue that nobody has used for so long goes, milliseconds: a week.
const UNUSED: i32 = 7 * 24 * 3600 * 1000;

/// The arguments of `publish`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch6 publish sensor.kitchen.temperature 21
  cargo ch6 publish news 'Hello world!' --broker amqp://127.0.0.1:5672

A subject is words with dots between them. Exit status: 0 published, 1 there is no broker, or it
refuses, 3 nobody has subscribed to this subject.")]
pub struct PublishArgs {
    /// The subject: words with dots between them
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    /// What has happened
    #[arg(value_name = "TEXT", default_value = "")]
    pub text: String,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub broker: BrokerArgs,
}

/// The arguments of `subscribe`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch6 subscribe                              everything
  cargo ch6 subscribe 'sensor.*.temperature'       one word in the middle, any
  cargo ch6 subscribe 'sensor.#' news              any number of words; and a second pattern
  cargo ch6 subscribe 'sensor.#' --name logger     what comes while it is away waits for it

Ctrl-C ends it.")]
pub struct SubscribeArgs {
    /// Patterns of subjects: `*` is one word, `#` any number of words; without a pattern all
    #[arg(value_name = "PATTERN")]
    pub patterns: Vec<String>,
    /// A name: what comes while this subscriber is away waits for it, for a week
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// End after so many events
    #[arg(long, value_name = "N", value_parser = within(1..=1_000_000_000u64))]
    pub count: Option<u64>,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub broker: BrokerArgs,
}

/// The exchange of all events.
const EXCHANGE: &str = "events";

async fn declare(channel: &Channel) -> anyhow::Result<()> {
    let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let kind = ExchangeKind::Topic;
    channel.exchange_declare(EXCHANGE.into(), kind, options, FieldTable::default()).await.map_err(said)
}

/// Publishes one event.
///
/// # Errors
/// There is no broker, or it refuses.
pub fn publish(args: &PublishArgs) -> anyhow::Result<ExitCode> {
    interrupt::ends_at_once()?;
    bus::run(async {
        let bus = Bus::connect(&args.broker.broker).await?;
        let channel = bus.channel().await?;
        declare(&channel).await?;
        let properties = BasicProperties::default().with_delivery_mode(2);
        let has_come =
            bus::publish(&channel, EXCHANGE, &args.subject, args.text.as_bytes(), properties).await?;
        bus.close().await;
        if has_come {
            return Ok(ExitCode::SUCCESS);
        }
        log::line("nobody has subscribed to this subject: the event is gone");
        Ok(ExitCode::from(NOBODY))
    })
}

/// Prints what comes.
///
/// # Errors
/// There is no broker, or it is gone.
pub fn subscribe(args: &SubscribeArgs) -> anyhow::Result<ExitCode> {
    interrupt::ends_at_once()?;
    bus::run(async {
        let bus = Bus::connect(&args.broker.broker).await?;
        let channel = bus.channel().await?;
        declare(&channel).await?;
        let queue = queue(&channel, args).await?;
        channel.basic_qos(100, BasicQosOptions::default()).await.map_err(said)?;
        let options = BasicConsumeOptions::default();
        let consumer = channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await;
        let mut events = consumer.map_err(said)?;
        let mut out = stdout().lock();
        writeln!(out, "SUBSCRIBED {}", terminal::text(args.patterns().join(" ").as_bytes()))?;
        out.flush()?;
        let mut left = args.count.unwrap_or(u64::MAX);
        while left > 0 {
            let event =
                events.next().await.context("the broker has ended the subscription")?.map_err(said)?;
            let subject = terminal::text(event.routing_key.as_str().as_bytes());
            let again = if event.redelivered { " (perhaps again)" } else { "" };
            writeln!(out, "{subject}: {}{again}", terminal::text(&event.data))?;
            out.flush()?;
            event.ack(BasicAckOptions::default()).await.map_err(said)?;
            left -= 1;
        }
        bus.close().await;
        Ok(ExitCode::SUCCESS)
    })
}

impl SubscribeArgs {
    fn patterns(&self) -> Vec<String> {
        if self.patterns.is_empty() { vec!["#".into()] } else { self.patterns.clone() }
    }
}

/// The subscriber's queue, bound to its patterns.
async fn queue(channel: &Channel, args: &SubscribeArgs) -> anyhow::Result<String> {
    let (name, options, arguments) = match &args.name {
        None => {
            let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
            (String::new(), options, FieldTable::default())
        }
        Some(name) => {
            let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
            (format!("subscriber.{name}"), options, arguments([("x-expires", AMQPValue::LongInt(UNUSED))]))
        }
    };
    let queue = channel.queue_declare(name.into(), options, arguments).await.map_err(said)?;
    let queue = queue.name().to_string();
    for pattern in args.patterns() {
        let (name, options) = (queue.clone().into(), QueueBindOptions::default());
        let bound = channel.queue_bind(name, EXCHANGE.into(), pattern.into(), options, FieldTable::default());
        bound.await.map_err(said)?;
    }
    Ok(queue)
}
