//! The broker of this process, as it is watched.

use std::net::{IpAddr, Ipv4Addr};

use common::core::service::PeerAddress;
use serde_json::Value;

use crate::amqp::command::Command;
use crate::broker::snapshot::ConnectionSnapshot;
use crate::broker::{Login, Output, Snapshot};
use crate::watch::{User, Watched};

use super::service::BrokerService;
use super::users::Expressions;

impl Watched for BrokerService {
    fn snapshot(&self) -> Snapshot {
        BrokerService::snapshot(self)
    }

    fn connections(&self) -> Vec<ConnectionSnapshot> {
        BrokerService::connections(self)
    }

    fn users(&self) -> Vec<User> {
        let all = self.permissions();
        let mut vhosts: Vec<&str> = all.iter().map(|(_, vhost, _)| *vhost).collect();
        vhosts.sort_unstable();
        vhosts.dedup();
        let mut users: Vec<User> = Vec::new();
        for (name, vhost, may) in &all {
            let Expressions { configure, write, read } = may;
            let three = [configure, write, read].map(Clone::clone);
            match users.last_mut().filter(|user| user.name == *name) {
                Some(user) => user.permissions.push(((*vhost).to_owned(), three)),
                None => users.push(User {
                    name: (*name).to_owned(),
                    is_administrator: false,
                    permissions: vec![((*vhost).to_owned(), three)],
                }),
            }
        }
        // The file has no word for it: who may do everything everywhere may see everything, too.
        for user in &mut users {
            let does_all = user.permissions.iter().all(|(_, three)| three.iter().all(|may| may == ".*"));
            user.is_administrator = does_all && user.permissions.len() == vhosts.len();
        }
        users
    }

    fn authenticate(&self, user: &str, password: &[u8], from: PeerAddress) -> Option<User> {
        let from = match from {
            PeerAddress::Ip(address) => address.ip(),
            PeerAddress::Unix { .. } => IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        self.verify(user, password, from).ok()?;
        Watched::users(self).into_iter().find(|one| one.name == user)
    }

    fn login(&self, user: &str, vhost: &str) -> Option<Login> {
        BrokerService::login(self, user, vhost)
    }

    fn call(&self, login: Login, commands: Vec<Command>) -> Vec<Output> {
        BrokerService::call(self, login, commands)
    }

    fn close(&self, connection: u64, why: &str) -> bool {
        BrokerService::close(self, connection, why)
    }

    fn events(&self, since: u64) -> Vec<Value> {
        let events = BrokerService::events(self, since);
        events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect()
    }
}
