//! The client's end of a call: a board that is somewhere else.
//!
//! ```text
//!   call ──► connected? ──► sent ──► answer             ──► Ok, or Failed: the procedure has spoken
//!              │no            │
//!              ▼              ├─ refused by the machinery   ──► NotBegun
//!           NoServer          └─ silence, a broken connection ─► Unknown
//! ```
//!
//! A call is repeated only where that cannot do harm: after `NotBegun`, or when the call changes nothing, or when it has an id by which
//! the server knows it again. Repeating is bounded by the deadline, by a number of attempts, and by a budget of all calls together.
//!
//! | file | what it is |
//! |---|---|
//! | `target` | where the server is, and how a connection is made |
//! | `udp` | calls in datagrams |
//! | `failure` | what tarpc's errors say about what has happened |
//! | `retry` | when a call is repeated, and after which pause |

mod failure;
mod retry;
mod target;
mod udp;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tarpc::client::RpcError;
use tarpc::{context, trace};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::{sleep, timeout_at};

use super::board::{Board, CallContext, CallError};
use super::codec::LONGEST_DEADLINE;
use super::interface::{BoardError, BoardRpcClient, CallId, News, Posting, Seen, Text};
use super::refusal::NotBegun;
use retry::Budget;
pub use retry::RetryPolicy;
pub use target::Target;

/// A call that waits for the dispatch of tarpc is watched by no timer of tarpc; we give it this long after its deadline.
const GRACE: Duration = Duration::from_millis(100);

/// One that does not answer a harmless call within this time tells nothing about itself.
const SOON: Duration = Duration::from_millis(500);

/// What a stub is to be like.
#[derive(Debug, Clone, Copy)]
pub struct StubSettings {
    /// Bytes of one message, in both directions.
    pub frame: usize,
    /// So many calls at once; others wait here, and are certainly not begun.
    pub calls: usize,
    /// When a call is repeated.
    pub retry: RetryPolicy,
}

impl Default for StubSettings {
    fn default() -> StubSettings {
        StubSettings { frame: 8 << 20, calls: 256, retry: RetryPolicy::default() }
    }
}

/// A board on another machine. It connects with the first call, and again after a connection has ended.
#[derive(Debug)]
pub struct RemoteBoard {
    target: Target,
    settings: StubSettings,
    live: Mutex<Option<Live>>,
    places: Semaphore,
    budget: Budget,
    /// A context to copy, as in the server's codec.
    context: context::Context,
    client: u64,
    sequence: AtomicU64,
}

/// A connection.
#[derive(Debug, Clone)]
struct Live {
    stub: BoardRpcClient,
    /// Its dispatch runs: a call can be sent.
    is_open: Arc<AtomicBool>,
}

/// Whether a call may be sent again when it is not known whether it has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeat {
    /// It changes nothing, or the server knows it again.
    Harmless,
    /// It would happen twice.
    Harmful,
}

impl RemoteBoard {
    /// The board at this place. Nothing is connected yet.
    #[must_use]
    pub fn new(target: Target, settings: StubSettings) -> RemoteBoard {
        RemoteBoard {
            target,
            settings,
            live: Mutex::new(None),
            places: Semaphore::new(settings.calls),
            budget: Budget::new(),
            context: context::current(),
            client: rand::random(),
            sequence: AtomicU64::new(0),
        }
    }

    /// An id for a call that shall happen once.
    pub fn next_call(&self) -> CallId {
        CallId { client: self.client, sequence: self.sequence.fetch_add(1, Ordering::Relaxed) }
    }

    /// Calls, and calls again where that is harmless.
    async fn call<T, F, A>(&self, context: CallContext, repeat: Repeat, ask: A) -> Result<T, CallError>
    where
        F: Future<Output = Result<Result<T, BoardError>, RpcError>> + Send,
        A: Fn(BoardRpcClient, context::Context) -> F + Send + Sync,
        T: Send,
    {
        let mut unknown = None;
        for attempt in 1.. {
            let error = match self.attempt(context, &ask).await {
                Ok(result) => {
                    self.budget.succeeded();
                    return Ok(result);
                }
                Err(error) => error,
            };
            let again = match &error {
                CallError::NotBegun(why) => why.is_temporary(),
                CallError::Unknown(_) => repeat == Repeat::Harmless,
                // A server that has been there may be back soon; one that never was is not waited for.
                CallError::NoServer(_) => attempt > 1,
                CallError::Failed(_) => false,
            };
            // What one attempt has left open, no later one can close, unless it succeeds.
            if matches!(error, CallError::Unknown(_)) {
                unknown = Some(error.clone());
            }
            let pause = self.settings.retry.pause(attempt, rand::random());
            let pause = pause.filter(|&pause| again && Instant::now() + pause < context.deadline);
            let Some(pause) = pause.filter(|_| self.budget.withdraw()) else {
                return Err(match error {
                    CallError::Failed(_) => error,
                    error => unknown.unwrap_or(error),
                });
            };
            tracing::debug!("attempt {attempt}: {error}; once more in {pause:?}");
            sleep(pause).await;
        }
        unreachable!("a policy has a last attempt")
    }

    async fn attempt<T, F, A>(&self, context: CallContext, ask: &A) -> Result<T, CallError>
    where
        F: Future<Output = Result<Result<T, BoardError>, RpcError>> + Send,
        A: Fn(BoardRpcClient, context::Context) -> F + Send + Sync,
        T: Send,
    {
        let now = Instant::now();
        if now >= context.deadline {
            return Err(CallError::NotBegun(NotBegun::DeadlinePassed));
        }
        if context.deadline - now > LONGEST_DEADLINE {
            return Err(CallError::NotBegun(NotBegun::DeadlineTooFar));
        }
        let deadline = context.deadline.into();
        let _place = match timeout_at(deadline, self.places.acquire()).await {
            Ok(place) => place.expect("it is never closed"),
            Err(_elapsed) => return Err(CallError::NotBegun(NotBegun::DeadlinePassed)),
        };
        let live = match timeout_at(deadline, self.connection()).await {
            Ok(live) => live?,
            Err(_elapsed) => {
                return Err(CallError::NoServer(format!(
                    "no connection to {} within the deadline",
                    self.target
                )));
            }
        };
        let mut sent = self.context;
        sent.deadline = context.deadline;
        sent.trace_context.trace_id = trace::TraceId::from(context.trace);
        match timeout_at(deadline + GRACE, ask(live.stub, sent)).await {
            Ok(answer) => failure::result(answer, self.settings.frame),
            Err(_elapsed) => Err(failure::silence()),
        }
    }

    /// What is there instead of a board, after a call with an unknown end: a harmless call is made over a connection of its own. `None`
    /// when it is a board, or nobody says anything that tells more.
    pub async fn what_is_there(&self) -> Option<String> {
        let settings = StubSettings { retry: RetryPolicy::NEVER, ..self.settings };
        let other = RemoteBoard::new(self.target.clone(), settings);
        match other.last(CallContext::within(SOON), 1).await {
            Err(CallError::NotBegun(NotBegun::OtherServer(what))) => Some(what),
            Err(CallError::Unknown(_)) => self.target.what_is_silent().await,
            _ => None,
        }
    }

    /// The connection, made now if there is none. All calls that need one wait for the same.
    async fn connection(&self) -> Result<Live, CallError> {
        let mut live = self.live.lock().await;
        if let Some(live) = live.as_ref().filter(|live| live.is_open.load(Ordering::Acquire)) {
            return Ok(live.clone());
        }
        let is_open = Arc::new(AtomicBool::new(true));
        let stub = self.target.connect(self.settings.frame, Arc::clone(&is_open)).await?;
        Ok(live.insert(Live { stub, is_open }).clone())
    }
}

impl Board for RemoteBoard {
    async fn publish(
        &self,
        context: CallContext,
        text: Text,
        call: Option<CallId>,
    ) -> Result<u64, CallError> {
        let repeat = if call.is_some() { Repeat::Harmless } else { Repeat::Harmful };
        let ask = |stub: BoardRpcClient, context| {
            let text = text.clone();
            async move { stub.publish(context, text, call).await }
        };
        self.call(context, repeat, ask).await
    }

    async fn last(&self, context: CallContext, count: u64) -> Result<Vec<u64>, CallError> {
        let ask = |stub: BoardRpcClient, context| async move { stub.last(context, count).await };
        self.call(context, Repeat::Harmless, ask).await
    }

    async fn get(&self, context: CallContext, id: u64) -> Result<Posting, CallError> {
        let ask = |stub: BoardRpcClient, context| async move { stub.get(context, id).await };
        self.call(context, Repeat::Harmless, ask).await
    }

    async fn last_with_text(&self, context: CallContext, count: u64) -> Result<Vec<Posting>, CallError> {
        let ask = |stub: BoardRpcClient, context| async move { stub.last_with_text(context, count).await };
        self.call(context, Repeat::Harmless, ask).await
    }

    async fn wait(&self, context: CallContext, seen: Seen) -> Result<News, CallError> {
        let ask = |stub: BoardRpcClient, context| async move { stub.wait(context, seen).await };
        self.call(context, Repeat::Harmless, ask).await
    }
}
