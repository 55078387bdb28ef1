//! The reply table: which calls of which client were begun, and what was answered. RIFL's states (Lee and others, SOSP 2015), in the
//! bounds of NFS 4.1's sessions (RFC 8881, section 2.10): a fixed number of slots for each client.
//!
//! ```text
//!                  first_incomplete = 4
//! client 17   … 1 2 3 │ 4 completed │ 5 in progress │ 6 new …
//!               stale │◀────────── slots ──────────▶│ full
//! ```
//!
//! Each call says which of the client's calls is the first without an answer. All before it have theirs: their records go, and a
//! late copy of one of them is *stale*, for ever. So a table has two bounds, slots and clients, and neither needs a guess about
//! how late a datagram can be. A client that leaves is forgotten when its lease is over, and its id is then never valid again.

use std::collections::BTreeMap;
use std::time::Duration;

use super::datagram::CallId;
use crate::origin::Origin;

/// How much a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableLimits {
    /// Clients at a time.
    pub clients: usize,
    /// Of them, those of one address: with all places taken by one, nobody else would be served.
    pub clients_per_address: usize,
    /// Calls of one client that were begun and not acknowledged.
    pub slots: usize,
    /// A client that makes no call for so long is forgotten.
    pub lease: Duration,
}

impl Default for TableLimits {
    fn default() -> TableLimits {
        TableLimits { clients: 1024, clients_per_address: 256, slots: 8, lease: Duration::from_secs(60) }
    }
}

/// The table.
#[derive(Debug)]
pub struct Table {
    limits: TableLimits,
    clients: BTreeMap<u64, Client>,
}

#[derive(Debug, Default)]
struct Client {
    /// Not known of one that was written down.
    origin: Option<Origin>,
    first_incomplete: u64,
    slots: BTreeMap<u64, Slot>,
    expires: Duration,
}

#[derive(Debug, Clone)]
enum Slot {
    InProgress,
    Completed(Vec<u8>),
}

/// What a table knows of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing. After [`Table::begin`] it is in progress.
    New,
    /// It is being run.
    InProgress,
    /// It has been run, and this was answered.
    Completed(Vec<u8>),
    /// The client has the answer, or has given the call up.
    Stale,
    /// The client has no slot left.
    Full,
    /// There is no such client.
    NoClient,
}

/// A client as it is written down, for a table that outlives its server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientRecord {
    /// Its id.
    pub client: u64,
    /// Its first call without an answer, as far as the server has heard.
    pub first_incomplete: u64,
    /// Calls and their answers.
    pub completed: Vec<(u64, Vec<u8>)>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(limits: TableLimits) -> Table {
        Table { limits, clients: BTreeMap::new() }
    }

    /// A table as it was written down. Every lease begins anew.
    #[must_use]
    pub fn restored(limits: TableLimits, now: Duration, records: Vec<ClientRecord>) -> Table {
        let client = |record: ClientRecord| {
            let completed = record.completed.into_iter();
            let slots = completed.map(|(sequence, answer)| (sequence, Slot::Completed(answer))).collect();
            let expires = now + limits.lease;
            (
                record.client,
                Client { origin: None, first_incomplete: record.first_incomplete, slots, expires },
            )
        };
        Table { limits, clients: records.into_iter().map(client).collect() }
    }

    /// Makes room for a client, if there is any for its address. It is kept until `expires` at least.
    #[must_use]
    pub fn admit(&mut self, now: Duration, client: u64, origin: Origin, expires: Duration) -> bool {
        let of_origin = self.clients.values().filter(|client| client.origin == Some(origin)).count();
        let is_free = self.clients.len() < self.limits.clients && of_origin < self.limits.clients_per_address;
        let has_room = is_free || self.clients.contains_key(&client);
        if has_room {
            let entry = self.clients.entry(client).or_default();
            entry.origin = Some(origin);
            entry.expires = entry.expires.max(expires).max(now + self.limits.lease);
        }
        has_room
    }

    /// What is known of a call. The client has the answers of all calls before `first_incomplete`.
    pub fn begin(&mut self, now: Duration, id: CallId, first_incomplete: u64) -> Known {
        let slots = self.limits.slots;
        let Some(client) = self.clients.get_mut(&id.client) else { return Known::NoClient };
        client.expires = client.expires.max(now + self.limits.lease);
        if first_incomplete > client.first_incomplete {
            client.first_incomplete = first_incomplete;
            client.slots = client.slots.split_off(&first_incomplete);
        }
        match client.known(id.sequence) {
            Known::New if client.slots.len() >= slots => Known::Full,
            Known::New => {
                client.slots.insert(id.sequence, Slot::InProgress);
                Known::New
            }
            known => known,
        }
    }

    /// What is known of a call; nothing is begun.
    #[must_use]
    pub fn look_up(&self, id: CallId) -> Known {
        self.clients.get(&id.client).map_or(Known::NoClient, |client| client.known(id.sequence))
    }

    /// A call has been run. If the client has given it up meanwhile, the answer is not needed.
    pub fn complete(&mut self, id: CallId, answer: Vec<u8>) {
        let slot = self.clients.get_mut(&id.client).and_then(|client| client.slots.get_mut(&id.sequence));
        if let Some(slot) = slot {
            *slot = Slot::Completed(answer);
        }
    }

    /// A call could not be run, and may be tried again.
    pub fn abandon(&mut self, id: CallId) {
        if let Some(client) = self.clients.get_mut(&id.client) {
            client.slots.remove(&id.sequence);
        }
    }

    /// Forgets the clients whose lease is over, and tells which.
    pub fn expire(&mut self, now: Duration) -> Vec<u64> {
        let expired: Vec<u64> =
            self.clients.iter().filter(|(_, client)| client.expires <= now).map(|(id, _)| *id).collect();
        for id in &expired {
            self.clients.remove(id);
        }
        expired
    }

    /// When the next lease is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        self.clients.values().map(|client| client.expires).min()
    }

    /// Clients, and calls of all of them that have a record.
    #[must_use]
    pub fn held(&self) -> (usize, usize) {
        (self.clients.len(), self.clients.values().map(|client| client.slots.len()).sum())
    }
}

impl Client {
    fn known(&self, sequence: u64) -> Known {
        match self.slots.get(&sequence) {
            _ if sequence < self.first_incomplete => Known::Stale,
            Some(Slot::InProgress) => Known::InProgress,
            Some(Slot::Completed(answer)) => Known::Completed(answer.clone()),
            None => Known::New,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;
    const LIMITS: TableLimits =
        TableLimits { clients: 3, clients_per_address: 2, slots: 2, lease: Duration::from_secs(10) };

    fn origin(last: u8) -> Origin {
        std::net::IpAddr::from([192, 0, 2, last]).into()
    }

    fn id(sequence: u64) -> CallId {
        CallId { client: 1, sequence }
    }

    fn table() -> Table {
        let mut table = Table::new(LIMITS);
        assert!(table.admit(NOW, 1, origin(1), NOW));
        table
    }

    #[test]
    fn a_call_is_new_then_in_progress_then_completed_then_stale() {
        let mut table = table();
        assert_eq!(table.begin(NOW, id(1), 1), Known::New);
        assert_eq!(table.begin(NOW, id(1), 1), Known::InProgress);
        table.complete(id(1), b"one".to_vec());
        assert_eq!(table.begin(NOW, id(1), 1), Known::Completed(b"one".to_vec()));
        assert_eq!(table.begin(NOW, id(2), 2), Known::New);
        assert_eq!(table.begin(NOW, id(1), 1), Known::Stale, "a late copy does not bring the record back");
        assert_eq!(table.held(), (1, 1));
    }

    #[test]
    fn slots_and_clients_are_bounded() {
        let mut table = table();
        assert_eq!([1, 2].map(|sequence| table.begin(NOW, id(sequence), 1)), [Known::New, Known::New]);
        assert_eq!(table.begin(NOW, id(3), 1), Known::Full);
        assert_eq!(table.begin(NOW, id(2), 1), Known::InProgress, "a call that has its slot keeps it");
        assert_eq!(table.begin(NOW, id(3), 2), Known::New, "an acknowledged one makes room");
        let mut admit = |client, address| table.admit(NOW, client, origin(address), NOW);
        assert!(admit(2, 1) && !admit(3, 1) && admit(1, 1), "an address has its share");
        assert!(admit(4, 2) && !admit(5, 3), "and the table has its bound");
        assert_eq!(table.begin(NOW, CallId { client: 3, sequence: 1 }, 1), Known::NoClient);
    }

    #[test]
    fn a_lease_is_renewed_by_calls_and_its_end_frees_everything() {
        let mut table = table();
        let seconds = Duration::from_secs;
        assert_eq!(table.begin(seconds(5), id(1), 1), Known::New);
        assert_eq!(table.deadline(), Some(seconds(15)));
        assert!(table.expire(seconds(14)).is_empty());
        assert_eq!(table.expire(seconds(15)), [1]);
        assert_eq!(
            table.begin(seconds(15), id(1), 1),
            Known::NoClient,
            "it is not made again by a late copy"
        );
        table.complete(id(1), vec![]);
        assert_eq!(table.held(), (0, 0));
    }

    #[test]
    fn an_answer_for_a_call_that_was_given_up_is_dropped() {
        let mut table = table();
        assert_eq!(table.begin(NOW, id(1), 1), Known::New);
        assert_eq!(table.begin(NOW, id(2), 2), Known::New);
        table.complete(id(1), b"late".to_vec());
        assert_eq!(table.look_up(id(1)), Known::Stale);
        assert_eq!(table.held(), (1, 1));
    }

    #[test]
    fn what_was_written_down_is_known_again() {
        let record = ClientRecord { client: 1, first_incomplete: 4, completed: vec![(4, b"four".to_vec())] };
        let mut table = Table::restored(LIMITS, NOW, vec![record]);
        assert_eq!(table.begin(NOW, id(3), 1), Known::Stale);
        assert_eq!(table.begin(NOW, id(4), 1), Known::Completed(b"four".to_vec()));
        assert_eq!(table.begin(NOW, id(5), 1), Known::New);
    }
}
