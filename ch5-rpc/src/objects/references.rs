//! What a client refers to, and when it says so: the other side of [`leases`](super::leases). Sans-I/O.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::leases::HOLDS;
use super::message::{Message, REQUEST_LIMIT};
use crate::pyro::uri::Uri;

/// The references of one client to the objects of one server.
#[derive(Debug, Default)]
pub struct References {
    /// By object, how many references were given to this client.
    introductions: BTreeMap<String, u32>,
    sequence: u64,
    lease: Duration,
    renewal: Option<Instant>,
}

impl References {
    /// The server has said how long a lease is. 0: it has none.
    pub fn set_lease(&mut self, lease: Duration, now: Instant) {
        self.lease = lease;
        self.renewal = (!lease.is_zero()).then(|| now + lease / 2);
    }

    /// A reference has come in an answer. Whether there is room for it: a server of ours gives no more, and all of them are renewed in
    /// one message.
    pub fn handle_introduction(&mut self, uri: &str) -> bool {
        let Ok(uri) = uri.parse::<Uri>() else { return true };
        if let Some(count) = self.introductions.get_mut(&uri.object) {
            *count = count.wrapping_add(1);
            return true;
        }
        let has_room = self.introductions.len() < HOLDS;
        if has_room {
            self.introductions.insert(uri.object, 1);
        }
        has_room
    }

    /// A reference has come from elsewhere. What is to be sent.
    pub fn hold(&mut self, id: &str) -> Vec<u8> {
        if !self.introductions.contains_key(id) && self.introductions.len() >= HOLDS {
            return Vec::new(); // the server would not take it
        }
        // To the server it is an introduction, too.
        let count = self.introductions.entry(id.to_owned()).or_insert(0);
        *count = count.wrapping_add(1);
        self.dirty(true, vec![id.to_owned()])
    }

    /// A reference is dropped. What is to be sent.
    pub fn release(&mut self, id: &str) -> Vec<u8> {
        let Some(count) = self.introductions.remove(id) else { return Vec::new() };
        self.sequence += 1;
        frame(&Message::Clean { sequence: self.sequence, ids: vec![(id.to_owned(), count)] })
    }

    /// The server says that the lease of this object is over. Whether it was held.
    pub fn handle_expired(&mut self, id: &str) -> bool {
        self.introductions.remove(id).is_some()
    }

    /// When [`handle_timeout`](References::handle_timeout) is to be called next.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.renewal.filter(|_| !self.introductions.is_empty())
    }

    /// Time has passed. What is to be sent: a renewal, at half the lease.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<u8> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        self.renewal = Some(now + self.lease / 2);
        self.dirty(false, self.introductions.keys().cloned().collect())
    }

    fn dirty(&mut self, is_new: bool, ids: Vec<String>) -> Vec<u8> {
        self.sequence += 1;
        frame(&Message::Dirty { sequence: self.sequence, is_new, ids })
    }
}

fn frame(message: &Message) -> Vec<u8> {
    message.frame(REQUEST_LIMIT).expect("so many ids fit into a frame: a reference is short")
}

#[cfg(test)]
mod tests {
    use super::super::message::decode;
    use super::*;

    fn message(bytes: &[u8]) -> Option<Message> {
        decode(bytes, REQUEST_LIMIT).unwrap().map(|(message, _)| message)
    }

    #[test]
    fn it_is_renewed_at_half_the_lease_until_it_is_released() {
        let (mut references, now) = (References::default(), Instant::now());
        references.set_lease(Duration::from_secs(10), now);
        assert_eq!(references.deadline(), None, "there is nothing to renew");
        references.handle_introduction("PYRO:a@127.0.0.1:1");
        references.handle_introduction("PYRO:a@127.0.0.1:1");
        let half = now + Duration::from_secs(5);
        assert_eq!(references.deadline(), Some(half));
        assert_eq!(message(&references.handle_timeout(now)), None);
        let renewal = Message::Dirty { sequence: 1, is_new: false, ids: vec!["a".into()] };
        assert_eq!(message(&references.handle_timeout(half)), Some(renewal));
        assert_eq!(references.deadline(), Some(half + Duration::from_secs(5)));
        let clean = Message::Clean { sequence: 2, ids: vec![("a".into(), 2)] };
        assert_eq!(message(&references.release("a")), Some(clean));
        assert_eq!((references.deadline(), message(&references.release("a"))), (None, None));
    }

    #[test]
    fn what_has_expired_is_told_once_and_not_renewed() {
        let mut references = References::default();
        references.set_lease(Duration::from_secs(10), Instant::now());
        let begin = Message::Dirty { sequence: 1, is_new: true, ids: vec!["a".into()] };
        assert_eq!(message(&references.hold("a")), Some(begin));
        assert!(references.handle_expired("a") && !references.handle_expired("a"));
        assert_eq!(references.deadline(), None);
    }
}
