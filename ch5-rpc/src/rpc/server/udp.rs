//! Calls in datagrams, one each: there is no connection, and so what a connection does is done here for each call.
//!
//! ```text
//!   datagram ──► semantics::Server ──► to be run ──► interceptor ──► procedure ── done at once ──► complete ──► datagram
//!                  │ at most once: seen before?           │ refused             └─ waits: a task ──┘
//!                  └─► its answer, from the table         └──► the refusal is the answer
//! ```
//!
//! A datagram's sender may be forged. A call that is to be run at most once has an id that was given to its address, so its sender is
//! known. Any other call proves nothing: its answer is no longer than three times the call, and it does not wait for long.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tarpc::server::Serve;
use tarpc::{ClientMessage, Request, Response, ServerError, context};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep_until, timeout_at};

use super::settings::Server;
use crate::origin::Origin;
use crate::rpc::codec::Received;
use crate::rpc::codec::body::{LONGEST, read_request, write_response};
use crate::rpc::datagrams::Datagrams;
use crate::rpc::intercept::{Intercepted, Service};
use crate::rpc::refusal::{NotBegun, Refusal};
use crate::semantics::server::WAITING;
use crate::semantics::{Execution, Server as Calls, ServerConfig};

/// Of a call whose sender is not known: so many times longer than it its answer may be.
const UNPROVED_FACTOR: usize = 3;

/// Of a call whose sender is not known: it waits no longer for its result.
const UNPROVED_WAIT: Duration = Duration::from_secs(10);

/// A call that has been run, and the body of its answer.
type Done = (Execution, Vec<u8>);

/// The calls of a server, and those that wait for their result.
struct Running {
    calls: Calls,
    began: Instant,
    /// Of each sender; `None` for all that have proved nothing.
    senders: BTreeMap<Option<Origin>, usize>,
    waiting: JoinSet<Done>,
    is_stopping: bool,
    context: context::Context,
}

impl Server {
    /// Serves calls in datagrams until the stop; `service_for` makes the service of a call from the address of its sender.
    ///
    /// # Errors
    /// What recvmsg(2) says that cannot be served around.
    pub async fn run_udp<S: Service>(
        self,
        mut socket: Datagrams,
        service_for: impl Fn(SocketAddr) -> S,
    ) -> io::Result<()> {
        let calls =
            Calls::new(ServerConfig::default(), Duration::ZERO, rand::random(), rand::random(), vec![]);
        let mut running = Running {
            calls,
            began: Instant::now(),
            senders: BTreeMap::new(),
            waiting: JoinSet::new(),
            is_stopping: false,
            context: context::current(),
        };
        let mut overdue = Instant::now();
        loop {
            self.begin(&mut running, &service_for).await;
            while let Some((to, datagram)) = running.calls.poll_transmit() {
                if let Err(error) = socket.send(to, &datagram) {
                    tracing::debug!("to {to}: {error}");
                }
            }
            if running.is_stopping && running.waiting.is_empty() {
                return Ok(());
            }
            let is_stopping = running.is_stopping;
            let Running { calls, waiting, began, .. } = &mut running;
            let lease_ends = calls.deadline().map(|end| *began + end);
            let received = poll_fn(|context| {
                socket.poll_receive(context, |from, datagram| {
                    calls.handle_datagram(began.elapsed(), from, datagram);
                })
            });
            tokio::select! {
                biased;
                () = self.stop.cancelled(), if !is_stopping => {
                    running.is_stopping = true;
                    overdue = Instant::now() + self.limits.stop;
                }
                () = sleep_until(overdue.into()), if is_stopping => {
                    tracing::warn!("calls in flight are dropped, the server stops");
                    return Ok(());
                }
                Some(done) = waiting.join_next(), if !waiting.is_empty() => running.end(done),
                result = received => match result {
                    Ok(()) => {}
                    Err(error) => tracing::debug!("receive: {error}"),
                },
                () = sleep_until(lease_ends.unwrap_or_else(Instant::now).into()), if lease_ends.is_some() => {
                    let now = running.began.elapsed();
                    running.calls.handle_timeout(now);
                }
            }
        }
    }

    /// Begins the calls that have come.
    async fn begin<S: Service>(&self, running: &mut Running, service_for: &impl Fn(SocketAddr) -> S) {
        while let Some(execution) = running.calls.poll_execution() {
            match read_request::<S::Request>(&execution.body, running.context) {
                Some(Received::Message(ClientMessage::Request(request))) => {
                    self.call(running, execution, request, service_for).await;
                }
                Some(Received::Refused { id, why } | Received::Unreadable { id, why }) => {
                    let refused = Err(ServerError::from(&Refusal::NotBegun(why)));
                    let body = answer::<S>(&execution, id, refused);
                    running.calls.complete(&execution, body);
                }
                Some(Received::Message(_)) | None => running.calls.refuse(&execution),
            }
        }
    }

    async fn call<S: Service>(
        &self,
        running: &mut Running,
        execution: Execution,
        request: Request<S::Request>,
        service_for: &impl Fn(SocketAddr) -> S,
    ) {
        let Request { mut context, id, message } = request;
        if execution.remembered.is_none() {
            context.deadline = context.deadline.min(Instant::now() + UNPROVED_WAIT);
        }
        let sender = sender(&execution);
        let refused = running.refused(sender, self.limits.calls);
        let statistics = Arc::clone(&self.statistics);
        let intercepted = Intercepted::new(service_for(execution.from), refused, execution.from, statistics);
        let mut call = Box::pin(async move {
            let deadline = context.deadline.into();
            let late = |_| Err(ServerError::from(&Refusal::Crashed("its deadline has come".into())));
            let result = timeout_at(deadline, intercepted.serve(context, message)).await.unwrap_or_else(late);
            let body = answer::<S>(&execution, id, result);
            (execution, body)
        });
        match poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await {
            Poll::Ready((execution, body)) => running.calls.complete(&execution, body),
            Poll::Pending => {
                *running.senders.entry(sender).or_default() += 1;
                running.waiting.spawn(call);
            }
        }
    }
}

impl Running {
    /// Why a call of this sender is not begun.
    fn refused(&self, sender: Option<Origin>, limit: usize) -> Option<NotBegun> {
        if self.is_stopping {
            return Some(NotBegun::Stopping);
        }
        let is_full = self.waiting.len() >= WAITING;
        let is_over = self.senders.get(&sender).is_some_and(|waiting| *waiting >= limit);
        (is_full || is_over).then_some(NotBegun::Busy(limit as u64))
    }

    /// A call that was waiting has ended.
    fn end(&mut self, done: Result<Done, JoinError>) {
        // A panic is caught by the interceptor, and nothing else ends a task.
        let Ok((execution, body)) = done else { return };
        self.calls.complete(&execution, body);
        let sender = sender(&execution);
        if let Some(waiting) = self.senders.get_mut(&sender) {
            *waiting -= 1;
            if *waiting == 0 {
                self.senders.remove(&sender);
            }
        }
    }
}

fn sender(execution: &Execution) -> Option<Origin> {
    execution.remembered.map(|_| execution.from.ip().into())
}

/// The body of an answer.
fn answer<S: Service>(
    execution: &Execution,
    request_id: u64,
    message: Result<S::Response, ServerError>,
) -> Vec<u8> {
    let unproved = UNPROVED_FACTOR * execution.body.len();
    let limit = if execution.remembered.is_some() { LONGEST } else { unproved.min(LONGEST) };
    write_response(&Response { request_id, message }, limit)
}
