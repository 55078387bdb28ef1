//! What all servers need: time to start, and files that say how they are to run.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;

/// How long a server may take until it listens: RabbitMQ on a busy machine needs 30 s, and more with a million messages.
pub const START_TIME: Duration = Duration::from_secs(120);

/// A file with this text.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}
