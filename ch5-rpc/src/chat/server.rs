//! `chat-server`: a chat, found by its reference, by its announcements, or by a name.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use common::support::cli::duration_within;
use common::support::count::{count, counted};
use common::support::listen::address_and_port;

use super::GROUP;
use super::durable::Durable;
use super::objects::Chat;
use super::room::Limits;
use super::store::{Commits, Crash};
use super::sturdy::SturdyChats;
use crate::announce::Announce;
use crate::daemon::registry::Objects;
use crate::daemon::serve::ObjectServerArgs;
use crate::names::found::Behind;
use crate::names::keeper::{Keeper, Wish};
use crate::names::object::{LEASES, NAME_SERVER};
use crate::names::registry::IfTaken;
use crate::pyro::proxy::Options;
use crate::pyro::uri::Uri;

const EXAMPLES: &str = "\
Examples: a chat, and a user of it:
  cargo ch5 chat-server
  cargo ch5 chat-client -u PYRO:… -n Ann          (in another terminal, with the URI that it prints)
With a name in a name server:
  cargo ch5 names                                 (in one terminal)
  cargo ch5 chat-server --names 127.0.0.1:9090 --chat talk
  cargo ch5 chat-client --names 127.0.0.1:9090 --chat talk -n Ann
With references and messages that outlive it (kill it with kill -9, and start it again):
  cargo ch5 chat-server -p 7777 --data chat.redb
For the notes' own client, which listens for announcements where the local network is:
  cargo ch5 chat-server --announce default";

const OBJECT_LEASES: RangeInclusive<Duration> = Duration::from_millis(200)..=Duration::from_secs(86_400);

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ChatServerArgs {
    /// By which interface the chat's reference is announced once a second, to 239.1.1.1:53124
    #[arg(long, value_enum, default_value = "lo")]
    pub announce: Announce,
    /// A name server, in which the chat has a name while it runs
    #[arg(long, value_name = "ADDR:PORT", value_parser = address_and_port)]
    pub names: Option<SocketAddr>,
    /// The chat's name there
    #[arg(long, value_name = "NAME", default_value = "chat", requires = "names")]
    pub chat: String,
    /// If another has the name there
    #[arg(long, value_enum, default_value = "refuse", requires = "names")]
    pub if_taken: IfTaken,
    /// How long the name outlives a chat that dies
    #[arg(long, value_name = "TIME", default_value = "10s", requires = "names", value_parser = duration_within(LEASES))]
    pub lease: Duration,
    /// How long a user outlives a client that dies, in our own wire
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration_within(OBJECT_LEASES))]
    pub object_lease: Duration,
    /// Keep chats, messages and sturdy references in this file; they outlive the server
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// With --data: end by kill -9 at commit N, counted from the start: `before-commit:N` when all is written and not committed,
    /// `before-answer:N` when it is on the disk and no client was told
    #[arg(long, value_name = "WHERE:N", requires = "data")]
    pub crash: Option<Crash>,
    /// With --data: a chat that was not called for so long is on disk only, until the next call
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "data", value_parser = duration_within(OBJECT_LEASES))]
    pub deactivate_after: Duration,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub server: ObjectServerArgs,
}

/// Serves a chat until the stop.
///
/// # Errors
/// The address cannot be listened on.
pub fn run(args: &ChatServerArgs) -> anyhow::Result<ExitCode> {
    let objects = Objects::with_lease(args.object_lease);
    let (durable, id) = match &args.data {
        Some(path) => {
            let (durable, id) = Durable::open(path, args.crash, &objects, Limits::default())?;
            (Some(durable), id)
        }
        None => (None, objects.add(Arc::new(Chat::new(objects.clone(), Limits::default())))?),
    };
    let (idle, stored) = (args.deactivate_after, durable.clone());
    let announce = args.announce;
    let wish = args.names.map(|names| Wish {
        names: Uri::at(NAME_SERVER, names),
        name: args.chat.clone(),
        uri: Uri::at(&id, names), // until it knows better
        metadata: vec![Behind::Chat.word().into()],
        lease: Some(args.lease),
        if_taken: args.if_taken,
    });
    let kept: Arc<Mutex<Option<Keeper>>> = Arc::default();
    let keeper = Arc::clone(&kept);
    args.server.serve("chat", objects, id, move |uri| {
        // Here, and not before: a model may fork, and threads do not outlive that.
        if let Some(Err(error)) = durable.as_ref().map(|durable| durable.deactivate_idle(idle)) {
            tracing::warn!("idle chats stay in memory: {error}");
        }
        if let Err(error) = GROUP.announce(announce, uri.to_string()) {
            tracing::warn!("not announced: {error}");
        }
        let Some(wish) = wish.clone() else { return };
        match Keeper::start(Wish { uri, ..wish }, Options::default()) {
            Ok(started) => *keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(started),
            Err(error) => tracing::warn!("without a name: {error}"),
        }
    })?;
    if let Some(durable) = stored {
        let Commits { changes, commits } = durable.store().commits();
        tracing::info!(
            "{} with {}",
            counted(changes, "change was written", "changes were written"),
            count(commits, "commit")
        );
    }
    // Takes the name away.
    drop(kept.lock().unwrap_or_else(PoisonError::into_inner).take());
    Ok(ExitCode::SUCCESS)
}
