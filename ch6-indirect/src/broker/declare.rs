//! `exchange.declare`: made once, and then only compared.

use super::arguments::Arguments;
use super::commands::{Done, Right, no};
use super::exchange::Exchange;
use super::output::{Definition, ExchangeDefinition};
use super::routing::Kind;
use super::{At, Broker};
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, exchange};

impl Broker {
    pub(super) fn declare_exchange(&mut self, at: At, declare: &exchange::Declare) -> Done {
        let name = declare.exchange.as_str();
        if name.is_empty() {
            return no(ReplyCode::AccessRefused, "operation not permitted on the default exchange");
        }
        if declare.passive {
            self.exchange_named(at, name)?;
        } else {
            self.check(at, Right::Configure, "exchange", name)?;
            let Some(kind) = Kind::named(declare.kind.as_str()) else {
                let kind = declare.kind.as_str();
                return no(ReplyCode::PreconditionFailed, format_args!("unknown exchange type '{kind}'"));
            };
            let host = self.connection(at)?.host;
            match self.hosts[host].exchange(name).and_then(|key| self.exchanges.get(key)) {
                Some(there) => self.compare_exchange(at, there, declare)?,
                None => self.add_exchange(at, host, kind, declare)?,
            }
        }
        if !declare.nowait {
            self.answer(at, AMQPClass::Exchange(exchange::AMQPMethod::DeclareOk(exchange::DeclareOk {})));
        }
        Ok(())
    }

    fn compare_exchange(&self, at: At, there: &Exchange, declare: &exchange::Declare) -> Done {
        let what = self.named(at, "exchange", &there.name);
        same(&what, "type", declare.kind.as_str(), there.kind.name())?;
        same(&what, "durable", declare.durable, there.is_durable)?;
        same(&what, "auto_delete", declare.auto_delete, there.is_auto_delete)?;
        same(&what, "internal", declare.internal, there.is_internal)?;
        same_arguments(&what, &there.arguments, &declare.arguments, &["alternate-exchange"])
    }

    fn add_exchange(&mut self, at: At, host: usize, kind: Kind, declare: &exchange::Declare) -> Done {
        let name = declare.exchange.as_str();
        if name.starts_with("amq.") {
            return no(
                ReplyCode::AccessRefused,
                format_args!("exchange name '{name}' contains reserved prefix 'amq.*'"),
            );
        }
        let arguments = Arguments(declare.arguments.clone());
        let alternate = arguments.name("alternate-exchange").map_err(|why| {
            let what = self.named(at, "exchange", name);
            let text = format!("invalid arg 'alternate-exchange' for {what}: {why}");
            Exception::new(ReplyCode::PreconditionFailed, text)
        })?;
        if let Some(alternate) = alternate {
            self.check(at, Right::Read, "exchange", name)?;
            self.check(at, Right::Write, "exchange", alternate)?;
        }
        let alternate = alternate.map(Box::from);
        let exchange = Exchange {
            is_durable: declare.durable,
            is_auto_delete: declare.auto_delete,
            is_internal: declare.internal,
            alternate,
            arguments,
            ..Exchange::new(name.into(), host, kind)
        };
        if exchange.is_durable {
            self.outbox.define(Definition::Exchange {
                vhost: self.hosts[host].name.to_string(),
                name: name.to_owned(),
                exchange: Some(ExchangeDefinition {
                    kind: kind.name().to_owned(),
                    auto_delete: exchange.is_auto_delete,
                    internal: exchange.is_internal,
                    arguments: exchange.arguments.wire(),
                }),
            });
        }
        self.hosts[host].add_exchange(exchange, &mut self.exchanges);
        Ok(())
    }
}

/// 406, if something is to be declared otherwise than it is.
pub fn same<T: PartialEq + std::fmt::Display + Copy>(
    what: &str,
    name: &str,
    received: T,
    current: T,
) -> Done {
    if received == current {
        return Ok(());
    }
    let text =
        format!("inequivalent arg '{name}' for {what}: received '{received}' but current is '{current}'");
    no(ReplyCode::PreconditionFailed, text)
}

/// The same for arguments.
pub fn same_arguments(
    what: &str,
    there: &Arguments,
    received: &crate::amqp::FieldTable,
    names: &[&str],
) -> Done {
    match there.difference(&Arguments(received.clone()), names) {
        None => Ok(()),
        Some((name, received, current)) => no(
            ReplyCode::PreconditionFailed,
            format_args!(
                "inequivalent arg '{name}' for {what}: received {received} but current is {current}"
            ),
        ),
    }
}
