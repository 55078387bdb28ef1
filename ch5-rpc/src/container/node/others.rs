//! What a component reaches: the interfaces that it requires, and the events that it publishes. What it has done is remembered, so that
//! it can be taken back.

use std::time::Instant;

use common::support::terminal::line;

use crate::container::check::{Architecture, Link, Style};
use crate::container::intercept::{in_time, inverse};
use crate::container::message::{Fault, Invocation, Outcome, Value};
use crate::container::program::Others;

/// The others, as one component reaches them during one invocation.
pub struct Reach<'a> {
    architecture: &'a Architecture,
    component: &'a str,
    deadline: Option<Instant>,
    send: &'a dyn Fn(Invocation) -> Outcome,
    /// What takes back what has been done, the last one last.
    inverses: Vec<Invocation>,
    events: Vec<(String, Value)>,
}

impl<'a> Reach<'a> {
    /// For one invocation of this component; `send` brings an invocation to another one.
    pub fn new(
        architecture: &'a Architecture,
        component: &'a str,
        deadline: Option<Instant>,
        send: &'a dyn Fn(Invocation) -> Outcome,
    ) -> Reach<'a> {
        Reach { architecture, component, deadline, send, inverses: Vec::new(), events: Vec::new() }
    }

    /// The events that the component has published, one for each consumer.
    pub fn events(self) -> Vec<Invocation> {
        let Reach { architecture, component, events, .. } = self;
        let invocations = events.into_iter().flat_map(|(event, value)| {
            let consumes =
                |link: &&Link| link.style == Style::Event && link.to == component && link.what == event;
            let consumers = architecture.links.iter().filter(consumes);
            let invocation = |link: &Link| Invocation {
                from: component.to_owned(),
                to: link.from.clone(),
                what: link.what.clone(),
                method: None,
                arguments: vec![value.clone()],
                left: None,
            };
            consumers.map(invocation).collect::<Vec<_>>()
        });
        invocations.collect()
    }

    /// Takes back what the component has done to others, the last first.
    pub fn undo(self) {
        for invocation in self.inverses.into_iter().rev() {
            tracing::info!("{}: what it did to {} is taken back", self.component, invocation.to);
            if let Err(fault) = (self.send)(invocation) {
                let fault = fault.to_string();
                tracing::warn!("{}: it cannot be taken back: {}", self.component, line(&fault));
            }
        }
    }

    fn not_said(&self, verb: &str, what: &str) -> Fault {
        Fault::Refused(format!("the descriptor does not say that `{}` {verb}s {what}", self.component))
    }
}

impl Others for Reach<'_> {
    fn call(&mut self, interface: &str, method: &str, arguments: Vec<Value>) -> Outcome {
        let mut links = self.architecture.links_of(self.component);
        let link = links.find(|link| link.style == Style::Call && link.what == interface);
        let to = &link.ok_or_else(|| self.not_said("require", interface))?.to;
        let now = Instant::now();
        in_time(self.deadline, now, "it did not call any further")?;
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(now));
        let mut invocation = Invocation {
            from: self.component.to_owned(),
            to: to.clone(),
            what: interface.to_owned(),
            method: Some(method.to_owned()),
            arguments,
            left,
        };
        let outcome = (self.send)(invocation.clone());
        if let Some((method, arguments)) = inverse(interface, method, &invocation.arguments, &outcome) {
            (invocation.method, invocation.arguments, invocation.left) = (Some(method), arguments, None);
            self.inverses.push(invocation);
        }
        outcome
    }

    fn publish(&mut self, event: &str, value: Value) -> Result<(), Fault> {
        let publishes = &self.architecture.component(self.component).publishes;
        if !publishes.iter().any(|published| published == event) {
            return Err(self.not_said("publish", event));
        }
        self.events.push((event.to_owned(), value));
        Ok(())
    }
}
