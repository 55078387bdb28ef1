//! `names lookup`, `list`, `register`, `remove` and `watch`.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Args;
use common::support::cli::{duration_within, stdout};
use common::support::connect::timeout;
use common::support::{interrupt, terminal};

use super::discovery::{GROUP, read_announcement};
use super::keeper::{Keeper, Wish, is_ours};
use super::object::{LEASES, NAME_SERVER};
use super::registry::IfTaken;
use crate::announce::Interface;
use crate::pyro::proxy::{CallError, Options, Proxy};
use crate::pyro::serpent::Value;
use crate::pyro::uri::Uri;

/// How often one that watches asks.
const LOOK: Duration = Duration::from_millis(200);

/// Where the name server is.
#[derive(Debug, Clone, Args)]
pub struct WhereArgs {
    /// Where the name server is
    #[arg(short = 'H', long, default_value = "127.0.0.1")]
    pub host: String,
    /// Its port
    #[arg(short, long, default_value_t = 9090)]
    pub port: u16,
    /// Find it by its announcements on this interface instead
    #[arg(long, value_enum, value_name = "INTERFACE")]
    pub discover: Option<Interface>,
    /// How long connecting, each call and the wait for an announcement may take
    #[arg(long, value_name = "TIME", value_parser = timeout, default_value = "10s")]
    pub timeout: Duration,
}

/// The arguments of `lookup`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch5 names lookup chat")]
pub struct LookupArgs {
    /// The name
    name: String,
    #[command(flatten)]
    place: WhereArgs,
}

/// The arguments of `list`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  cargo ch5 names list --discover lo\nA line for each: NAME REFERENCE, its metadata, and how long its lease lasts."
)]
pub struct ListArgs {
    /// Only names that begin so
    prefix: Option<String>,
    #[command(flatten)]
    place: WhereArgs,
}

/// The arguments of `register`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cargo ch5 names register board PYRO:6f1c@127.0.0.1:7777              for ever
  cargo ch5 names register board PYRO:6f1c@127.0.0.1:7777 --lease 10s  until this program ends
  cargo ch5 names register board PYRO:77aa@127.0.0.1:7778 --lease 10s --if-taken balance")]
pub struct RegisterArgs {
    /// The name
    name: String,
    /// What it refers to: PYRO:ID@HOST:PORT
    uri: Uri,
    /// Words by which it can be found, too
    #[arg(long, value_name = "WORD")]
    metadata: Vec<String>,
    /// It lasts for so long; this program renews it until it ends
    #[arg(long, value_name = "TIME", value_parser = duration_within(LEASES))]
    lease: Option<Duration>,
    /// If another reference has the name
    #[arg(long, value_enum, default_value = "refuse")]
    if_taken: IfTaken,
    #[command(flatten)]
    place: WhereArgs,
}

/// The arguments of `remove`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  cargo ch5 names remove board")]
pub struct RemoveArgs {
    /// The name
    name: String,
    #[command(flatten)]
    place: WhereArgs,
}

/// The arguments of `watch`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  cargo ch5 names watch\nFirst all names, then each change: added, removed, expired. A server that goes away is waited for."
)]
pub struct WatchArgs {
    #[command(flatten)]
    place: WhereArgs,
}

impl WhereArgs {
    /// The name server's reference.
    ///
    /// # Errors
    /// None was heard of.
    pub fn uri(&self) -> anyhow::Result<Uri> {
        match self.discover {
            Some(interface) => GROUP.hear(interface, self.timeout, read_announcement),
            None => Ok(Uri { object: NAME_SERVER.into(), host: self.host.clone(), port: self.port }),
        }
    }

    /// How it is called.
    ///
    /// # Errors
    /// The system lets no Ctrl-C be seen.
    pub fn options(&self) -> anyhow::Result<Options> {
        Ok(Options { timeout: self.timeout, interrupted: interrupt::flag()?, ..Options::default() })
    }

    /// A connection to it.
    ///
    /// # Errors
    /// It is not there.
    pub fn connect(&self) -> anyhow::Result<Proxy> {
        reach(&self.uri()?, self.options()?)
    }
}

/// A connection to a name server.
///
/// # Errors
/// It is not there, or something else is.
pub fn reach(names: &Uri, options: Options) -> anyhow::Result<Proxy> {
    Proxy::connect(names, options).map_err(|error| {
        let hint = error.hint("name server", "cargo ch5 names");
        anyhow::Error::from(error).context(hint)
    })
}

/// What a name refers to, by a name server that one is connected to.
///
/// # Errors
/// It knows no such name.
pub fn look_up(names: &mut Proxy, name: &str) -> anyhow::Result<Uri> {
    let found = names.call("lookup", vec![name.into()])?;
    Uri::from_value(&found).context("the name server answers with something that is no reference")
}

pub(super) fn lookup(args: &LookupArgs) -> anyhow::Result<ExitCode> {
    let uri = look_up(&mut args.place.connect()?, &args.name)?;
    writeln!(stdout(), "{}", terminal::line(&uri.to_string()))?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let mut names = args.place.connect()?;
    let entries =
        if is_ours(&names) { names.call("entries", Vec::new())? } else { entries_of_pyro(&mut names)? };
    for entry in entries.items().unwrap_or_default() {
        let Some([Value::Text(name), Value::Text(uri), metadata, left]) = entry.items() else { continue };
        if args.prefix.as_ref().is_some_and(|prefix| !name.starts_with(prefix)) {
            continue;
        }
        let words: Vec<&str> =
            metadata.items().unwrap_or_default().iter().filter_map(Value::as_text).collect();
        let words = if words.is_empty() { String::new() } else { format!(" [{}]", words.join(" ")) };
        let left = if let Value::Float(left) = left { format!(" {left:.1}s") } else { String::new() };
        writeln!(stdout(), "{}", terminal::line(&format!("{name} {uri}{words}{left}")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What Pyro's own name server lists, in the form of ours.
fn entries_of_pyro(names: &mut Proxy) -> anyhow::Result<Value> {
    let listed = names.call_with("list", Vec::new(), Value::dict([("return_metadata", true.into())]))?;
    let Value::Dict(listed) = listed else { bail!("the name server answers with something that is no list") };
    let mut entries = Vec::new();
    for (name, value) in listed {
        let Some([uri, metadata]) = value.items() else { continue };
        entries.push(Value::Tuple(vec![name, uri.clone(), metadata.clone(), Value::None]));
    }
    Ok(Value::List(entries))
}

pub(super) fn register(args: &RegisterArgs) -> anyhow::Result<ExitCode> {
    let (names, options) = (args.place.uri()?, args.place.options()?);
    let wish = Wish {
        names,
        name: args.name.clone(),
        uri: args.uri.clone(),
        metadata: args.metadata.clone(),
        lease: args.lease,
        if_taken: args.if_taken,
    };
    wish.register(options, false)?;
    writeln!(stdout(), "{} is registered", terminal::line(&args.name))?;
    if args.lease.is_some() {
        let _keeper = Keeper::start(wish, options).context("no thread for the renewals")?;
        while !options.interrupted.load(Ordering::Relaxed) {
            sleep(LOOK);
        }
        return Ok(ExitCode::from(interrupt::STATUS));
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn remove(args: &RemoveArgs) -> anyhow::Result<ExitCode> {
    let count = args.place.connect()?.call("remove", vec![args.name.as_str().into()])?;
    if count == Value::Int(0) {
        bail!("there is no name {} that can be removed", terminal::line(&args.name));
    }
    writeln!(stdout(), "{} is removed", terminal::line(&args.name))?;
    Ok(ExitCode::SUCCESS)
}

/// Asks for changes again and again: half a dozen bytes each time. A call that waits for the next change would be sooner, and would
/// keep a connection busy for each that watches.
pub(super) fn watch(args: &WatchArgs) -> anyhow::Result<ExitCode> {
    let (uri, options) = (args.place.uri()?, args.place.options()?);
    let mut names = Some(reach(&uri, options)?);
    let mut since = Value::None;
    while !options.interrupted.load(Ordering::Relaxed) {
        let looked = match &mut names {
            Some(names) => show_changes(names, &mut since),
            None => {
                Proxy::connect(&uri, options).map_err(anyhow::Error::from).map(|proxy| names = Some(proxy))
            }
        };
        if let Err(error) = looked {
            if matches!(error.downcast_ref(), None | Some(CallError::Failed(_))) {
                return Err(error); // our own output, or a name server that tells no changes
            }
            if names.take().is_some() && !options.interrupted.load(Ordering::Relaxed) {
                tracing::warn!("the name server is gone, and is waited for: {error:#}");
            }
        }
        wait(options);
    }
    Ok(ExitCode::from(interrupt::STATUS))
}

fn wait(options: Options) {
    let end = Instant::now() + LOOK;
    while Instant::now() < end && !options.interrupted.load(Ordering::Relaxed) {
        sleep(LOOK / 4);
    }
}

fn show_changes(names: &mut Proxy, since: &mut Value) -> anyhow::Result<()> {
    let answer = names.call("changes", vec![since.clone()])?;
    let Some([number, changes]) = answer.items() else { bail!("the name server tells no changes") };
    let mut out = stdout().lock();
    for change in changes.items().unwrap_or_default() {
        let words: Vec<&str> = change.items().unwrap_or_default().iter().filter_map(Value::as_text).collect();
        writeln!(out, "{}", terminal::line(&words.join(" ")))?;
    }
    out.flush()?;
    *since = number.clone();
    Ok(())
}
