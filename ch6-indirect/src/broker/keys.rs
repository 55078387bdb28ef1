//! Names of exchanges, queues and consumers while they exist: what refers to one another knows these, and not the other's file.

use super::arena::Key;

/// Marks keys of exchanges.
#[derive(Debug)]
pub enum OfExchange {}
/// Marks keys of queues.
#[derive(Debug)]
pub enum OfQueue {}
/// Marks keys of consumers.
#[derive(Debug)]
pub enum OfConsumer {}

/// Names an exchange while it exists.
pub type ExchangeKey = Key<OfExchange>;
/// Names a queue while it exists.
pub type QueueKey = Key<OfQueue>;
/// Names a consumer while it exists.
pub type ConsumerKey = Key<OfConsumer>;
