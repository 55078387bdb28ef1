//! Everybody who is connected, each with an outbox and a last sign of life: where deliveries become bytes.
//!
//! ```text
//!   Delivery::ToAll ──► encoded once ──► the same bytes into every outbox
//!                                            └─ full? that user is slow: hung up on with the reason, and comes again
//!   every `ping`:   no sign of life for two of them ──► gone      (a half-open peer: its end never says that it has left)
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::core::outbox::Outbox;
use common::core::service::{Peer, PeerId};
use tungstenite::protocol::frame::coding::CloseCode;

use super::room::{Delivery, Policy};
use super::websocket::{close, ping, text};

/// What someone is told who is hung up on because too much waits for them. The page knows to come again.
pub const TOO_SLOW: &str = "too much waits for you; come again for the whole canvas";

/// Everybody who is connected.
#[derive(Default)]
pub struct Visitors {
    all: BTreeMap<PeerId, Visitor>,
}

struct Visitor {
    client: Peer,
    outbox: Outbox,
    /// The room whose WebSocket it is; none before the upgrade.
    room: Option<Policy>,
    /// It has spoken on that WebSocket. Before that, the answer that makes it one may still be on its way, and a frame would be in
    /// front of it.
    has_spoken: bool,
    last_sign: Instant,
    /// It was told why it is hung up on, and is told nothing more.
    is_over: bool,
}

impl Visitors {
    /// Someone has come.
    pub fn arrive(&mut self, client: Peer, outbox: Outbox, now: Instant) {
        self.all.insert(
            client.id,
            Visitor { client, outbox, room: None, has_spoken: false, last_sign: now, is_over: false },
        );
    }

    /// Their connection is one of this room's WebSockets now.
    pub fn upgrade(&mut self, who: PeerId, room: Policy) {
        if let Some(visitor) = self.all.get_mut(&who) {
            visitor.room = Some(room);
        }
    }

    /// They are alive; the room they are in.
    pub fn sign(&mut self, who: PeerId, now: Instant) -> Option<Policy> {
        let visitor = self.all.get_mut(&who)?;
        visitor.last_sign = now;
        visitor.has_spoken = visitor.room.is_some();
        visitor.room
    }

    /// Their connection has ended; the room they were in.
    pub fn leave(&mut self, who: PeerId) -> Option<Policy> {
        self.all.remove(&who)?.room
    }

    /// Delivers to the people of a room, in order.
    pub fn deliver(&mut self, people: &[PeerId], deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            let (message, to, but) = match delivery {
                Delivery::To(one, message) => (message, vec![one], None),
                Delivery::ToAll(message) => (message, people.to_vec(), None),
                Delivery::ToOthers(one, message) => (message, people.to_vec(), Some(one)),
                Delivery::Dismiss(one, why) => {
                    if let Some(visitor) = self.all.get_mut(&one) {
                        visitor.end(CloseCode::Policy, &why);
                    }
                    continue;
                }
            };
            let bytes: Arc<[u8]> = text(message.to_json()).into();
            for who in to.into_iter().filter(|who| Some(*who) != but) {
                if let Some(visitor) = self.all.get_mut(&who) {
                    visitor.push(&bytes);
                }
            }
        }
    }

    /// Asks everybody for a sign of life, and hangs up on who has given none for twice that time; also on who has
    /// connected and then asked for nothing.
    pub fn look_around(&mut self, now: Instant, every: Duration) {
        let ping: Arc<[u8]> = ping().into();
        for visitor in self.all.values_mut() {
            let silent = now.saturating_duration_since(visitor.last_sign) >= 2 * every;
            match visitor.room {
                Some(_) if silent => visitor.end(CloseCode::Policy, "no sign of life"),
                Some(_) if visitor.has_spoken => visitor.push(&ping),
                None if silent => visitor.outbox.end(Arc::from([])),
                _ => {}
            }
        }
    }

    /// The server stops: tells everybody, so that a page need not take it for a lost connection (RFC 6455, section 7.4.1: 1001).
    pub fn say_goodbye(&mut self) {
        for visitor in self.all.values_mut().filter(|visitor| visitor.has_spoken) {
            visitor.end(CloseCode::Away, "the server stops");
        }
    }
}

impl Visitor {
    fn push(&mut self, bytes: &Arc<[u8]>) {
        if self.outbox.push(Arc::clone(bytes)).is_err() {
            self.end(CloseCode::Again, TOO_SLOW);
        }
    }

    fn end(&mut self, code: CloseCode, why: &str) {
        if !std::mem::replace(&mut self.is_over, true) {
            tracing::info!("client {}: {why}", self.client);
            self.outbox.end(close(code, why).into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::whiteboard::clock::Replica;
    use crate::whiteboard::protocol::FromServer;
    use common::core::outbox::{OutboxLimit, WhenFull};

    fn visitor(visitors: &mut Visitors, port: u16, now: Instant) -> (PeerId, Outbox) {
        let outbox = Outbox::new(OutboxLimit { bytes: 100, when_full: WhenFull::Skip });
        let client = Peer::new(([127, 0, 0, 1], port).into());
        visitors.arrive(client, outbox.clone(), now);
        visitors.upgrade(client.id, Policy::Server);
        visitors.sign(client.id, now);
        (client.id, outbox)
    }

    /// The head of the answer that makes it a WebSocket is still on its way: a frame would be in front of it.
    #[test]
    fn who_has_not_spoken_yet_is_not_asked_for_a_sign_of_life() {
        let mut visitors = Visitors::default();
        let (every, start) = (Duration::from_secs(10), Instant::now());
        let outbox = Outbox::new(OutboxLimit { bytes: 100, when_full: WhenFull::Skip });
        let client = Peer::new(([127, 0, 0, 1], 1).into());
        visitors.arrive(client, outbox.clone(), start);
        visitors.sign(client.id, start); // it asks for the room
        visitors.upgrade(client.id, Policy::Server);
        visitors.look_around(start + every, every);
        assert!(outbox.pop().is_none());
        visitors.look_around(start + 2 * every, every);
        assert!(outbox.take_last().is_some(), "but nobody may be silent for ever");
    }

    #[test]
    fn the_slow_one_is_told_why_and_the_other_never_waits() {
        let mut visitors = Visitors::default();
        let now = Instant::now();
        let (slow, slow_outbox) = visitor(&mut visitors, 1, now);
        let (quick, quick_outbox) = visitor(&mut visitors, 2, now);
        for number in 0..50 {
            let news = Delivery::ToAll(FromServer::Left { who: Replica(number) });
            visitors.deliver(&[slow, quick], vec![news]);
            assert!(quick_outbox.pop().is_some());
        }
        assert!(slow_outbox.pop().is_none());
        let last = slow_outbox.take_last().unwrap();
        assert_eq!(
            (last[0], &last[2..4], &last[4..]),
            (0x88, &1013u16.to_be_bytes()[..], TOO_SLOW.as_bytes())
        );
    }

    #[test]
    fn who_gives_no_sign_of_life_is_gone_and_who_does_stays() {
        let mut visitors = Visitors::default();
        let (every, start) = (Duration::from_secs(10), Instant::now());
        let (_, dead_outbox) = visitor(&mut visitors, 1, start);
        let (alive, alive_outbox) = visitor(&mut visitors, 2, start);
        visitors.look_around(start + every, every);
        assert_eq!(alive_outbox.pop().map(|push| push.bytes.to_vec()), Some(vec![0x89, 0]));
        visitors.sign(alive, start + every);
        visitors.look_around(start + 2 * every, every);
        assert!(dead_outbox.take_last().is_some() && alive_outbox.take_last().is_none());
        assert_eq!(alive_outbox.pop().map(|push| push.bytes.to_vec()), Some(vec![0x89, 0]));
    }
}
