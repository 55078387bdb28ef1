//! One node: the components that it hosts, and the way of an invocation to one of them, here or on another node.
//!
//! ```text
//!   component ─► Others ─► send ─┬─ hosted here ──► invoke: interceptors, then the component
//!                                └─ elsewhere ──── frame over TCP ───► invoke there
//!   events wait until their call has succeeded, and are sent by a thread of their own: nobody waits for them
//! ```
//!
//! A component is called by one thread at a time. Calls go in no circle (the check refuses that), so two components never wait for each
//! other. Events may go in a circle, and that is why nobody waits for them.

mod others;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::Instant;

use anyhow::Context;
use common::support::cli::human;
use common::support::terminal::line;

use super::check::Architecture;
use super::contract::build;
use super::descriptor::Component;
use super::intercept::{Rate, authorise, deadline, in_time};
use super::message::{Fault, Invocation, Message, Order, Outcome, PageRequest, Value};
use super::program::{Others, Program};
use super::remote;

use others::Reach;

/// The most events that wait to be sent.
const EVENT_LIMIT: usize = 1000;

/// A component that runs here.
struct Hosted {
    program: Mutex<Box<dyn Program>>,
    rate: Option<Mutex<Rate>>,
}

/// The components of one process.
pub struct Node {
    name: String,
    architecture: Architecture,
    hosted: BTreeMap<String, Hosted>,
    key: String,
    /// Where the other nodes are, once it is known.
    addresses: RwLock<BTreeMap<String, SocketAddr>>,
    events: SyncSender<Invocation>,
}

impl Node {
    /// The components of the node `name`. The thread that sends their events ends with the last reference.
    ///
    /// # Errors
    /// A component cannot be made.
    pub fn new(architecture: Architecture, name: &str, key: String) -> anyhow::Result<Arc<Node>> {
        Node::made_of(architecture, name, key, |component| build(component.program(), &component.settings))
    }

    fn made_of(
        architecture: Architecture,
        name: &str,
        key: String,
        build: impl Fn(&Component) -> anyhow::Result<Box<dyn Program>>,
    ) -> anyhow::Result<Arc<Node>> {
        let mut hosted = BTreeMap::new();
        for component in architecture.descriptor.components.iter().filter(|component| component.node == name)
        {
            let program = build(component).with_context(|| format!("cannot make `{}`", component.name))?;
            let rate = component.policy.rate.map(|rate| Mutex::new(Rate::new(rate, Instant::now())));
            hosted.insert(component.name.clone(), Hosted { program: Mutex::new(program), rate });
        }
        anyhow::ensure!(!hosted.is_empty(), "no component is on the node `{name}`");
        let (events, queue) = sync_channel(EVENT_LIMIT);
        let node = Arc::new(Node {
            name: name.to_owned(),
            architecture,
            hosted,
            key,
            addresses: RwLock::default(),
            events,
        });
        let weak = Arc::downgrade(&node);
        thread::Builder::new().name("events".into()).spawn(move || send_events(&weak, &queue))?;
        Ok(node)
    }

    /// The components that it hosts.
    pub fn hosts(&self) -> Vec<&str> {
        self.hosted.keys().map(String::as_str).collect()
    }

    /// A message of another node, or of the deployment.
    pub fn receive(&self, message: Message) -> Outcome {
        if message.key != self.key {
            return Err(Fault::Refused("another deployment".into()));
        }
        match message.order {
            Order::Wire(addresses) => {
                *self.addresses.write().unwrap_or_else(PoisonError::into_inner) = addresses;
                Ok(Value::Nothing)
            }
            Order::Invoke(invocation) => self.invoke(&invocation),
        }
    }

    /// Invokes a component wherever it is.
    pub fn send(&self, invocation: Invocation) -> Outcome {
        if self.hosted.contains_key(&invocation.to) {
            return self.invoke(&invocation);
        }
        let Some(component) = self.architecture.descriptor.component(&invocation.to) else {
            return Err(Fault::Refused(format!("there is no component `{}`", invocation.to)));
        };
        let addresses = self.addresses.read().unwrap_or_else(PoisonError::into_inner);
        let address = addresses.get(&component.node).copied();
        drop(addresses);
        let address =
            address.ok_or_else(|| Fault::Lost(format!("node {} is not known yet", component.node)))?;
        let left = invocation.left;
        let message = Message { key: self.key.clone(), order: Order::Invoke(invocation) };
        remote::ask(address, &message, left)
    }

    /// A page of the front end.
    ///
    /// # Errors
    /// No front end is here, or it says no.
    pub fn page(&self, request: &PageRequest) -> Result<String, Fault> {
        let is_front = |name: &&String| self.architecture.component(name).program() == "page";
        let name = self.hosted.keys().find(is_front);
        let name = name.ok_or_else(|| Fault::Refused("no front end is on this node".into()))?;
        let mut page = String::new();
        let invocation = Invocation {
            from: "browser".into(),
            to: name.clone(),
            what: "page".into(),
            method: Some(if request.is_post { "POST" } else { "GET" }.into()),
            arguments: Vec::new(),
            left: None,
        };
        self.guarded(&invocation, |program, others| {
            page = program.page(request, others)?;
            Ok(Value::Nothing)
        })?;
        Ok(page)
    }

    /// Invokes a component that is here, through the interceptors.
    pub fn invoke(&self, invocation: &Invocation) -> Outcome {
        authorise(&self.architecture, invocation).inspect_err(|fault| {
            let fault = fault.to_string();
            tracing::warn!("on {}: {}", self.name, line(&fault));
        })?;
        self.guarded(invocation, |program, others| {
            match (&invocation.method, invocation.arguments.as_slice()) {
                (Some(method), arguments) => program.call(method, arguments, others),
                (None, [value]) => program.event(&invocation.what, value, others),
                (None, _) => Err(Fault::Refused("an event has one value".into())),
            }
        })
    }

    /// Log, rate, deadline and undo around the component's own work.
    fn guarded(
        &self,
        invocation: &Invocation,
        work: impl FnOnce(&mut dyn Program, &mut dyn Others) -> Outcome,
    ) -> Outcome {
        let begin = Instant::now();
        let outcome = self.limited(invocation, begin, work);
        let (node, Invocation { from, to, what, method, .. }) = (&self.name, invocation);
        let method = line(method.as_deref().unwrap_or("event"));
        let took = human(begin.elapsed());
        match &outcome {
            Ok(_) => tracing::info!("on {node}: {from} → {to}: {what} {method}: done in {took}"),
            Err(fault) => {
                let fault = fault.to_string();
                tracing::warn!("on {node}: {from} → {to}: {what} {method}: {}, after {took}", line(&fault));
            }
        }
        outcome
    }

    fn limited(
        &self,
        invocation: &Invocation,
        begin: Instant,
        work: impl FnOnce(&mut dyn Program, &mut dyn Others) -> Outcome,
    ) -> Outcome {
        let name = &invocation.to;
        let Some(hosted) = self.hosted.get(name) else {
            return Err(Fault::Refused(format!("`{name}` is not on this node")));
        };
        let policy = &self.architecture.component(name).policy;
        if let Some(rate) = &hosted.rate {
            held(rate).admit(begin)?;
        }
        let deadline = deadline(invocation.left, policy.deadline, begin);
        let mut program = held(&hosted.program);
        // The component may have been busy for longer than the caller waits.
        in_time(deadline, Instant::now(), "not begun")?;
        let send = |invocation| self.send(invocation);
        let mut others = Reach::new(&self.architecture, name, deadline, &send);
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&mut **program, &mut others)))
            .unwrap_or_else(|_| Err(Fault::Failed(format!("`{name}` has panicked"))));
        let outcome = outcome.and_then(|value| {
            in_time(deadline, Instant::now(), "it took longer than it may")?;
            Ok(value)
        });
        match &outcome {
            Ok(_) => self.queue(others.events()),
            Err(_) if policy.undo => others.undo(),
            Err(_) => {}
        }
        outcome
    }

    /// Sends events later, by the thread for that.
    fn queue(&self, events: Vec<Invocation>) {
        for event in events {
            if let Err(error) = self.events.try_send(event) {
                let (TrySendError::Full(event) | TrySendError::Disconnected(event)) = error;
                tracing::warn!("{} of {} is lost: too many events wait", event.what, event.from);
            }
        }
    }
}

fn send_events(node: &std::sync::Weak<Node>, queue: &Receiver<Invocation>) {
    while let Ok(invocation) = queue.recv() {
        let Some(node) = node.upgrade() else { return };
        // Whether the consumer took it is in its log; the publisher does not wait to hear.
        let _ = node.send(invocation);
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").field("hosts", &self.hosts()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
