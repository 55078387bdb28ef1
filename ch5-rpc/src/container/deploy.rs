//! Deployment: a process for each node, and the wiring of them all.
//!
//! ```text
//!   deploy ─► check ─► start a process for each node ──► LISTENING address
//!          ─► tell each node where all nodes are (wire)
//!          ─► wait for Ctrl-C; a node that dies ends the deployment ─► stop them, the last first
//! ```

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use ch3_threads::model::Model;
use ch3_threads::serve::{RunArgs, serve};
use clap::Args;
use common::support::child_server::{ChildServer, this_program};
use common::support::cli::stdout;
use common::support::interrupt;
use tracing::level_filters::LevelFilter;

use super::check::Architecture;
use super::message::{Message, Order};
use super::node::Node;
use super::remote;
use super::server::NodeService;

/// Where a node finds the key of its deployment: not among the arguments, which everybody on the machine can read.
const KEY: &str = "CONTAINER_KEY";
/// How often it is looked whether a node has died.
const TICK: Duration = Duration::from_millis(50);

/// The arguments of a node.
#[derive(Debug, Args)]
pub struct NodeArgs {
    /// The descriptor
    pub file: std::path::PathBuf,
    /// The node of it that this process is
    #[arg(long, value_name = "NAME")]
    pub node: String,
    #[allow(missing_docs, reason = "flattened: a comment here would replace the command's own")]
    #[command(flatten)]
    pub run: RunArgs,
}

/// Runs one node until the stop.
///
/// # Errors
/// No such node, a component that cannot be made, or an address that cannot be listened on.
pub fn node(args: &NodeArgs, architecture: Architecture) -> anyhow::Result<()> {
    let key =
        std::env::var(KEY).with_context(|| format!("{KEY} is not set: `container deploy` starts nodes"))?;
    let node = Node::new(architecture, &args.node, key)?;
    serve(Model::ThreadPerConnection, Arc::new(NodeService::new(node)), &args.run, None)
}

/// Starts all nodes, and waits for Ctrl-C.
///
/// # Errors
/// A node cannot be started, or dies.
pub fn deploy(file: &Path, architecture: &Architecture) -> anyhow::Result<()> {
    let interrupted = interrupt::flag()?;
    let key = format!("{:032x}", rand::random::<u128>());
    // The nodes log as much as this process.
    let level = LevelFilter::current().to_string();
    let mut nodes: Vec<(&str, ChildServer)> = Vec::new();
    for name in start_order(architecture) {
        let mut command = this_program(["container", "node"])?;
        command
            .arg(file)
            .args(["--node", name, "-p", "0", "--log", &level])
            .env(KEY, &key)
            .stderr(Stdio::inherit());
        let server = ChildServer::start(&mut command).with_context(|| format!("node {name}"))?;
        nodes.push((name, server));
    }
    let addresses: BTreeMap<String, SocketAddr> =
        nodes.iter().map(|(name, server)| ((*name).to_owned(), server.address)).collect();
    let mut out = stdout();
    for (name, server) in &nodes {
        let message = Message { key: key.clone(), order: Order::Wire(addresses.clone()) };
        remote::ask(server.address, &message, None).map_err(|fault| anyhow!("node {name}: {fault}"))?;
        let on_it = architecture.descriptor.components.iter().filter(|component| component.node == *name);
        let components: Vec<&str> = on_it.clone().map(|component| component.name.as_str()).collect();
        writeln!(out, "node {name} on {}: {}", server.address, components.join(", "))?;
        if on_it.clone().any(|component| component.program() == "page") {
            writeln!(out, "open http://{}/", server.address)?;
        }
    }
    writeln!(out, "DEPLOYED; Ctrl-C stops all nodes")?;
    out.flush()?;
    let mut died = None;
    while died.is_none() && !interrupted.load(Ordering::SeqCst) {
        sleep(TICK);
        died = nodes.iter().find(|(_, server)| server.process.has_died()).map(|(name, _)| *name);
    }
    // Those that call before those that are called: nobody misses the other.
    for (_, server) in nodes.into_iter().rev() {
        server.stop();
    }
    match died {
        Some(name) => bail!("node {name} has died, so all others have been stopped"),
        None => Ok(()),
    }
}

/// The nodes, those first whose components others need.
fn start_order(architecture: &Architecture) -> Vec<&str> {
    let mut nodes: Vec<&str> = Vec::new();
    for name in &architecture.order {
        let node = architecture.component(name).node.as_str();
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }
    nodes
}
