//! `tx.*`: publishes and acknowledgements that happen together, or not at all.
//!
//! As in RabbitMQ: they happen in one go, and the answer comes when the log has them; a crash in the middle may leave a part. A
//! delivery that is acknowledged but not committed still counts against the prefetch.

use common::core::service::PeerId;

use super::channel::{Mode, Transaction};
use super::commands::{Done, no};
use super::outbox::Waiting;
use super::output::RecordNumber;
use super::{At, Broker};
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, tx};

impl Broker {
    pub(super) fn tx_select(&mut self, at: At) -> Done {
        let channel = self.channel(at)?;
        match channel.mode {
            Mode::Plain => channel.mode = Mode::Transaction(Transaction::default()),
            Mode::Transaction(_) => {}
            Mode::Confirm(_) => {
                return no(ReplyCode::PreconditionFailed, "cannot switch from confirm to tx mode");
            }
        }
        self.answer(at, AMQPClass::Tx(tx::AMQPMethod::SelectOk(tx::SelectOk {})));
        Ok(())
    }

    pub(super) fn tx_commit(&mut self, at: At) -> Done {
        let transaction = self.transaction(at)?;
        let publishes = std::mem::take(&mut transaction.publishes);
        let settlements = std::mem::take(&mut transaction.settlements);
        let mut last = RecordNumber(0);
        for staged in publishes {
            self.memory.release(&staged.message);
            if let super::confirms::Fate::Safe(record) = self.relay(at, &staged, false) {
                last = last.max(record);
            }
        }
        for (_, delivery, settlement) in settlements {
            self.finish(at, delivery, settlement);
        }
        self.transaction(at)?.committing.push_back(last);
        if self.outbox.is_synced(last) {
            self.finish_commit(at.connection, at.channel);
        } else {
            self.outbox.wait(last, Waiting::Channel(at.connection, at.channel));
        }
        Ok(())
    }

    /// Answers the commits that are on disk.
    pub(super) fn finish_commit(&mut self, connection: PeerId, channel: u16) {
        let known = self.connections.get_mut(&connection).and_then(|known| known.channels.get_mut(&channel));
        let Some(Mode::Transaction(transaction)) = known.map(|channel| &mut channel.mode) else { return };
        while let Some(last) = transaction.committing.front() {
            if self.outbox.is_synced(*last) {
                transaction.committing.pop_front();
                let ok = AMQPClass::Tx(tx::AMQPMethod::CommitOk(tx::CommitOk {}));
                self.outbox.method(connection, channel, ok);
            } else if self.outbox.has_failed() {
                transaction.committing.clear();
                let exception = Exception::new(
                    ReplyCode::InternalError,
                    "the log cannot be written: the commit may be lost",
                );
                if let Some(known) = self.connections.get_mut(&connection) {
                    known.is_ended = true;
                }
                self.outbox.push(super::Output::Exception { connection, channel, exception });
                return;
            } else {
                return;
            }
        }
    }

    pub(super) fn tx_rollback(&mut self, at: At) -> Done {
        let transaction = self.transaction(at)?;
        let publishes = std::mem::take(&mut transaction.publishes);
        let settlements = std::mem::take(&mut transaction.settlements);
        let back = settlements.into_iter().map(|(tag, delivery, _)| (tag, delivery));
        self.channel(at)?.unacknowledged.extend(back);
        for staged in &publishes {
            self.memory.release(&staged.message);
        }
        self.answer(at, AMQPClass::Tx(tx::AMQPMethod::RollbackOk(tx::RollbackOk {})));
        Ok(())
    }

    fn transaction(&mut self, at: At) -> Result<&mut Transaction, Exception> {
        match &mut self.channel(at)?.mode {
            Mode::Transaction(transaction) => Ok(transaction),
            _ => no(ReplyCode::PreconditionFailed, "channel is not transactional"),
        }
    }
}
