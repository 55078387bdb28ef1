//! A store without a file: for a server that may forget, and for virtual time, where it is the disk that outlives a crash.

use std::collections::BTreeMap;

use super::publish::{Method, Reply};
use super::store::{Completion, Store, StoreError};
use super::table::ClientRecord;

/// The board and the records in memory.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    counts: BTreeMap<Vec<u8>, u64>,
    length: u64,
    most: Option<u64>,
    clients: BTreeMap<u64, Client>,
}

#[derive(Debug, Clone, Default)]
struct Client {
    first_incomplete: u64,
    completed: BTreeMap<u64, Vec<u8>>,
}

impl Memory {
    /// A board of at most so many texts.
    #[must_use]
    pub fn with_room_for(texts: u64) -> Memory {
        Memory { most: Some(texts), ..Memory::default() }
    }

    /// How often this text is on the board.
    #[must_use]
    pub fn count(&self, text: &[u8]) -> u64 {
        self.counts.get(text).copied().unwrap_or_default()
    }

    fn publish(&mut self, text: &[u8]) -> Reply {
        if self.most.is_some_and(|most| self.length >= most) {
            return Reply::Full;
        }
        self.length += 1;
        *self.counts.entry(text.to_vec()).or_default() += 1;
        Reply::Published(self.length)
    }

    fn change(&mut self, method: &Method) -> Reply {
        match method {
            Method::PublishIf { length, .. } if *length != self.length => Reply::Changed(self.length),
            Method::Publish { text } | Method::PublishIf { text, .. } => self.publish(text),
            Method::Length => Reply::Number(self.length),
            Method::Count { text } => Reply::Number(self.count(text)),
        }
    }
}

impl Store for Memory {
    fn run(
        &mut self,
        method: &Method,
        completion: Option<Completion>,
        crashes: &mut dyn FnMut() -> bool,
    ) -> Result<Reply, StoreError> {
        let Some(Completion { id, first_incomplete }) = completion else {
            let reply = self.change(method);
            return if crashes() { Err(StoreError::Crashed) } else { Ok(reply) };
        };
        let before = self.clone();
        let reply = self.change(method);
        if crashes() {
            *self = before; // not committed
            return Err(StoreError::Crashed);
        }
        let client = self.clients.entry(id.client).or_default();
        client.first_incomplete = client.first_incomplete.max(first_incomplete);
        client.completed = client.completed.split_off(&client.first_incomplete);
        client.completed.insert(id.sequence, reply.encode());
        Ok(reply)
    }

    fn admit(&mut self, client: u64) -> Result<(), StoreError> {
        self.clients.entry(client).or_default();
        Ok(())
    }

    fn forget(&mut self, client: u64) -> Result<(), StoreError> {
        self.clients.remove(&client);
        Ok(())
    }

    fn records(&self) -> Result<Vec<ClientRecord>, StoreError> {
        let record = |(&client, entry): (&u64, &Client)| ClientRecord {
            client,
            first_incomplete: entry.first_incomplete,
            completed: entry.completed.clone().into_iter().collect(),
        };
        Ok(self.clients.iter().map(record).collect())
    }
}
