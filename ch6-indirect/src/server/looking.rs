//! Looking at every client, now and then: for heartbeats, and for those that do not finish a handshake.

use std::sync::Arc;
use std::time::Duration;

use common::core::service::PeerId;

use super::client::{Client, Phase};
use super::heartbeat::{Due, Heartbeat};
use super::state::State;
use super::unsent::Frames;
use crate::broker::Now;

/// How often the clients are looked at, at most and at least.
pub const LOOK_EVERY: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(250)..=Duration::from_secs(2);

impl State {
    /// Heartbeats and handshakes: every client is looked at.
    pub fn look(&mut self, now: Now) {
        let mut every = *LOOK_EVERY.end();
        let (mut late, mut dead) = (Vec::new(), Vec::new());
        let mut written = Vec::new();
        for (id, client) in &mut self.clients {
            if client.is_late(now.instant) {
                late.push(*id);
                continue;
            }
            every = every.min(look_every(client));
            let (heard, sent) = (client.traffic.bytes(), client.unsent.written().1);
            let Some(heartbeat) = &mut client.heartbeat else { continue };
            // While something waits for it, or it is held back, it may be that we do not read what it sends.
            let waits = client.outbox.waiting() > 0;
            let is_heard = !waits && !client.outbox.is_paused();
            match heartbeat.look(heard, sent, is_heard, now.instant) {
                Due::Nothing => {}
                Due::Send if client.is_open() && !waits => {
                    written.push((*id, client.write(send_heartbeat)));
                }
                Due::Send => {}
                Due::Dead => dead.push(*id),
            }
        }
        for (id, written) in written {
            self.wrote(id, written);
        }
        for id in late {
            self.cut(id, "it has not opened a virtual host, or not answered our close, in its time", now);
        }
        for id in dead {
            self.cut(id, "no heartbeat has come for two intervals", now);
        }
        self.next_look = (!self.clients.is_empty()).then(|| now.instant + every);
    }

    /// Ends a connection without a word: its client is not there, or has had one.
    fn cut(&mut self, id: PeerId, why: &str, now: Now) {
        self.leave_broker(id, now);
        if let Some(client) = self.clients.get_mut(&id)
            && client.phase != Phase::New
        {
            tracing::info!("client {} is disconnected: {why}", client.peer);
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.enter(Phase::Closed, now.instant);
            client.traffic.close();
            client.heartbeat = None;
            client.outbox.end(Arc::from([]));
        }
    }
}

fn send_heartbeat(frames: &mut Frames<'_>) {
    frames.heartbeat();
}

/// How often this client is to be looked at.
pub fn look_every(client: &Client) -> Duration {
    let heartbeat = client.heartbeat.as_ref().map_or(*LOOK_EVERY.end(), Heartbeat::look_every);
    heartbeat.clamp(*LOOK_EVERY.start(), *LOOK_EVERY.end())
}
