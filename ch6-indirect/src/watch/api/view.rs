//! What a user sees of a broker: the snapshot, without the virtual hosts that are not theirs.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::reply::Asker;
use crate::broker::Snapshot;
use crate::broker::snapshot::ConnectionSnapshot;

/// A broker as a user sees it.
pub struct View {
    /// What is in its virtual hosts.
    pub snapshot: Snapshot,
    /// Its connections, by their number; for a user that is no administrator, only its own.
    pub connections: BTreeMap<u64, ConnectionSnapshot>,
}

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// How long this process has been watched. The listener of the page begins to count.
#[must_use]
pub fn uptime() -> Duration {
    BEGAN.elapsed()
}

impl View {
    /// As it is now.
    #[must_use]
    pub fn of(asker: &Asker<'_>) -> View {
        let user = asker.user;
        let mut snapshot = asker.broker.snapshot();
        let is_seen = |one: &ConnectionSnapshot| user.is_administrator || one.user == user.name;
        let connections: BTreeMap<u64, ConnectionSnapshot> = asker
            .broker
            .connections()
            .into_iter()
            .filter(is_seen)
            .map(|connection| (connection.id, connection))
            .collect();
        snapshot.exchanges.retain(|one| user.sees(&one.vhost));
        snapshot.queues.retain(|one| user.sees(&one.vhost));
        snapshot.bindings.retain(|one| user.sees(&one.vhost));
        snapshot.consumers.retain(|one| user.sees(&one.vhost));
        snapshot.channels.retain(|one| connections.contains_key(&one.connection));
        View { snapshot, connections }
    }

    /// The name of a connection, its client's address; one that has just gone, or is somebody else's, has a number.
    #[must_use]
    pub fn connection_name(&self, id: u64) -> String {
        self.connections.get(&id).map_or_else(|| format!("connection {id}"), |one| one.address.clone())
    }
}
