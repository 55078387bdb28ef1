//! How deliveries end: acknowledged, rejected, put back; and what a channel leaves behind when it ends.

use super::channel::{Mode, Settlement, Unacknowledged};
use super::commands::{Done, no};
use super::keys::QueueKey;
use super::output::Record;
use super::queue::Reason;
use super::ready::Entry;
use super::{At, Broker};
use crate::amqp::exception::ReplyCode;

/// Which deliveries a client means.
#[derive(Debug, Clone, Copy)]
pub struct Tags {
    pub tag: u64,
    /// All up to this one; with tag 0 all there are.
    pub is_multiple: bool,
}

impl Broker {
    pub(super) fn settle(&mut self, at: At, tags: Tags, settlement: Settlement) -> Done {
        let channel = self.channel(at)?;
        let unacknowledged = &mut channel.unacknowledged;
        let is_all = tags.is_multiple && tags.tag == 0;
        if !is_all && !unacknowledged.contains_key(&tags.tag) {
            return no(ReplyCode::PreconditionFailed, format_args!("unknown delivery tag {}", tags.tag));
        }
        let settled: Vec<(u64, Unacknowledged)> = if is_all {
            std::mem::take(unacknowledged).into_iter().collect()
        } else if tags.is_multiple {
            let rest = unacknowledged.split_off(&(tags.tag + 1));
            std::mem::replace(unacknowledged, rest).into_iter().collect()
        } else {
            unacknowledged.remove_entry(&tags.tag).into_iter().collect()
        };
        if settlement != Settlement::Acknowledged && settled.iter().any(|(_, delivery)| delivery.is_copy) {
            // Nothing is lost: the channel ends with this, and a stream keeps its messages.
            channel.unacknowledged.extend(settled);
            return no(
                ReplyCode::NotImplemented,
                "basic.nack and basic.reject not supported by stream queues",
            );
        }
        if let Mode::Transaction(transaction) = &mut channel.mode {
            transaction
                .settlements
                .extend(settled.into_iter().map(|(tag, delivery)| (tag, delivery, settlement)));
            return Ok(());
        }
        for (_, delivery) in settled {
            self.finish(at, delivery, settlement);
        }
        Ok(())
    }

    /// Puts back all that is delivered on the channel and not acknowledged.
    pub(super) fn recover(&mut self, at: At, requeue: bool) -> Done {
        if !requeue {
            return no(ReplyCode::NotImplemented, "requeue=false");
        }
        for (_, delivery) in std::mem::take(&mut self.channel(at)?.unacknowledged) {
            self.finish(at, delivery, Settlement::Requeued);
        }
        Ok(())
    }

    /// A delivery ends: its consumer has room for another, and the message goes where it belongs.
    pub(super) fn finish(&mut self, at: At, delivery: Unacknowledged, settlement: Settlement) {
        self.give_room(at, &delivery);
        let Unacknowledged { entry, queue: key, is_copy, .. } = delivery;
        let Some(queue) = self.queues.get_mut(key) else {
            if !is_copy {
                self.memory.release(&entry.message);
            }
            return;
        };
        queue.unacknowledged -= 1;
        if is_copy {
            queue.counters.acknowledged += u64::from(settlement == Settlement::Acknowledged);
            return;
        }
        queue.unacknowledged_bytes -= entry.message.content.body().len() as u64;
        let what = match settlement {
            Settlement::Acknowledged => "acknowledged",
            Settlement::Rejected => "rejected",
            Settlement::Requeued => "requeued",
        };
        self.events.record(&self.hosts[queue.host].name, entry.message.id, what, |event| {
            event.queue = Some(queue.name.clone());
        });
        match settlement {
            Settlement::Acknowledged => {
                queue.counters.acknowledged += 1;
                let log = queue.log;
                self.forget(log, &entry);
            }
            Settlement::Rejected => {
                queue.counters.rejected += 1;
                self.bury(key, entry, Reason::Rejected);
            }
            Settlement::Requeued => self.requeue(key, entry),
        }
    }

    fn give_room(&mut self, at: At, delivery: &Unacknowledged) {
        let Some(key) = delivery.consumer else { return };
        if let Some(consumer) = self.consumers.get_mut(key) {
            consumer.unacknowledged -= 1;
        }
        let mut is_shared = false;
        if let Ok(channel) = self.channel(at) {
            channel.in_flight -= 1;
            is_shared = channel.shared_prefetch > 0;
        }
        if is_shared {
            self.unpark_channel(at.connection, at.channel);
        } else {
            self.unpark(key);
        }
    }

    /// A message comes back to where it stood, unless it did so too often.
    fn requeue(&mut self, key: QueueKey, mut entry: Entry) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        entry.deliveries = entry.deliveries.saturating_add(1);
        entry.is_redelivered = true;
        if queue.options.delivery_limit.is_some_and(|limit| entry.deliveries > limit) {
            queue.counters.gave_up += 1;
            self.bury(key, entry, Reason::DeliveryLimit);
            return;
        }
        if let Some(log) = queue.log.filter(|_| entry.is_logged) {
            let record =
                Record::Requeued { message: entry.message.id, queue: log, deliveries: entry.deliveries };
            self.outbox.append(record);
        }
        queue.ready.insert(entry);
        self.set_timer(key);
        self.list(key);
    }

    /// A channel ends, however: its consumers go, its unacknowledged messages go back.
    pub(super) fn end_channel(&mut self, at: At) {
        let known = self.connections.get_mut(&at.connection);
        let Some(channel) = known.and_then(|known| known.channels.remove(&at.channel)) else { return };
        for key in channel.consumers.into_values() {
            self.leave(key, at);
        }
        let mut deliveries: Vec<Unacknowledged> = channel.unacknowledged.into_values().collect();
        if let Mode::Transaction(transaction) = channel.mode {
            for staged in &transaction.publishes {
                self.memory.release(&staged.message);
            }
            deliveries.extend(transaction.settlements.into_iter().map(|(_, delivery, _)| delivery));
        }
        for delivery in deliveries {
            self.finish(at, delivery, Settlement::Requeued);
        }
    }
}
