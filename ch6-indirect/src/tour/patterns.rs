//! Each pattern, a function: the programs of it, all in this one, and what each saw.

use std::time::Duration;

use anyhow::{Context, ensure};
use clap::ValueEnum;
use common::support::count::count;
use common::support::terminal;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Consumer, ExchangeKind};
use tokio::time::timeout;

use super::picture::Flow;
use super::picture::Place::{Exchange, Queue, Receiver, Sender};
use crate::bus::{Bus, arguments, publish, said};

/// A pattern of messaging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Pattern {
    /// One sender, one queue, one receiver
    Hello,
    /// One queue, several workers
    WorkQueue,
    /// A fan-out exchange
    PublishSubscribe,
    /// A direct exchange
    Routing,
    /// A topic exchange
    Topics,
    /// Calls and answers
    Rpc,
    /// Confirms and returns
    Confirms,
    /// A stream
    Stream,
}

/// What should come comes within this time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs one.
pub async fn run(pattern: Pattern, bus: &Bus) -> anyhow::Result<Flow> {
    match pattern {
        Pattern::Hello => hello(bus).await,
        Pattern::WorkQueue => work_queue(bus).await,
        Pattern::PublishSubscribe => {
            let flow = Flow::new("publish-subscribe", "a fan-out exchange: everybody gets everything");
            exchange(bus, flow, ExchangeKind::Fanout, &[("screen", &[""]), ("file", &[""])], &["", ""]).await
        }
        Pattern::Routing => {
            let flow = Flow::new("routing", "a direct exchange: everybody gets the keys that it has bound");
            let receivers: [(&str, &[&str]); 2] =
                [("screen", &["info", "warning", "error"]), ("file", &["error"])];
            exchange(bus, flow, ExchangeKind::Direct, &receivers, &["info", "error", "debug"]).await
        }
        Pattern::Topics => {
            let flow = Flow::new("topics", "a topic exchange: patterns of keys; * is one word, # any number");
            let receivers: [(&str, &[&str]); 3] =
                [("all", &["#"]), ("kernel", &["kern.*"]), ("critical", &["*.critical"])];
            exchange(
                bus,
                flow,
                ExchangeKind::Topic,
                &receivers,
                &["kern.critical", "kern.info", "mail.critical"],
            )
            .await
        }
        Pattern::Rpc => rpc(bus).await,
        Pattern::Confirms => confirms(bus).await,
        Pattern::Stream => stream(bus).await,
    }
}

async fn hello(bus: &Bus) -> anyhow::Result<Flow> {
    let mut flow = Flow::new("hello", "a queue between two programs that need not be there at once");
    let channel = bus.channel().await?;
    let queue = temporary(&channel, FieldTable::default()).await?;
    send(&channel, "", &queue, "Hello World!").await?;
    flow.went((Sender, "sender"), (Queue, "hello"), "");
    let mut consumer = consume(&channel, &queue, true).await?;
    let delivery = next(&mut consumer).await?;
    ensure!(delivery.data == b"Hello World!", "something else came");
    flow.went((Queue, "hello"), (Receiver, "receiver"), "");
    flow.note("The receiver came after the message: the queue kept it.");
    Ok(flow)
}

async fn work_queue(bus: &Bus) -> anyhow::Result<Flow> {
    let mut flow =
        Flow::new("work-queue", "several workers share a queue; what a dead one had goes to another");
    let channel = bus.channel().await?;
    // Not exclusive, since workers come with connections of their own: it goes with the last of them.
    let queue = format!("tour.tasks.{:08x}", rand::random::<u32>());
    let options = QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(queue.clone().into(), options, FieldTable::default()).await.map_err(said)?;
    let mortal = bus.again().await?;
    let (dying, living) = (mortal.channel().await?, bus.channel().await?);
    for worker in [&dying, &living] {
        worker.basic_qos(1, BasicQosOptions::default()).await.map_err(said)?;
    }
    let mut first = consume(&dying, &queue, false).await?;
    for task in 0..6 {
        send(&channel, "", &queue, &format!("task {task}")).await?;
        flow.went((Sender, "sender"), (Queue, "tasks"), "");
    }
    let unfinished = next(&mut first).await?;
    flow.went((Queue, "tasks"), (Receiver, "worker 1"), "");
    let mut second = consume(&living, &queue, false).await?;
    mortal.close().await;
    let mut again = 0;
    for _ in 0..6 {
        let delivery = next(&mut second).await?;
        flow.went((Queue, "tasks"), (Receiver, "worker 2"), "");
        again += usize::from(delivery.redelivered);
        delivery.ack(BasicAckOptions::default()).await.map_err(said)?;
    }
    ensure!(again == 1, "{again} tasks were delivered again, and not the one");
    let task = terminal::text(&unfinished.data);
    flow.note(format!("Worker 1 died with \"{task}\" in its hands; worker 2 got it, marked as redelivered."));
    flow.note("Each worker gets one task at a time (prefetch 1): the faster one gets more.");
    Ok(flow)
}

/// The three patterns that differ in their exchange only.
async fn exchange(
    bus: &Bus,
    mut flow: Flow,
    kind: ExchangeKind,
    receivers: &[(&str, &[&str])],
    keys: &[&str],
) -> anyhow::Result<Flow> {
    let channel = bus.channel().await?;
    let name = format!("tour.{}.{:08x}", name_of(&kind), rand::random::<u32>());
    let options = ExchangeDeclareOptions { auto_delete: true, ..ExchangeDeclareOptions::default() };
    channel
        .exchange_declare(name.clone().into(), kind.clone(), options, FieldTable::default())
        .await
        .map_err(said)?;
    let mut queues = Vec::new();
    for (receiver, bindings) in receivers {
        let queue = temporary(&channel, FieldTable::default()).await?;
        for binding in *bindings {
            let (to, from, key) = (queue.clone().into(), name.clone().into(), (*binding).into());
            channel
                .queue_bind(to, from, key, QueueBindOptions::default(), FieldTable::default())
                .await
                .map_err(said)?;
            flow.way((Exchange, name_of(&kind)), (Queue, receiver), binding);
        }
        queues.push((*receiver, *bindings, consume(&channel, &queue, true).await?));
    }
    let mut lost = 0;
    for key in keys {
        flow.went((Sender, "sender"), (Exchange, name_of(&kind)), key);
        let has_come = publish(&channel, &name, key, key.as_bytes(), BasicProperties::default()).await?;
        lost += usize::from(!has_come);
    }
    for (receiver, bindings, consumer) in &mut queues {
        // What the broker has confirmed is in the queues: so it comes without much waiting, and nothing else comes.
        while let Ok(Some(delivery)) = timeout(Duration::from_millis(300), consumer.next()).await {
            let delivery = delivery.map_err(said)?;
            let label = match bindings {
                [one] => (*one).to_string(),
                _ => delivery.routing_key.to_string(),
            };
            flow.went((Exchange, name_of(&kind)), (Queue, receiver), &label);
            flow.went((Queue, receiver), (Receiver, receiver), "");
        }
    }
    if lost > 0 {
        flow.note(format!(
            "{} reached no queue: nobody had asked for it, so it is gone.",
            count(lost, "message")
        ));
    }
    Ok(flow)
}

fn name_of(kind: &ExchangeKind) -> &'static str {
    match kind {
        ExchangeKind::Direct => "direct",
        ExchangeKind::Fanout => "fanout",
        ExchangeKind::Topic => "topic",
        _ => "exchange",
    }
}

async fn rpc(bus: &Bus) -> anyhow::Result<Flow> {
    let mut flow =
        Flow::new("rpc", "a call through queues: the answer has a queue, and a number to know it by");
    let (client, server) = (bus.channel().await?, bus.channel().await?);
    let calls = temporary(&server, FieldTable::default()).await?;
    let answers = temporary(&client, FieldTable::default()).await?;
    let mut served = consume(&server, &calls, false).await?;
    let mut answered = consume(&client, &answers, true).await?;
    for number in [10_u64, 20] {
        let properties = BasicProperties::default()
            .with_reply_to(answers.clone().into())
            .with_correlation_id(number.to_string().into());
        publish(&client, "", &calls, number.to_string().as_bytes(), properties).await?;
        flow.went((Sender, "client"), (Queue, "calls"), "");
    }
    for _ in 0..2 {
        let call = next(&mut served).await?;
        flow.went((Queue, "calls"), (Receiver, "server"), "");
        let number: u64 = terminal::text(&call.data).parse().context("a call is a number")?;
        let reply_to = call.properties.reply_to().clone().context("a call says where its answer goes")?;
        let mut properties = BasicProperties::default();
        if let Some(id) = call.properties.correlation_id() {
            properties = properties.with_correlation_id(id.clone());
        }
        publish(&server, "", reply_to.as_str(), fibonacci(number).to_string().as_bytes(), properties).await?;
        flow.went((Receiver, "server"), (Queue, "answers"), "");
        call.ack(BasicAckOptions::default()).await.map_err(said)?;
    }
    for _ in 0..2 {
        let answer = next(&mut answered).await?;
        flow.went((Queue, "answers"), (Sender, "client"), "");
        let call = answer.properties.correlation_id().clone().map(|id| id.to_string()).unwrap_or_default();
        flow.note(format!("fibonacci({call}) = {}", terminal::text(&answer.data)));
    }
    Ok(flow)
}

fn fibonacci(number: u64) -> u64 {
    (0..number).fold((0_u64, 1_u64), |(a, b), _| (b, a.wrapping_add(b))).0
}

async fn confirms(bus: &Bus) -> anyhow::Result<Flow> {
    let mut flow = Flow::new("confirms", "the broker says what it has taken over, and what nobody wants");
    let channel = bus.channel().await?;
    let full = arguments([
        ("x-max-length", AMQPValue::LongInt(3)),
        ("x-overflow", AMQPValue::LongString("reject-publish".into())),
    ]);
    let queue = temporary(&channel, full).await?;
    let (mut taken, mut refused) = (0, 0);
    for number in 0..5 {
        match send(&channel, "", &queue, &number.to_string()).await {
            Ok(()) => {
                flow.went((Sender, "sender"), (Queue, "at most 3"), "confirmed");
                taken += 1;
            }
            Err(_) => {
                flow.went((Sender, "sender"), (Queue, "at most 3"), "refused");
                refused += 1;
            }
        }
    }
    let has_come = publish(&channel, "", "no such queue", b"lost", BasicProperties::default()).await?;
    ensure!(!has_come, "a message for nobody has come somewhere");
    flow.went((Sender, "sender"), (Sender, "sender"), "returned");
    flow.note(format!("Confirmed: {taken}. Refused, because the queue is full: {refused}. Returned, because there is no queue: 1."));
    Ok(flow)
}

async fn stream(bus: &Bus) -> anyhow::Result<Flow> {
    let mut flow =
        Flow::new("stream", "a log that many read, each from where it likes; reading takes nothing away");
    let channel = bus.channel().await?;
    let name = format!("tour.stream.{:08x}", rand::random::<u32>());
    let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
    let kind = arguments([("x-queue-type", AMQPValue::LongString("stream".into()))]);
    channel.queue_declare(name.clone().into(), options, kind).await.map_err(said)?;
    for number in 0..10 {
        send(&channel, "", &name, &number.to_string()).await?;
        flow.went((Sender, "sender"), (Queue, "history"), "");
    }
    for (reader, offset, wanted) in [
        ("from the first", AMQPValue::LongString("first".into()), 10),
        ("from 7", AMQPValue::LongLongInt(7), 3),
    ] {
        let channel = bus.channel().await?;
        channel.basic_qos(10, BasicQosOptions::default()).await.map_err(said)?;
        let from = arguments([("x-stream-offset", offset)]);
        let consumer =
            channel.basic_consume(name.clone().into(), "".into(), BasicConsumeOptions::default(), from).await;
        let mut consumer = consumer.map_err(said)?;
        let mut read = String::new();
        for _ in 0..wanted {
            let delivery = next(&mut consumer).await?;
            read += &terminal::text(&delivery.data);
            delivery.ack(BasicAckOptions::default()).await.map_err(said)?;
            flow.went((Queue, "history"), (Receiver, reader), "");
        }
        ensure!("0123456789".ends_with(&read), "it reads {read}");
        let tag = consumer.tag();
        channel.basic_cancel(tag, BasicCancelOptions::default()).await.map_err(said)?;
    }
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.map_err(said)?;
    flow.note("Two readers, one after the other, have read the same messages: a queue would have given each message to one.");
    Ok(flow)
}

/// A queue with a name of the broker's, for this connection alone.
async fn temporary(channel: &Channel, arguments: FieldTable) -> anyhow::Result<String> {
    let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare("".into(), options, arguments).await.map_err(said)?;
    Ok(queue.name().to_string())
}

async fn consume(channel: &Channel, queue: &str, automatic: bool) -> anyhow::Result<Consumer> {
    let options = BasicConsumeOptions { no_ack: automatic, ..BasicConsumeOptions::default() };
    channel.basic_consume(queue.into(), "".into(), options, FieldTable::default()).await.map_err(said)
}

async fn next(consumer: &mut Consumer) -> anyhow::Result<Delivery> {
    let delivery = timeout(PATIENCE, consumer.next()).await.context("no message has come")?;
    delivery.context("the broker has ended the consumer")?.map_err(said)
}

async fn send(channel: &Channel, exchange: &str, key: &str, text: &str) -> anyhow::Result<()> {
    let has_come = publish(channel, exchange, key, text.as_bytes(), BasicProperties::default()).await?;
    ensure!(has_come, "the message reached no queue");
    Ok(())
}
