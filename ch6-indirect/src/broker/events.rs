//! What happens to messages, step by step, for those who watch: the page's "what a message went through".
//!
//! Nothing is recorded, and nothing costs more than a look at a flag, unless somebody has asked within the last seconds. Then a few new
//! messages a second are followed, from the first step that is seen to the last: some whole ways, and not pieces of all.
//!
//! ```text
//!   Broker::events ──► on, for 5 s ──► a message is seen: followed, if fewer than 20 are new in this second
//!                                       └─► each of its steps into the ring, of which the oldest leave
//! ```

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::message::MessageId;
use super::now::Now;

/// How long the recording goes on after somebody has asked.
const ON_FOR: Duration = Duration::from_secs(5);

/// How many messages begin to be followed in a second.
const A_SECOND: u32 = 20;

/// How many messages are followed at once; the oldest are no longer when there are more.
const FOLLOWED: usize = 500;

/// How many steps are kept.
const KEPT: usize = 4000;

/// A step of a message.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Event {
    /// The steps are numbered from 1.
    pub number: u64,
    /// Milliseconds since 1970.
    pub at: u64,
    /// The virtual host.
    pub vhost: Arc<str>,
    /// The message; a dead letter is a message of its own, see `next`.
    pub message: u64,
    /// What happened: `published`, `unroutable`, `routed`, `delivered`, `got`, `acknowledged`, `requeued`, `rejected`, `expired`,
    /// `overflowed`, `gave_up` (it came back too often) or `dead_lettered`.
    pub what: &'static str,
    /// The exchange it was sent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<Box<str>>,
    /// The key it was published with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_key: Option<Box<str>>,
    /// The queue where it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<Arc<str>>,
    /// The consumer that got it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consumer: Option<Arc<str>>,
    /// The connection that sent or got it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// As which message it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// The steps that are kept.
#[derive(Debug, Default)]
pub struct Events {
    on_until: Option<Instant>,
    /// When the call that is being done came.
    now: Duration,
    ring: VecDeque<Event>,
    last: u64,
    order: VecDeque<u64>,
    followed: BTreeSet<u64>,
    /// The second in which messages are counted, and how many may still begin in it.
    second: u64,
    left: u32,
}

impl Events {
    /// A call of the broker begins.
    pub fn begin(&mut self, now: Now) {
        if let Some(until) = self.on_until {
            self.now = now.unix;
            if now.instant > until {
                *self = Events { last: self.last, ..Events::default() };
            }
        }
    }

    /// Records a step of a message, if that one is followed. `fill` says what else is known of it.
    pub fn record(
        &mut self,
        vhost: &Arc<str>,
        message: MessageId,
        what: &'static str,
        fill: impl FnOnce(&mut Event),
    ) {
        if self.on_until.is_none() || !self.follows(message.0) {
            return;
        }
        self.last += 1;
        let at = u64::try_from(self.now.as_millis()).unwrap_or(u64::MAX);
        let mut event = Event {
            number: self.last,
            at,
            vhost: vhost.clone(),
            message: message.0,
            what,
            ..Event::default()
        };
        fill(&mut event);
        if let Some(next) = event.next {
            self.follow(next); // on the same way
        }
        if self.ring.len() == KEPT {
            self.ring.pop_front();
        }
        self.ring.push_back(event);
    }

    fn follows(&mut self, message: u64) -> bool {
        if self.followed.contains(&message) {
            return true;
        }
        if self.second != self.now.as_secs() {
            (self.second, self.left) = (self.now.as_secs(), A_SECOND);
        }
        if self.left == 0 {
            return false;
        }
        self.left -= 1;
        self.follow(message);
        true
    }

    fn follow(&mut self, message: u64) {
        if self.followed.insert(message) {
            self.order.push_back(message);
        }
        if self.order.len() > FOLLOWED
            && let Some(oldest) = self.order.pop_front()
        {
            self.followed.remove(&oldest);
        }
    }

    /// What happened to some messages after event number `since`, oldest first; and from now on, for some seconds, it is recorded.
    pub fn since(&mut self, since: u64, now: Now) -> Vec<Event> {
        self.begin(now);
        self.on_until = Some(now.instant + ON_FOR);
        let behind = self.ring.partition_point(|event| event.number <= since);
        self.ring.range(behind..).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64, began: Instant) -> Now {
        Now { instant: began + Duration::from_secs(seconds), unix: Duration::from_secs(1000 + seconds) }
    }

    #[test]
    fn some_messages_are_followed_to_their_end_and_the_recording_ends_when_nobody_asks() {
        let (mut events, began) = (Events::default(), Instant::now());
        let vhost: Arc<str> = "/".into();
        let step = |events: &mut Events, message: u64, what: &'static str, seconds: u64| {
            events.begin(at(seconds, began));
            events.record(&vhost, MessageId(message), what, |_| {});
        };
        step(&mut events, 1, "published", 0);
        assert!(events.since(0, at(0, began)).is_empty(), "nobody had asked");
        for what in ["published", "acknowledged"] {
            for message in 2..=100 {
                step(&mut events, message, what, 1);
            }
        }
        let seen = events.since(0, at(1, began));
        assert_eq!(seen.len(), 2 * A_SECOND as usize);
        let of_one: Vec<_> = seen.iter().filter(|event| event.message == 5).map(|event| event.what).collect();
        assert_eq!((of_one, seen[0].at), (vec!["published", "acknowledged"], 1_001_000));
        step(&mut events, 101, "published", 2);
        let later = events.since(seen.last().unwrap().number, at(2, began));
        assert_eq!(later.iter().map(|event| event.message).collect::<Vec<_>>(), [101]);
        step(&mut events, 102, "published", 8);
        assert!(events.since(0, at(8, began)).is_empty(), "nobody has asked for 5 s");
    }

    #[test]
    fn however_many_steps_there_are_a_bounded_number_is_kept() {
        let (mut events, began) = (Events::default(), Instant::now());
        let vhost: Arc<str> = "/".into();
        events.since(0, at(0, began));
        for second in 0..1000 {
            events.since(0, at(second, began));
            for message in 0..30 {
                events.record(&vhost, MessageId(second * 100 + message), "published", |_| {});
            }
        }
        assert_eq!((events.ring.len(), events.followed.len()), (KEPT, FOLLOWED));
        assert_eq!(events.ring.back().unwrap().number, 1000 * u64::from(A_SECOND));
    }
}
