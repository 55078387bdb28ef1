//! How the programs of this chapter reach a broker: ours, RabbitMQ, or one of their own. They speak AMQP 0-9-1 through the crate
//! `lapin`, and do not know which it is.
//!
//! ```text
//!   amqp://127.0.0.1:5672   ours (`cargo ch6 broker`) or RabbitMQ, whichever is there
//!   amqp://user:password@host:port/vhost
//!   embedded:               a broker of our own, started for this program on a free port, and ended with it
//! ```

use std::future::Future;

use anyhow::{Context, bail};
use clap::Args;
use common::support::child_server::{ChildServer, this_program};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};

/// Which broker.
#[derive(Debug, Clone, Args)]
pub struct BrokerArgs {
    /// The broker: `amqp://USER:PASSWORD@HOST:PORT/VHOST`, of which HOST is enough, or `embedded:` for one of this program's own
    #[arg(long, value_name = "URL", default_value = "amqp://127.0.0.1:5672", help_heading = "The broker")]
    pub broker: String,
}

/// A connection to a broker.
pub struct Bus {
    connection: Connection,
    url: String,
    /// The broker of our own; it ends when this is dropped.
    _embedded: Option<ChildServer>,
}

impl Bus {
    /// Connects.
    ///
    /// # Errors
    /// There is no broker there, or it refuses us; the sentence says what to do.
    pub async fn connect(url: &str) -> anyhow::Result<Bus> {
        if url == "embedded:" {
            let mut command = this_program(["--log", "warn", "broker", "-p", "0", "--no-http"])?;
            let broker = ChildServer::start(&mut command).context("the broker of this program's own")?;
            let url = format!("amqp://{}", broker.address);
            let connection = connect(&url).await?;
            return Ok(Bus { connection, url, _embedded: Some(broker) });
        }
        let url = url.strip_suffix('/').unwrap_or(url); // of no virtual host: the default one, as other clients take it
        if !url.starts_with("amqp://") {
            bail!("{url} is no broker: amqp://HOST:PORT, or embedded:");
        }
        Ok(Bus { connection: connect(url).await?, url: url.to_string(), _embedded: None })
    }

    /// One more connection to the same broker.
    ///
    /// # Errors
    /// As [`connect`](Bus::connect).
    pub async fn again(&self) -> anyhow::Result<Bus> {
        Ok(Bus { connection: connect(&self.url).await?, url: self.url.clone(), _embedded: None })
    }

    /// A channel on which every publish is confirmed.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn channel(&self) -> anyhow::Result<Channel> {
        let channel = self.connection.create_channel().await.map_err(said)?;
        channel.confirm_select(ConfirmSelectOptions::default()).await.map_err(said)?;
        Ok(channel)
    }

    /// Says goodbye to the broker. Nothing depends on it: what the broker has confirmed, it has. (lapin says an error while one of the
    /// channels is still closing.)
    pub async fn close(self) {
        let _ = self.connection.close(200, "done".into()).await;
    }
}

async fn connect(url: &str) -> anyhow::Result<Connection> {
    let name = "cargo ch6".into();
    let connected =
        Connection::connect(url, ConnectionProperties::default().with_connection_name(name)).await;
    connected.map_err(|error| {
        let place = url.rsplit('@').next().unwrap_or(url).trim_start_matches("amqp://");
        let is_refused = matches!(error.kind(), lapin::ErrorKind::IOError(error) if error.kind() == std::io::ErrorKind::ConnectionRefused);
        if is_refused {
            anyhow::anyhow!("no broker at {place}: start one with `cargo ch6 broker`, or say --broker embedded:")
        } else {
            said(error).context(format!("the broker at {place}"))
        }
    })
}

/// What a broker has said, for a terminal: a stranger's text.
#[expect(clippy::needless_pass_by_value, reason = "it is what map_err wants")]
pub fn said(error: lapin::Error) -> anyhow::Error {
    anyhow::anyhow!("{}", common::support::terminal::text(error.to_string().as_bytes()))
}

/// Publishes, and waits until the broker has confirmed. `false`: it reached no queue.
///
/// # Errors
/// The broker refuses it, or is gone: whether it has the message is then not known.
pub async fn publish(
    channel: &Channel,
    exchange: &str,
    key: &str,
    bytes: &[u8],
    properties: BasicProperties,
) -> anyhow::Result<bool> {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let (exchange, key) = (ShortString::from(exchange), ShortString::from(key));
    let confirm = channel.basic_publish(exchange, key, options, bytes, properties).await.map_err(said)?;
    match confirm.await.map_err(said)? {
        Confirmation::Ack(returned) => Ok(returned.is_none()),
        Confirmation::Nack(_) => bail!("the broker refuses the message"),
        Confirmation::NotRequested => bail!("the broker confirms nothing"),
    }
}

/// A table of arguments.
pub fn arguments<const N: usize>(entries: [(&str, lapin::types::AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(name.into(), value);
    }
    table
}

/// Runs a program of this chapter on one thread.
///
/// # Errors
/// What the program says.
pub fn run<T>(program: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(program)
}
