//! A page-long model of queues and consumers, and random steps taken by both. The model does not say which of two consumers gets a
//! message; it says which message is next, who can take one, and that none waits while somebody can.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Queues: one plain, one with priorities, one with room for three and dead letters, and where those go.
const QUEUES: [&str; 4] = ["plain", "ranked", "short", "dead"];
const PUBLISHER: u64 = 9;

#[derive(Debug, Clone)]
enum Step {
    Publish { queue: usize, priority: u8, expiration: Option<u64> },
    Consume { by: u64, queue: usize, tag: u8, prefetch: u16, no_ack: bool, priority: i32 },
    Cancel { by: u64, tag: u8 },
    Settle { by: u64, pick: prop::sample::Index, multiple: bool, how: Option<bool> },
    Get { by: u64, queue: usize, no_ack: bool },
    Recover { by: u64 },
    Close { by: u64 },
    Purge { queue: usize },
    Full { by: u64, is_full: bool },
    Wait(u64),
    Crash,
}

/// A message of the model. `redelivered` is not known of one that was only written down in advance.
#[derive(Debug, Clone)]
struct Item {
    body: String,
    redelivered: Option<bool>,
    expires: Option<Instant>,
}

/// Where an item stands: priority turned round, and arrival.
type Place = (u8, u64);

#[derive(Debug, Default)]
struct Client {
    is_full: bool,
    last_tag: u64,
    /// By tag: consumer (none for a get), queue, place, item.
    unacknowledged: BTreeMap<u64, (Option<u8>, usize, Place, Item)>,
    /// By name: queue, prefetch, `no_ack`, priority.
    consumers: BTreeMap<u8, (usize, u16, bool, i32)>,
}

#[derive(Debug, Default)]
struct Model {
    queues: [BTreeMap<Place, Item>; 4],
    clients: BTreeMap<u64, Client>,
    arrivals: u64,
    published: u64,
    confirmed: u64,
}

impl Client {
    fn can_take(&self, tag: u8) -> bool {
        let (_, prefetch, no_ack, _) = self.consumers[&tag];
        let held = self.unacknowledged.values().filter(|(consumer, ..)| *consumer == Some(tag)).count();
        !self.is_full && (no_ack || prefetch == 0 || held < prefetch.into())
    }
}

impl Model {
    fn arrive(&mut self, queue: usize, priority: u8, item: Item) {
        self.arrivals += 1;
        let rank = if queue == 1 { u8::MAX - priority.min(3) } else { u8::MAX };
        self.queues[queue].insert((rank, self.arrivals), item);
        while queue == 2 && self.queues[2].len() > 3 {
            let (_, first) = self.queues[2].pop_first().unwrap();
            self.bury(first);
        }
    }

    fn bury(&mut self, item: Item) {
        self.arrive(3, 0, Item { redelivered: Some(false), expires: None, ..item });
    }

    fn go_back(&mut self, (_, queue, place, item): (Option<u8>, usize, Place, Item)) {
        self.queues[queue].insert(place, Item { redelivered: Some(true), ..item });
    }

    fn leave(&mut self, by: u64) {
        let client = self.clients.insert(by, Client::default()).unwrap_or_default();
        client.unacknowledged.into_values().for_each(|delivery| self.go_back(delivery));
    }

    fn expire(&mut self, now: Instant) {
        for queue in &mut self.queues {
            queue.retain(|_, item| item.expires.is_none_or(|expires| expires > now));
        }
    }

    /// A message reaches a client: it must be the first that has not expired, and say rightly whether it was delivered before.
    fn hand_over(&mut self, queue: usize, consumer: Option<u8>, keep: bool, output: &Output, now: Instant) {
        let (by, tag, redelivered, message) = match output {
            Output::Deliver { connection, delivery_tag, redelivered, message, .. }
            | Output::GetOk { connection, delivery_tag, redelivered, message, .. } => {
                (connection.0, *delivery_tag, *redelivered, message)
            }
            other => panic!("{other:?}"),
        };
        let body = std::str::from_utf8(message.content.body()).unwrap();
        let first =
            self.queues[queue].iter().find(|(_, item)| item.expires.is_none_or(|expires| expires >= now));
        let place = *first.unwrap_or_else(|| panic!("nothing is ready in {}", QUEUES[queue])).0;
        let item = self.queues[queue].remove(&place).unwrap();
        assert_eq!(item.body, body, "the first of {}", QUEUES[queue]);
        assert!(item.redelivered.is_none_or(|was| was == redelivered), "the flag of {item:?}");
        let client = self.clients.get_mut(&by).unwrap();
        client.last_tag += 1;
        assert_eq!(client.last_tag, tag, "tags count up");
        if keep {
            client.unacknowledged.insert(tag, (consumer, queue, place, item));
        }
    }

    fn check_taker(&self, by: u64, tag: u8) {
        let (queue, .., priority) = self.clients[&by].consumers[&tag];
        assert!(self.clients[&by].can_take(tag), "{by} {tag} has no room");
        let all = self
            .clients
            .values()
            .flat_map(|client| client.consumers.iter().map(move |(tag, what)| (client, *tag, what)));
        let higher = all
            .filter(|(client, tag, what)| what.0 == queue && what.3 > priority && client.can_take(*tag))
            .count();
        assert_eq!(higher, 0, "a consumer of a higher priority could have taken it");
    }

    fn see(&mut self, output: Output, now: Instant) {
        match output {
            Output::Deliver { connection, ref consumer_tag, .. } => {
                let (by, tag) = (connection.0, consumer_tag.parse().unwrap());
                self.check_taker(by, tag);
                let (queue, _, no_ack, _) = self.clients[&by].consumers[&tag];
                self.hand_over(queue, Some(tag), !no_ack, &output, now);
            }
            Output::Method {
                connection: PeerId(PUBLISHER),
                method: AMQPClass::Basic(basic::AMQPMethod::Ack(ack)),
                ..
            } => {
                assert!(
                    ack.delivery_tag > self.confirmed
                        && (ack.multiple || ack.delivery_tag == self.confirmed + 1),
                    "{ack:?}"
                );
                self.confirmed = ack.delivery_tag;
            }
            Output::Exception { exception, .. } => panic!("{exception}"),
            _ => {}
        }
    }

    /// When all outputs are done: nothing waits for a consumer that could take it, and the counts are those of the broker.
    fn check(&self, lab: &Lab) {
        assert_eq!(self.confirmed, self.published, "each publish is confirmed");
        for (client, tag) in
            self.clients.values().flat_map(|client| client.consumers.keys().map(move |tag| (client, *tag)))
        {
            let queue = client.consumers[&tag].0;
            assert!(
                !client.can_take(tag) || self.queues[queue].is_empty(),
                "{} waits for nothing",
                QUEUES[queue]
            );
        }
        for (index, name) in QUEUES.iter().enumerate() {
            let key = lab.broker.hosts[0].queue(name).unwrap();
            let queue = lab.broker.queues.get(key).unwrap();
            let held = self
                .clients
                .values()
                .flat_map(|client| client.unacknowledged.values())
                .filter(|held| held.1 == index)
                .count() as u64;
            assert_eq!(
                (queue.len(), queue.unacknowledged),
                (self.queues[index].len() as u64, held),
                "{name}"
            );
            let counters = &queue.counters;
            let gone = counters.acknowledged
                + counters.rejected
                + counters.expired
                + counters.overflowed
                + counters.purged;
            assert_eq!(
                counters.enqueued,
                queue.len() + queue.unacknowledged + gone,
                "messages are made or lost in {name}"
            );
        }
    }
}

fn start() -> Lab {
    let mut lab = Lab::new(true);
    let dead = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text("dead"))];
    lab.declare("plain", &[]);
    lab.declare("ranked", &[("x-max-priority", int(3))]);
    lab.declare("short", &[&dead[..], &[("x-max-length", int(3))]].concat());
    lab.declare("dead", &[]);
    lab.connect(PUBLISHER);
    lab.confirm_select(PUBLISHER);
    lab
}

fn take(step: &Step, lab: &mut Lab, model: &mut Model) {
    let now = lab.now.instant;
    match step.clone() {
        Step::Publish { queue, priority, expiration } => {
            model.published += 1;
            let expiration = expiration.filter(|_| queue == 0);
            let body = format!("m{}", model.arrivals);
            let mut properties = durable().with_priority(priority);
            if let Some(wait) = expiration {
                properties = properties.with_expiration(wait.to_string().into());
            }
            lab.publish_on(
                PUBLISHER,
                basic::Publish { routing_key: QUEUES[queue].into(), ..Default::default() },
                &properties,
                &body,
            );
            let expires = expiration.map(|wait| now + Duration::from_millis(wait));
            model.arrive(queue, priority, Item { body, redelivered: Some(false), expires });
        }
        Step::Consume { by, queue, tag, prefetch, no_ack, priority } => {
            if model.clients[&by].consumers.contains_key(&tag) {
                return;
            }
            lab.qos(by, prefetch, false);
            let arguments = table(&[("x-priority", int(priority))]);
            lab.consume_with(
                by,
                basic::Consume {
                    queue: QUEUES[queue].into(),
                    consumer_tag: tag.to_string().into(),
                    no_ack,
                    arguments,
                    ..Default::default()
                },
            );
            model.clients.get_mut(&by).unwrap().consumers.insert(tag, (queue, prefetch, no_ack, priority));
        }
        Step::Cancel { by, tag } => {
            lab.basic(
                by,
                1,
                basic::AMQPMethod::Cancel(basic::Cancel {
                    consumer_tag: tag.to_string().into(),
                    nowait: true,
                }),
            );
            let client = model.clients.get_mut(&by).unwrap();
            client.consumers.remove(&tag);
            // The name may come again, with other deliveries: these are nobody's now.
            client
                .unacknowledged
                .values_mut()
                .filter(|held| held.0 == Some(tag))
                .for_each(|held| held.0 = None);
        }
        Step::Settle { by, pick, multiple, how } => {
            let client = model.clients.get_mut(&by).unwrap();
            let tags: Vec<u64> = client.unacknowledged.keys().copied().collect();
            if tags.is_empty() {
                return;
            }
            let tag = *pick.get(&tags);
            let settled: Vec<_> = tags
                .iter()
                .filter(|other| **other == tag || multiple && **other < tag)
                .filter_map(|tag| client.unacknowledged.remove(tag))
                .collect();
            match how {
                None => lab.ack(by, tag, multiple),
                Some(requeue) => lab.nack(by, tag, multiple, requeue),
            }
            for delivery in settled {
                match how {
                    Some(true) => model.go_back(delivery),
                    Some(false) if delivery.1 == 2 => model.bury(delivery.3),
                    _ => {}
                }
            }
        }
        Step::Get { by, queue, no_ack } => {
            lab.get(by, QUEUES[queue], no_ack);
            while let Some(output) = lab.poll() {
                match output {
                    Output::GetOk { .. } => model.hand_over(queue, None, !no_ack, &output, now),
                    output => model.see(output, now),
                }
            }
        }
        Step::Recover { by } => {
            lab.basic(by, 1, basic::AMQPMethod::Recover(basic::Recover { requeue: true }));
            let client = model.clients.get_mut(&by).unwrap();
            let all = std::mem::take(&mut client.unacknowledged);
            all.into_values().for_each(|delivery| model.go_back(delivery));
        }
        Step::Close { by } => {
            lab.broker.close(PeerId(by), lab.now);
            model.leave(by);
            lab.broker.open(PeerId(by), login());
            for number in [1, 2] {
                lab.send(by, number, AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {})));
            }
        }
        Step::Purge { queue } => {
            let purge = queue::Purge { queue: QUEUES[queue].into(), nowait: true };
            lab.send(1, 2, AMQPClass::Queue(queue::AMQPMethod::Purge(purge)));
            model.queues[queue].clear();
        }
        Step::Full { by, is_full } => {
            model.clients.get_mut(&by).unwrap().is_full = is_full;
            if is_full { lab.broker.handle_full(PeerId(by)) } else { lab.broker.handle_room(PeerId(by)) }
        }
        Step::Wait(time) => {
            lab.now.instant += Duration::from_millis(time);
            lab.now.unix += Duration::from_millis(time);
        }
        Step::Crash => {
            *lab = lab.restart();
            lab.connect(PUBLISHER);
            lab.confirm_select(PUBLISHER);
            (1..=2).for_each(|by| model.leave(by));
            (model.published, model.confirmed) = (0, 0);
            for item in model.queues.iter_mut().flat_map(BTreeMap::values_mut) {
                item.redelivered = item.redelivered.filter(|was| *was);
            }
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (by, queue, tag) = (|| 1..=2u64, || 0..4usize, || 0..3u8);
    let step = prop_oneof![
        8 => (queue(), 0..6u8, prop::option::weighted(0.3, 0..40u64)).prop_map(|(queue, priority, expiration)| Step::Publish { queue, priority, expiration }),
        4 => (by(), queue(), tag(), 0..4u16, prop::bool::weighted(0.2), 0..2i32)
            .prop_map(|(by, queue, tag, prefetch, no_ack, priority)| Step::Consume { by, queue, tag, prefetch, no_ack, priority }),
        1 => (by(), tag()).prop_map(|(by, tag)| Step::Cancel { by, tag }),
        8 => (by(), any::<prop::sample::Index>(), any::<bool>(), prop::option::of(any::<bool>()))
            .prop_map(|(by, pick, multiple, how)| Step::Settle { by, pick, multiple, how }),
        2 => (by(), queue(), any::<bool>()).prop_map(|(by, queue, no_ack)| Step::Get { by, queue, no_ack }),
        1 => by().prop_map(|by| Step::Recover { by }),
        1 => by().prop_map(|by| Step::Close { by }),
        1 => queue().prop_map(|queue| Step::Purge { queue }),
        2 => (by(), any::<bool>()).prop_map(|(by, is_full)| Step::Full { by, is_full }),
        2 => (0..30u64).prop_map(Step::Wait),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_broker_does_what_the_model_allows(steps in steps()) {
        let (mut lab, mut model) = (start(), Model::default());
        (1..=2).for_each(|by| drop(model.clients.insert(by, Client::default())));
        for step in steps {
            take(&step, &mut lab, &mut model);
            while let Some(output) = lab.poll() {
                model.see(output, lab.now.instant);
            }
            lab.wait(0);
            while let Some(output) = lab.poll() {
                model.see(output, lab.now.instant);
            }
            model.expire(lab.now.instant);
            model.check(&lab);
        }
    }
}
