//! `bridge`: two brokers joined. What is published to an exchange of one comes to the same exchange of the other, and waits while that is
//! away. Notes, chapter 6: *broker network*, the distributed kind of event service.
//!
//! ```text
//!   publisher ──► (events) broker 1 ──► [bridge.…] ──► bridge ──► (events) broker 2 ──► subscriber
//!                                        durable         │ acknowledges when broker 2 has confirmed
//! ```
//!
//! A message that has come over a bridge says so in a header (`x-bridged`), with the name of each bridge on its way. A bridge does not take
//! one that it has carried before: so two bridges, one each way, are no circle.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::core::stop::Stop;
use common::support::cli::stdout;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicNackOptions, BasicQosOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldArray, FieldTable};
use lapin::{Channel, ExchangeKind};

use crate::bus::{self, Bus, publish, said};

/// A broker that is gone is looked for again after so long.
const AGAIN: Duration = Duration::from_millis(500);

/// Which bridges a message has come over.
const BRIDGED: &str = "x-bridged";

/// Most messages that are on the bridge at once.
const ON_THE_WAY: u16 = 100;

/// The arguments of `bridge`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch6 broker -p 5672 --data one
  cargo ch6 broker -p 5673 --data two
  cargo ch6 bridge --from amqp://127.0.0.1:5672 --to amqp://127.0.0.1:5673
  cargo ch6 bridge --from amqp://127.0.0.1:5673 --to amqp://127.0.0.1:5672    and back
  cargo ch6 subscribe --broker amqp://127.0.0.1:5673
  cargo ch6 publish news 'crosses' --broker amqp://127.0.0.1:5672

Stop one of the brokers, publish to the other, and start it again.")]
pub struct BridgeArgs {
    /// Where messages come from: amqp://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// Where they go: amqp://HOST:PORT
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// The exchange, at both
    #[arg(long, value_name = "NAME", default_value = "events")]
    pub exchange: String,
    /// The subjects that cross
    #[arg(long, value_name = "PATTERN", default_value = "#")]
    pub pattern: String,
    /// The name of this bridge: one that starts again with it goes on where it was
    #[arg(long, value_name = "NAME", default_value = "bridge")]
    pub name: String,
}

/// Carries messages until the stop.
///
/// # Errors
/// There is no broker at one of the ends at the start.
pub fn run(args: &BridgeArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    bus::run(async {
        let mut is_first = true;
        loop {
            let stopped = async {
                while !stop.requested() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            tokio::select! {
                () = stopped => return Ok(ExitCode::SUCCESS),
                end = carry(args, &mut is_first) => {
                    let error = end.expect_err("it carries until a broker is gone");
                    if is_first {
                        return Err(error);
                    }
                    tracing::warn!("{error:#}; trying again");
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    })
}

/// Carries messages until one of the brokers is gone.
async fn carry(args: &BridgeArgs, is_first: &mut bool) -> anyhow::Result<std::convert::Infallible> {
    let (from, to) = (Bus::connect(&args.from).await?, Bus::connect(&args.to).await?);
    let (source, destination) = (from.channel().await?, to.channel().await?);
    for channel in [&source, &destination] {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let exchange = args.exchange.clone().into();
        channel
            .exchange_declare(exchange, ExchangeKind::Topic, options, FieldTable::default())
            .await
            .map_err(said)?;
    }
    let queue = format!("bridge.{}", args.name);
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    source.queue_declare(queue.clone().into(), options, FieldTable::default()).await.map_err(said)?;
    let (name, exchange, pattern) =
        (queue.clone().into(), args.exchange.clone().into(), args.pattern.clone().into());
    let bound =
        source.queue_bind(name, exchange, pattern, QueueBindOptions::default(), FieldTable::default());
    bound.await.map_err(said)?;
    source.basic_qos(ON_THE_WAY, BasicQosOptions::default()).await.map_err(said)?;
    let options = BasicConsumeOptions::default();
    let consumer = source.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await;
    let mut consumer = consumer.map_err(said)?;
    if std::mem::replace(is_first, false) {
        let mut out = stdout().lock();
        writeln!(out, "BRIDGING {}", common::support::terminal::text(args.exchange.as_bytes()))?;
        out.flush()?;
    }
    loop {
        let delivery = consumer.next().await.context("the first broker is gone")?.map_err(said)?;
        cross(args, &destination, delivery).await?;
    }
}

/// Takes one message over, unless it was here before. It is acknowledged when the other broker has it: so it may come twice, and is not
/// lost.
async fn cross(args: &BridgeArgs, destination: &Channel, delivery: Delivery) -> anyhow::Result<()> {
    let mut headers = delivery.properties.headers().clone().unwrap_or_default();
    let mut bridges = match headers.inner().get(BRIDGED) {
        Some(AMQPValue::FieldArray(bridges)) => bridges.as_slice().to_vec(),
        _ => Vec::new(),
    };
    // Named by where it goes: the bridge back has another name than this one, and its messages have been there.
    let own = AMQPValue::LongString(args.to.clone().into());
    let origin = AMQPValue::LongString(args.from.clone().into());
    if bridges.contains(&own) {
        return delivery.ack(BasicAckOptions::default()).await.map(drop).map_err(said);
    }
    bridges.extend([origin, own]);
    headers.insert(BRIDGED.into(), AMQPValue::FieldArray(FieldArray::from(bridges)));
    let properties = delivery.properties.clone().with_headers(headers);
    let key = delivery.routing_key.as_str();
    match publish(destination, &args.exchange, key, &delivery.data, properties).await {
        // Nobody over there has subscribed: as at any broker, an event for nobody is gone.
        Ok(_) => delivery.ack(BasicAckOptions::default()).await.map(drop).map_err(said),
        Err(error) => {
            let _ = delivery.nack(BasicNackOptions { requeue: true, ..BasicNackOptions::default() }).await;
            Err(error)
        }
    }
}
