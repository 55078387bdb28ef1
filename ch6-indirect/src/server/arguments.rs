//! The command `broker`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};
use ch3_threads::model::Model;
use ch3_threads::serve::{Below, RunArgs, serve_over};
use clap::Args;
use common::support::cli::stdout;
use common::support::count::count;
use common::support::size;

use super::service::BrokerService;
use super::tls::{Tls, configuration};
use super::users::Users;
use crate::broker::{Broker, Settings};
use crate::store::Synced;
use crate::store::segment_store::{SEGMENT, SegmentStore};
use crate::watch::Watched;
use crate::watch::listen::WatchArgs;

const EXAMPLES: &str = "\
Example: a broker that keeps what is durable, and any program for RabbitMQ as its client:
  cargo ch6 broker --data /tmp/broker
  python3 -c \"import pika; c = pika.BlockingConnection().channel(); c.queue_declare('hello'); \\
              c.basic_publish('', 'hello', b'Hello World!'); print(c.basic_get('hello'))\"
For other machines it needs users and TLS (guest comes from this machine only):
  cargo ch6 user add ann --users users.json
  cargo ch6 broker -l 0.0.0.0 -p 5671 --users users.json --tls-cert cert.pem --tls-key key.pem
A publisher sends to an exchange, its bindings lead to queues, and consumers take from these; a
message is gone when it is acknowledged. Without --data everything is in memory, and gone at the
end. Ctrl-C ends it: clients are told so, with code 320.";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    mut_arg("listenport", |port| port.default_value("5672")),
    mut_arg("grace", |grace| grace.hide(true)),
    mut_arg("min_rate", |rate| rate.hide(true)),
    mut_arg("idle", |idle| idle.hide(true)),
    mut_arg("show_divergence", |show| show.hide(true))
)]
pub struct BrokerArgs {
    /// How connections are run
    #[arg(short, long, value_enum, default_value = "epoll")]
    pub model: Model,
    /// Keep durable queues, exchanges and bindings, and their persistent messages, in this directory
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Users, hashed passwords and permissions: `cargo ch6 user add` writes it [default: guest, with the password guest]
    #[arg(long, value_name = "FILE")]
    pub users: Option<PathBuf>,
    /// Messages that are kept in memory: beyond it publishers wait (connection.blocked) until consumers have made room
    #[arg(long, value_name = "SIZE", value_parser = size::bytes, default_value = "1GiB")]
    pub queue_memory: u64,
    /// The server's certificate, and those that vouch for it (PEM): connections are over TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub watch: WatchArgs,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

/// Less would hold publishers back before they have begun.
const LEAST_MEMORY: u64 = 1024 * 1024;

/// Serves until the stop.
///
/// # Errors
/// The model cannot run it, a file cannot be read, or the address cannot be listened on.
pub fn run(args: &BrokerArgs) -> anyhow::Result<ExitCode> {
    ensure!(args.queue_memory >= LEAST_MEMORY, "--queue-memory is 1 MiB or more");
    let is_local = args.run.unix.is_some() || args.run.listenaddr.is_loopback();
    if !is_local && (args.users.is_none() || args.tls_cert.is_none()) {
        bail!(
            "{} can be reached from other machines: that needs users (--users) and TLS (--tls-cert, --tls-key)",
            args.run.listenaddr
        );
    }
    args.watch.check()?;
    let users = args.users.as_deref().map_or_else(|| Ok(Users::guest()), Users::read)?;
    let below: Option<Below> = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => {
            let configuration = configuration(certificate, key)?;
            Some(Arc::new(move || Box::new(Tls::new(&configuration))))
        }
        _ => None,
    };
    let is_over_tls = below.is_some();
    let settings = Settings { memory: args.queue_memory, is_durable: args.data.is_some() };
    let service = Arc::new(BrokerService::new(Broker::new(settings), users, args.queue_memory, is_over_tls));
    let note = match &args.data {
        Some(data) => {
            let kept = restore(&service, data)?;
            format!("{kept} kept in {}", data.display())
        }
        None => "everything is in memory: with --data DIR what is durable is kept".to_owned(),
    };
    let (watch, watched, port) = (args.watch.clone(), Arc::clone(&service), args.run.listenport);
    serve_over(below, args.model, service, &args.run, None, move |_, stop| {
        let _ = writeln!(stdout(), "{note}");
        watch.start(Arc::clone(&watched) as Arc<dyn Watched>, port, stop);
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Opens the store, and gives the broker what it has kept; says what that is.
fn restore(service: &Arc<BrokerService>, data: &Path) -> anyhow::Result<String> {
    let told = Arc::downgrade(service);
    let synced: Synced = Arc::new(move |event| {
        if let Some(service) = told.upgrade() {
            service.handle_event(event);
        }
    });
    let opened = SegmentStore::open(data, SEGMENT, synced);
    let (store, recovered) = opened.with_context(|| format!("cannot use {}", data.display()))?;
    for damage in &recovered.damaged {
        tracing::error!("lost: {damage}");
    }
    let kept = count(recovered.messages.len() as u64, "message");
    service.restore(Arc::new(store), recovered);
    Ok(kept)
}
