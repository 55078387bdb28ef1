//! `queue.declare`: made once, and then only compared.

use std::sync::Arc;

use super::arguments::{self, Arguments, without};
use super::commands::{Done, Right, no};
use super::declare::{same, same_arguments};
use super::keys::QueueKey;
use super::options::{COMPARED, Kind, Options, Properties};
use super::output::{Definition, QueueDefinition, QueueId};
use super::queue::Queue;
use super::{At, Broker};
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, FieldTable, queue};

impl Broker {
    pub(super) fn declare_queue(&mut self, at: At, declare: &queue::Declare) -> Done {
        let host = self.connection(at)?.host;
        let given = declare.queue.as_str();
        let name: Arc<str> = match given {
            "" if declare.passive => self.queue_name(at, "")?,
            "" => self.fresh_name("amq.gen-").into(),
            given => given.into(),
        };
        let there = self.hosts[host].queue(&name);
        let key = match there {
            Some(key) if declare.passive => self.reply_queue_or_named(at, key, &name)?,
            None if declare.passive => self.queue_named(at, &name)?,
            Some(key) => {
                self.check(at, Right::Configure, "queue", &name)?;
                self.queue_named(at, &name)?;
                self.compare_queue(at, key, declare)?;
                key
            }
            None => {
                self.check(at, Right::Configure, "queue", &name)?;
                if given.starts_with("amq.") {
                    return no(
                        ReplyCode::AccessRefused,
                        format_args!("queue name '{given}' contains reserved prefix 'amq.*'"),
                    );
                }
                self.declare_new_queue(at, &name, declare)?
            }
        };
        self.channel(at)?.last_queue = Some(name.clone());
        let Some(queue) = self.queues.get_mut(key) else { return Ok(()) };
        queue.unused_since = at.now.instant;
        let answer = queue::DeclareOk {
            queue: (*name).into(),
            message_count: u32::try_from(queue.len()).unwrap_or(u32::MAX),
            consumer_count: u32::try_from(queue.consumers.len()).unwrap_or(u32::MAX),
        };
        if !declare.nowait {
            self.answer(at, AMQPClass::Queue(queue::AMQPMethod::DeclareOk(answer)));
        }
        Ok(())
    }

    /// A server asks by a passive declare whether the client that waits for its reply is still there: that is allowed.
    fn reply_queue_or_named(&self, at: At, key: QueueKey, name: &str) -> Result<QueueKey, Exception> {
        match self.queues.get(key) {
            Some(queue) if queue.is_reply => Ok(key),
            _ => self.queue_named(at, name),
        }
    }

    fn compare_queue(&self, at: At, key: QueueKey, declare: &queue::Declare) -> Done {
        let Some(there) = self.queues.get(key) else { return Ok(()) };
        let what = self.named(at, "queue", &there.name);
        same(&what, "durable", declare.durable, there.is_durable)?;
        same(&what, "auto_delete", declare.auto_delete, there.is_auto_delete)?;
        if declare.exclusive != there.owner.is_some() {
            return no(
                ReplyCode::ResourceLocked,
                format_args!(
                    "cannot obtain exclusive access to locked {what}. It could be originally declared on another connection or the \
                     exclusive property value does not match that of the original declaration."
                ),
            );
        }
        let current = Arguments(without_classic(&there.arguments.0));
        same_arguments(&what, &current, &without_classic(&declare.arguments), &COMPARED)
    }

    fn declare_new_queue(
        &mut self,
        at: At,
        name: &Arc<str>,
        declare: &queue::Declare,
    ) -> Result<QueueKey, Exception> {
        let arguments = Arguments(declare.arguments.clone());
        let what = self.named(at, "queue", name);
        let properties = Properties {
            durable: declare.durable,
            exclusive: declare.exclusive,
            auto_delete: declare.auto_delete,
        };
        let options = Options::read(&arguments, properties, &what)
            .map_err(|why| Exception::new(ReplyCode::PreconditionFailed, why))?;
        if let Some(exchange) = &options.dead_letter_exchange {
            self.check(at, Right::Read, "queue", name)?;
            self.check(at, Right::Write, "exchange", exchange)?;
        }
        if options.kind != Kind::Classic && declare.queue.as_str().is_empty() {
            let kind = options.kind.name();
            let text = format!("Cannot declare a server-named queue for type rabbit_{kind}_queue");
            return no(ReplyCode::PreconditionFailed, text);
        }
        let host = self.connection(at)?.host;
        let mut queue = Queue::new(name.clone(), host, arguments, options, at.now);
        queue.is_durable = declare.durable;
        queue.is_auto_delete = declare.auto_delete;
        queue.owner = declare.exclusive.then_some(at.connection);
        if queue.is_durable && queue.owner.is_none() && self.outbox.is_durable() {
            self.last_queue += 1;
            let id = QueueId(self.last_queue);
            queue.log = Some(id);
            self.outbox.define(Definition::Queue {
                vhost: self.hosts[host].name.to_string(),
                name: name.to_string(),
                queue: Some(QueueDefinition {
                    id,
                    auto_delete: queue.is_auto_delete,
                    arguments: queue.arguments.wire(),
                }),
            });
        }
        let key = self.add_queue(queue);
        if declare.exclusive
            && let Some(connection) = self.connections.get_mut(&at.connection)
        {
            connection.exclusive.insert(key);
        }
        Ok(key)
    }

    pub(super) fn add_queue(&mut self, queue: Queue) -> QueueKey {
        let (name, host) = (queue.name.clone(), queue.host);
        let key = self.queues.insert(queue);
        self.hosts[host].add_queue(name, key);
        self.set_timer(key);
        key
    }
}

/// A classic queue is one whether it says so or not.
fn without_classic(arguments: &FieldTable) -> FieldTable {
    match arguments.inner().get("x-queue-type").and_then(arguments::text) {
        Some("classic") => without(arguments, "x-queue-type"),
        _ => arguments.clone(),
    }
}
