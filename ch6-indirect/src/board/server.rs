//! `board-server`: works at requests, and reads the history that all servers share.

use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use clap::Args;
use common::core::stop::Stop;
use common::support::cli::stdout;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Consumer};

use super::history::History;
use super::messages::{Answer, Ask, Entry, Message, Outcome, Request, decode, encode};
use super::{HISTORY, REQUESTS, declare};
use crate::bus::{self, BrokerArgs, Bus, arguments, publish, said};

/// A broker that is gone is looked for again after so long.
const AGAIN: Duration = Duration::from_secs(1);

/// Most requests that a server has in hand.
const IN_HAND: u16 = 100;

/// The arguments of `board-server`.
#[derive(Debug, Args)]
#[command(after_help = "Examples, in terminals of their own:
  cargo ch6 broker --data DIR
  cargo ch6 board-server
  cargo ch6 board-server             a second one: they share the work
  cargo ch6 board-client -m 'Hello world!'

End a server, or all of them, at any time: requests wait for the next one.")]
pub struct BoardServerArgs {
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub broker: BrokerArgs,
}

/// Serves until the stop. When the broker is gone, it is looked for again.
///
/// # Errors
/// There is no broker at the start.
pub fn run(args: &BoardServerArgs) -> anyhow::Result<ExitCode> {
    let stop = Stop::install()?;
    bus::run(async {
        let mut server = Server::default();
        let mut bus = Bus::connect(&args.broker.broker).await?;
        loop {
            let stopped = async {
                while !stop.requested() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            tokio::select! {
                end = server.serve(&bus) => tracing::warn!("the broker is gone: {:#}", end.expect_err("it serves until the broker is gone")),
                () = stopped => {
                    bus.close().await;
                    return Ok(ExitCode::SUCCESS);
                }
            }
            bus = loop {
                tokio::time::sleep(AGAIN).await;
                if stop.requested() {
                    return Ok(ExitCode::SUCCESS);
                }
                match Bus::connect(&args.broker.broker).await {
                    Ok(bus) => break bus,
                    Err(error) => tracing::info!("not yet: {error:#}"),
                }
            };
        }
    })
}

#[derive(Default)]
struct Server {
    history: History,
    /// Requests that wait: for their own message in the history, or for the history to be long enough.
    waiting: Vec<(Request, Delivery)>,
    has_said_so: bool,
}

impl Server {
    /// Works until something fails.
    async fn serve(&mut self, bus: &Bus) -> anyhow::Result<()> {
        self.waiting.clear(); // the broker gives them again
        let (work, read) = (bus.channel().await?, bus.channel().await?);
        declare(&work).await?;
        for channel in [&work, &read] {
            channel.basic_qos(IN_HAND, BasicQosOptions::default()).await.map_err(said)?;
        }
        let offset = i64::try_from(self.history.next_offset()).unwrap_or(i64::MAX);
        let from = arguments([("x-stream-offset", AMQPValue::LongLongInt(offset))]);
        let options = BasicConsumeOptions::default();
        let mut history = read.basic_consume(HISTORY.into(), "".into(), options, from).await.map_err(said)?;
        self.catch_up(&work, &mut history).await?;
        let none = FieldTable::default();
        let mut requests =
            work.basic_consume(REQUESTS.into(), "".into(), options, none).await.map_err(said)?;
        if !std::mem::replace(&mut self.has_said_so, true) {
            let mut out = stdout().lock();
            writeln!(out, "SERVING {REQUESTS}")?;
            out.flush()?;
        }
        loop {
            tokio::select! {
                entry = history.next() => {
                    let entry = entry.context("the history has ended")?.map_err(said)?;
                    self.handle_entry(&entry);
                    entry.ack(BasicAckOptions::default()).await.map_err(said)?;
                    self.answer(&work).await?;
                }
                request = requests.next() => {
                    let request = request.context("the requests have ended")?.map_err(said)?;
                    self.handle_request(&work, request).await?;
                    self.answer(&work).await?;
                }
            }
        }
    }

    /// An entry of the history: a mark, if it is one.
    fn handle_entry(&mut self, delivery: &Delivery) -> Option<u128> {
        let offset =
            delivery.properties.headers().as_ref().and_then(|headers| headers.inner().get("x-stream-offset"));
        let Some(AMQPValue::LongLongInt(offset)) = offset else { return None };
        let offset = u64::try_from(*offset).unwrap_or(0);
        match decode::<Entry>(&delivery.data) {
            Ok(Entry::Message(message)) => {
                self.history.apply(offset, message);
            }
            Ok(Entry::Mark(mark)) => {
                self.history.skip(offset);
                return Some(mark);
            }
            Err(error) => {
                tracing::warn!("entry {offset} of the history is left out: {error:#}");
                self.history.skip(offset);
            }
        }
        None
    }

    /// Reads all that is in the history by now: a server that answered before would show a part of the board.
    async fn catch_up(&mut self, work: &Channel, history: &mut Consumer) -> anyhow::Result<()> {
        let mark = rand::random();
        publish(work, "", HISTORY, &encode(&Entry::Mark(mark))?, persistent()).await?;
        loop {
            let entry = history.next().await.context("the history has ended")?.map_err(said)?;
            let found = self.handle_entry(&entry);
            entry.ack(BasicAckOptions::default()).await.map_err(said)?;
            if found == Some(mark) {
                return Ok(());
            }
        }
    }

    async fn handle_request(&mut self, channel: &Channel, delivery: Delivery) -> anyhow::Result<()> {
        let request = match decode::<Request>(&delivery.data) {
            Ok(request) => request,
            Err(error) => {
                tracing::warn!("a request is dropped: {error:#}");
                return delivery.ack(BasicAckOptions::default()).await.map(drop).map_err(said);
            }
        };
        if let Ask::Publish(text) = &request.ask
            && self.history.place(request.id).is_none()
        {
            let posted = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
            let posted = u64::try_from(posted).unwrap_or(u64::MAX);
            let message = Message { id: request.id, posted, text: text.clone() };
            let entry = encode(&Entry::Message(message))?;
            publish(channel, "", HISTORY, &entry, persistent()).await?;
        }
        self.waiting.push((request, delivery));
        Ok(())
    }

    /// Answers what can be answered, in the order in which it came.
    async fn answer(&mut self, channel: &Channel) -> anyhow::Result<()> {
        let mut place = 0;
        while place < self.waiting.len() {
            let Some(outcome) = self.outcome(&self.waiting[place].0) else {
                place += 1;
                continue;
            };
            let (request, delivery) = self.waiting.remove(place);
            if let Some(to) = delivery.properties.reply_to() {
                let answer = encode(&Answer { id: request.id, length: self.history.len(), outcome })?;
                // A client whose queue is gone has been away for a day: nobody waits for it.
                let _ = publish(channel, "", to.as_str(), &answer, persistent()).await?;
            }
            // Only now: should this server die before, another one answers.
            delivery.ack(BasicAckOptions::default()).await.map_err(said)?;
        }
        Ok(())
    }

    fn outcome(&self, request: &Request) -> Option<Outcome> {
        match request.ask {
            Ask::Publish(_) => self.history.place(request.id).map(Outcome::Published),
            Ask::Last { count, seen } => {
                (self.history.len() >= seen).then(|| Outcome::Messages(self.history.last(count)))
            }
        }
    }
}

fn persistent() -> BasicProperties {
    BasicProperties::default().with_delivery_mode(2)
}
