//! RabbitMQ as our child: a node, a home, a cookie and a port mapper (epmd) of its own, so that no other node on the machine is touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use common::bench::peers::Peer;
use common::support::child_server::{ChildProcess, ChildServer, free_port};

use super::files::{START_TIME, write};

/// Where Debian has the program itself: the command in the path changes the user first.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
/// It has a directory whose name says the version; to ask the program would start a node.
const LIBRARY: &str = "/usr/lib/rabbitmq/lib";

/// The program, if it is installed.
pub fn find() -> Peer {
    let path = PathBuf::from(PROGRAM);
    let names = fs::read_dir(LIBRARY).into_iter().flatten().flatten();
    let mut names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let version = names.find(|name| name.starts_with("rabbitmq_server-")).unwrap_or_default();
    Peer::known("rabbitmq-server", path.exists().then_some(path), version)
}

/// Starts epmd and a node, and waits until it listens.
pub fn start(rabbitmq: &Peer, epmd: &Peer, directory: &Path) -> anyhow::Result<(ChildServer, ChildProcess)> {
    let (port, mapper_port, distribution) = (free_port()?, free_port()?, free_port()?);
    let mut mapper = epmd.command()?;
    mapper.args(["-port", &mapper_port.to_string(), "-address", "127.0.0.1"]);
    mapper.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mapper = ChildServer::start_on(mapper_port, &mut mapper)?.process;
    write(&directory.join("plugins"), "[].\n")?;
    // Without these a full disk or a busy machine, and not the load, decides when publishers are held back.
    write(
        &directory.join("rabbitmq.conf"),
        "disk_free_limit.absolute = 50MB\nvm_memory_high_watermark.relative = 0.6\nheartbeat = 0\n",
    )?;
    let path = |name: &str| directory.join(name);
    let mut node = rabbitmq.command()?;
    node.env("HOME", directory)
        .env("ERL_EPMD_PORT", mapper_port.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_CONFIG_FILE", path("rabbitmq.conf"))
        // The same after a restart: its files are for this name. epmd is our own, so it meets no other node.
        .env("RABBITMQ_NODENAME", "compare@localhost")
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", distribution.to_string())
        .env("RABBITMQ_MNESIA_BASE", path("mnesia"))
        .env("RABBITMQ_LOG_BASE", path("log"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
        .env("RABBITMQ_PID_FILE", path("pid"))
        .current_dir(directory)
        .stderr(Stdio::piped());
    let server = ChildServer::start_on_within(START_TIME, port, &mut node)?;
    Ok((server, mapper))
}
