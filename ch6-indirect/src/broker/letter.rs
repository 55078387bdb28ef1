//! A message that leaves its queue without having been consumed, and where it is to go.

use std::sync::Arc;

use super::output::QueueId;
use super::queue::{Queue, Reason};
use super::ready::Entry;

/// A message on its way to a dead-letter exchange.
#[derive(Debug)]
pub struct DeadLetter {
    pub entry: Entry,
    pub host: usize,
    pub queue: Arc<str>,
    pub log: Option<QueueId>,
    pub exchange: Box<str>,
    pub key: Option<Box<str>>,
    pub reason: Reason,
}

impl DeadLetter {
    /// Of a message that leaves `queue`; `None` when the queue has no dead-letter exchange.
    pub fn of(queue: &Queue, entry: Entry, reason: Reason) -> Option<DeadLetter> {
        let exchange = queue.options.dead_letter_exchange.clone()?;
        let key = queue.options.dead_letter_key.clone();
        Some(DeadLetter {
            entry,
            host: queue.host,
            queue: queue.name.clone(),
            log: queue.log,
            exchange,
            key,
            reason,
        })
    }

    /// Of one that never was in the queue, nor in its log.
    pub fn unlogged(mut self) -> DeadLetter {
        self.entry.is_logged = false;
        self
    }
}
