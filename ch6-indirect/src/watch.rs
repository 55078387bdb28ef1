//! Watching the broker: a page and a JSON API over HTTP, beside the port of AMQP. Issue of chapter 6, "Watching it".
//!
//! ```text
//!   browser ─────────► page.html ─┐
//!   cargo ch6 inspect ────────────┼─► Http ─► guard ─► api ─► dyn Watched = the broker's service
//!   rabbitmqadmin ────────────────┘  (decode) (who asks,   (what it is, in RabbitMQ's words;
//!                                              from where)   a change is a list of AMQP commands)
//! ```
//!
//! | module | what it is |
//! |---|---|
//! | [`http`] | bytes become requests with their content |
//! | [`guard`] | who may ask: user and password, and no page of another site |
//! | [`service`] | the requests as a service of the core |
//! | [`api`] | the paths: lists, changes, publish and get |
//! | [`properties`] | properties as JSON, both ways |
//! | [`selection`] | `columns` and `sort` of a list |
//! | [`listen`] | the second listener of the broker's process |
//!
//! `ch6-indirect/docs/api.md` lists the paths.

pub mod api;
pub mod guard;
pub mod http;
pub mod listen;
pub mod properties;
pub mod selection;
pub mod service;

use common::core::service::PeerAddress;
use serde_json::Value;

use crate::amqp::command::Command;
use crate::broker::snapshot::ConnectionSnapshot;
use crate::broker::{Login, Output, Snapshot};

/// A broker that can be watched, and asked by hand.
pub trait Watched: Send + Sync + 'static {
    /// What can be seen of it.
    fn snapshot(&self) -> Snapshot;

    /// Its connections, by number.
    fn connections(&self) -> Vec<ConnectionSnapshot>;

    /// Its users, by name.
    fn users(&self) -> Vec<User>;

    /// The user with this name and password, if one may log in from there.
    fn authenticate(&self, user: &str, password: &[u8], from: PeerAddress) -> Option<User>;

    /// What a connection of this user to this virtual host may do; `None` when it may not open it, or there is none.
    fn login(&self, user: &str, vhost: &str) -> Option<Login>;

    /// Does these commands on channel 1 of a connection that is there only for them, and returns what the broker would have sent to it.
    /// Channel 1 is open. Messages that are not acknowledged by the last command go back to their queues.
    fn call(&self, login: Login, commands: Vec<Command>) -> Vec<Output>;

    /// Ends a connection with 320 `CONNECTION_FORCED`; `false` when it is not there.
    fn close(&self, connection: u64, why: &str) -> bool;

    /// What happened to messages since the event with this number, oldest first. Asking for it keeps the recording on for a while.
    fn events(&self, since: u64) -> Vec<Value>;
}

/// A user, as the lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Whether it may see and close the connections of others.
    pub is_administrator: bool,
    /// Virtual host, and the expressions for configure, write and read.
    pub permissions: Vec<(String, [String; 3])>,
}

impl User {
    /// Whether it may see what is in this virtual host.
    #[must_use]
    pub fn sees(&self, vhost: &str) -> bool {
        self.is_administrator || self.permissions.iter().any(|(one, _)| one == vhost)
    }
}
