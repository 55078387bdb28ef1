//! A client's connection: who it is, its channels, and what goes with it.

use std::collections::{BTreeMap, BTreeSet};

use super::channel::Channel;
use super::keys::QueueKey;
use super::login::Login;

/// A connection.
#[derive(Debug)]
pub struct Connection {
    pub login: Login,
    /// The index of its virtual host.
    pub host: usize,
    pub channels: BTreeMap<u16, Channel>,
    /// Its exclusive queues.
    pub exclusive: BTreeSet<QueueKey>,
    /// It gets no deliveries for now.
    pub is_full: bool,
    /// It has published: an alarm concerns it.
    pub is_publisher: bool,
    /// It was told of the alarm.
    pub is_blocked: bool,
    /// A hard error ended it: nothing is heard until it is gone.
    pub is_ended: bool,
}

impl Connection {
    pub fn new(login: Login, host: usize) -> Connection {
        Connection {
            login,
            host,
            channels: BTreeMap::new(),
            exclusive: BTreeSet::new(),
            is_full: false,
            is_publisher: false,
            is_blocked: false,
            is_ended: false,
        }
    }
}
