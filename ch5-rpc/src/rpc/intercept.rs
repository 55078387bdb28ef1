//! Around every procedure: who may call it, until when, what is written down, and what happens when it panics.
//!
//! ```text
//!   tarpc ──► Intercepted ──► the skeleton ──► the procedure
//!              │ refused: busy, stopping            ──► not begun
//!              │ the deadline has passed            ──► not begun      (tarpc would call it)
//!              │ it panics                          ──► crashed        (tarpc would say nothing until the deadline)
//!              └ the caller has gone, the deadline comes: the future is dropped at an await, and that is written down
//! ```
//!
//! A procedure is dropped at an `await` only. One that changes something does it without an await in between, or it may leave half of
//! it done.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use common::support::cli::human;
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tarpc::server::Serve;
use tarpc::{RequestName, ServerError, context};

use super::refusal::{NotBegun, Refusal};

/// How calls have ended, of all connections of a server.
#[derive(Debug, Default)]
pub struct Statistics {
    /// The procedure has been called and has returned.
    pub done: AtomicU64,
    /// The procedure has not been called.
    pub not_begun: AtomicU64,
    /// The procedure has been dropped: the caller has cancelled or gone, or the deadline has come.
    pub cancelled: AtomicU64,
    /// The procedure has panicked.
    pub crashed: AtomicU64,
    /// Connections that are open.
    pub connections: AtomicU64,
}

/// What a server serves: a request comes, an answer goes. As tarpc's `Serve`, whose future need not be `Send`.
pub trait Service: Clone + Send + Sync + 'static {
    /// A call of any method, with its arguments.
    type Request: RequestName + DeserializeOwned + Send + Unpin + 'static;
    /// The result of any method.
    type Response: Serialize + Send + Unpin + 'static;

    /// Calls the method.
    fn call(
        self,
        context: context::Context,
        request: Self::Request,
    ) -> impl Future<Output = Result<Self::Response, ServerError>> + Send;
}

/// A service with an interceptor around each call.
#[derive(Debug)]
pub struct Intercepted<S> {
    service: S,
    refused: Option<NotBegun>,
    peer: SocketAddr,
    statistics: Arc<Statistics>,
}

impl<S> Intercepted<S> {
    /// For one call, which is begun unless it is `refused`.
    pub fn new(
        service: S,
        refused: Option<NotBegun>,
        peer: SocketAddr,
        statistics: Arc<Statistics>,
    ) -> Intercepted<S> {
        Intercepted { service, refused, peer, statistics }
    }
}

impl<S: Service> Serve for Intercepted<S> {
    type Req = S::Request;
    type Resp = S::Response;

    async fn serve(self, context: context::Context, request: S::Request) -> Result<S::Response, ServerError> {
        let Intercepted { service, refused, peer, statistics } = self;
        let began = Instant::now();
        let too_late = (began >= context.deadline).then_some(NotBegun::DeadlinePassed);
        let mut call = Call { name: String::new(), peer, context, began, statistics, has_ended: false };
        if tracing::enabled!(tracing::Level::DEBUG) {
            call.name = request.name().to_owned();
        }
        if let Some(why) = refused.or(too_late) {
            return Err(call.refused(&why));
        }
        match AssertUnwindSafe(async { service.call(context, request).await }).catch_unwind().await {
            Ok(result) => {
                call.done();
                result
            }
            Err(_panic) => Err(call.crashed()),
        }
    }
}

/// One call, written down when it ends, however it ends.
struct Call {
    name: String,
    peer: SocketAddr,
    context: context::Context,
    began: Instant,
    statistics: Arc<Statistics>,
    has_ended: bool,
}

impl Call {
    fn done(&mut self) {
        self.has_ended = true;
        self.statistics.done.fetch_add(1, Ordering::Relaxed);
        self.log("done");
    }

    fn refused(&mut self, why: &NotBegun) -> ServerError {
        self.has_ended = true;
        self.statistics.not_begun.fetch_add(1, Ordering::Relaxed);
        self.log(&format!("not begun: {why}"));
        ServerError::from(&Refusal::NotBegun(why.clone()))
    }

    fn crashed(&mut self) -> ServerError {
        self.has_ended = true;
        self.statistics.crashed.fetch_add(1, Ordering::Relaxed);
        tracing::error!("a procedure has panicked: the call of {} with trace {}", self.peer, self.trace());
        ServerError::from(&Refusal::Crashed("it has panicked".into()))
    }

    fn log(&self, end: &str) {
        if !self.name.is_empty() {
            let took = human(self.began.elapsed());
            tracing::debug!("{} of {}, trace {}: {end} after {took}", self.name, self.peer, self.trace());
        }
    }

    fn trace(&self) -> String {
        format!("{:032x}", u128::from(*self.context.trace_id()))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.has_ended {
            self.statistics.cancelled.fetch_add(1, Ordering::Relaxed);
            let is_late = Instant::now() >= self.context.deadline;
            self.log(if is_late { "dropped, its deadline has come" } else { "cancelled" });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Counts its calls, and panics when it is told to.
    #[derive(Debug, Clone, Default)]
    struct Counting(Arc<AtomicU64>);

    impl Service for Counting {
        type Request = String;
        type Response = u64;

        async fn call(self, _: context::Context, request: String) -> Result<u64, ServerError> {
            assert_ne!(request, "panic");
            Ok(self.0.fetch_add(1, Ordering::SeqCst))
        }
    }

    #[tokio::test]
    async fn what_is_refused_is_not_called_and_everything_is_counted() {
        let (service, statistics) = (Counting::default(), Arc::<Statistics>::default());
        let call = |request: &str, seconds: i64, refused: Option<NotBegun>| {
            let mut context = context::current();
            let (now, time) = (Instant::now(), Duration::from_secs(seconds.unsigned_abs()));
            context.deadline = if seconds < 0 { now - time } else { now + time };
            let peer = ([127, 0, 0, 1], 1).into();
            Intercepted::new(service.clone(), refused, peer, Arc::clone(&statistics))
                .serve(context, request.to_owned())
        };
        let refused = |result: Result<u64, ServerError>| Refusal::from(&result.unwrap_err());
        assert_eq!(call("a", 9, None).await, Ok(0));
        assert_eq!(refused(call("a", -1, None).await), NotBegun::DeadlinePassed.into());
        assert_eq!(refused(call("a", 9, Some(NotBegun::Busy(1))).await), NotBegun::Busy(1).into());
        assert_eq!(refused(call("panic", 9, None).await), Refusal::Crashed("it has panicked".into()));
        assert_eq!(call("a", 9, None).await, Ok(1));
        let counts = [&statistics.done, &statistics.not_begun, &statistics.cancelled, &statistics.crashed];
        assert_eq!(counts.map(|count| count.load(Ordering::Relaxed)), [2, 2, 0, 1]);
    }
}
