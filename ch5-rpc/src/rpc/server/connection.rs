//! One connection, from its first request to its end.
//!
//! ```text
//!                    ┌──────────────────────────────────────────────┐
//!   request ──► entry ──► procedure ── done at once ──► answer ─────┤
//!                              └── waits ──► a task of its own ─────┘
//!   the peer ends ──► its calls are dropped      the stop ──► answered, refused, then closed
//! ```
//!
//! Most procedures of a board never wait. They are run here, where their request was read: a task for each would cost more than they do.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use common::core::limits::{LINGER_BYTES, TICK};
use common::core::stop::STALL_AT_STOP;
use futures_util::{SinkExt, Stream};
use tarpc::server::{self, BaseChannel, Channel, Requests};
use tarpc::{Response, ServerError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{MissedTickBehavior, interval, sleep_until, timeout};
use tokio_util::codec::{Framed, FramedParts};
use tokio_util::sync::CancellationToken;

use super::listening::Accepted;
use super::settings::{Limits, Server};
use super::sniff::{Protocol, refuse, sniff};
use crate::misfit::{NO_CALL, http_refusal};
use crate::pyro::stranger;
use crate::rpc::codec::{Format, Room, ServerCodec};
use crate::rpc::flight::Flight;
use crate::rpc::intercept::{Intercepted, Service, Statistics};
use crate::rpc::refusal::{NotBegun, Refusal};
use crate::rpc::transport::{ServerTransport, ServerWire, Wire};

/// After its grace an unfinished request must have come at so many bytes a second.
const RATE: f64 = 1000.0;

/// What a client of another kind is told to have found.
const HERE: &str = "a message board of tarpc's";

/// A connection that has no place, is told so within this time.
const REFUSED: Duration = Duration::from_secs(1);

/// A connection that has been accepted.
#[derive(Debug)]
pub struct Connection {
    peer: SocketAddr,
    limits: Limits,
    format: Format,
    stop: CancellationToken,
    room: Room,
    statistics: Arc<Statistics>,
    flight: Arc<Flight>,
}

/// Why the loop of a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The peer has ended or the connection is broken: nobody reads an answer.
    Gone,
    /// All is answered that will be: the peer shall read it.
    Finished,
    /// Its first message cannot be read: it speaks something else.
    Misfit,
}

impl Connection {
    /// Of this server; with `refused` nothing is served on it.
    pub fn new(server: &Server, peer: SocketAddr, refused: Option<NotBegun>) -> Connection {
        server.statistics.connections.fetch_add(1, Ordering::Relaxed);
        let mut limits = server.limits;
        if refused.is_some() {
            limits =
                Limits { first_request: REFUSED, grace: REFUSED, idle: REFUSED, stall: REFUSED, ..limits };
        }
        Connection {
            peer,
            limits,
            format: server.format,
            stop: server.stop.clone(),
            room: server.room.clone(),
            statistics: Arc::clone(&server.statistics),
            flight: Flight::new(limits.calls, refused),
        }
    }

    /// Serves it to its end.
    pub async fn serve<S: Service>(self, stream: Accepted<S::Request, S::Response>, service: S) {
        tracing::debug!("{} has connected", self.peer);
        match stream {
            Accepted::Tcp(stream) => self.serve_bytes(stream, service).await,
            Accepted::Unix(stream) => self.serve_bytes(stream, service).await,
            Accepted::Memory(wire) => self.serve_wire(wire, service).await,
        }
        tracing::debug!("{} is no longer connected", self.peer);
    }

    async fn serve_bytes<S: Service>(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin, service: S) {
        let first = tokio::select! {
            biased;
            first = sniff(&mut stream, self.limits.first_request) => first,
            () = self.stop.cancelled() => return,
        };
        match first {
            Ok(Some((Protocol::Rpc, first))) => {
                let codec = ServerCodec::<S::Request>::new(self.format, self.limits.frame, &self.room);
                let mut parts = FramedParts::new::<Response<S::Response>>(stream, codec);
                parts.read_buf = first;
                self.serve_wire(Framed::from_parts(parts), service).await;
            }
            Ok(Some((Protocol::Pyro, first))) => {
                tracing::info!("{} speaks Pyro, which is not served here", self.peer);
                refuse(&mut stream, &stranger::refusal(&first, HERE)).await;
            }
            Ok(Some((Protocol::Http, _))) => {
                tracing::info!("{} speaks HTTP, which is not served here", self.peer);
                refuse(&mut stream, &http_refusal(HERE)).await;
            }
            Ok(None) => {}
            Err(error) => tracing::debug!("{}: {error}", self.peer),
        }
    }

    async fn serve_wire<S: Service>(&self, wire: impl ServerWire<S::Request, S::Response>, service: S) {
        let transport = ServerTransport::new(wire, Arc::clone(&self.flight));
        let mut requests = pin!(BaseChannel::new(server::Config::default(), transport).requests());
        match self.answer(requests.as_mut(), service).await {
            End::Gone => return,
            End::Finished => {}
            End::Misfit => self.say_what_is_here(requests.as_mut()).await,
        }
        self.close(requests.as_mut()).await;
        // What is still in flight ends with `requests`.
    }

    async fn answer<S, T>(&self, mut requests: Pin<&mut Calls<S::Request, S::Response, T>>, service: S) -> End
    where
        S: Service,
        T: ServerWire<S::Request, S::Response>,
    {
        let mut stop = pin!(self.stop.cancelled());
        let mut overdue = pin!(sleep_until((Instant::now() + self.limits.stop).into()));
        let mut tick = interval(
            TICK.min(self.limits.grace / 2).min(self.limits.idle / 2).max(Duration::from_millis(10)),
        );
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut unfinished = None;
        // Nothing more is begun: when nothing is in flight, that was all.
        let mut ending = false;
        loop {
            let next = poll_fn(|context| match requests.as_mut().poll_next(context) {
                Poll::Ready(next) => Poll::Ready(next.ok_or(End::Finished)),
                // The peer's end is seen here and not by tarpc, which would let its calls run.
                Poll::Pending if self.flight.has_left() => Poll::Ready(Err(End::Gone)),
                Poll::Pending if ending && self.is_quiet(&requests) => Poll::Ready(Err(End::Finished)),
                Poll::Pending => Poll::Pending,
            });
            let request = tokio::select! {
                biased;
                next = next => match next {
                    Ok(Ok(request)) => request,
                    Ok(Err(error)) => {
                        tracing::info!("{} is disconnected: {error}: {}", self.peer, cause(&error));
                        let is_first = !requests.channel().get_ref().has_heard();
                        return if is_first { End::Misfit } else { End::Gone };
                    }
                    Err(_) if self.flight.has_left() => return End::Gone,
                    Err(end) => return end,
                },
                () = &mut stop, if !ending => {
                    self.flight.stop();
                    ending = true;
                    overdue.as_mut().reset((Instant::now() + self.limits.stop).into());
                    continue;
                }
                () = &mut overdue, if ending => {
                    tracing::warn!("{}: calls in flight are dropped, the server stops", self.peer);
                    return End::Finished;
                }
                _ = tick.tick() => {
                    if let Some(why) = self.over_time(requests.channel().get_ref(), &mut unfinished) {
                        tracing::info!("{} is disconnected: {why}", self.peer);
                        return End::Gone;
                    }
                    continue;
                }
            };
            ending |= self.flight.is_closed();
            let entry = self.flight.enter();
            let statistics = Arc::clone(&self.statistics);
            let intercepted = Intercepted::new(service.clone(), entry.refused(), self.peer, statistics);
            let mut call = Box::pin(async move {
                request.execute(intercepted).await;
                drop(entry); // not before its answer has a place: the answers that wait are counted, too
            });
            let is_done = poll_fn(|context| Poll::Ready(call.as_mut().poll(context).is_ready())).await;
            if !is_done {
                tokio::spawn(call);
            }
        }
    }

    /// Answers no call: a client that cannot read it knows by its first bytes what is here.
    async fn say_what_is_here<M, R, T>(&self, mut requests: Pin<&mut Calls<M, R, T>>)
    where
        R: Unpin,
        T: ServerWire<M, R>,
    {
        let why = NotBegun::Unreadable(format!("{HERE} is here, and cannot read what has come"));
        let message = Err(ServerError::from(&Refusal::NotBegun(why)));
        let channel = requests.channel_pin_mut();
        let wire = channel.get_pin_ref().get_mut().wire_mut();
        let _ = timeout(STALL_AT_STOP, wire.send(Response { request_id: NO_CALL, message })).await;
    }

    /// Nothing is in flight, and all answers have been written.
    fn is_quiet<M, R, T>(&self, requests: &Pin<&mut Calls<M, R, T>>) -> bool
    where
        R: Unpin,
        T: ServerWire<M, R>,
    {
        self.flight.calls() == 0
            && requests.channel().in_flight_requests() == 0
            && requests.channel().get_ref().stalled_since().is_none()
    }

    /// Which limit of time the peer has passed.
    fn over_time<T: Wire, R>(
        &self,
        transport: &ServerTransport<T, R>,
        unfinished: &mut Option<(Instant, Instant)>,
    ) -> Option<&'static str> {
        let (now, heard, unread) = (Instant::now(), transport.heard_at(), transport.wire().unread());
        if transport.stalled_since().is_some_and(|since| now - since > self.limits.stall) {
            return Some("it does not take its answers");
        }
        // While requests wait here for room, it is not the peer that is slow.
        if unread == 0 || self.flight.is_full() {
            *unfinished = None;
            let is_idle = self.flight.calls() == 0 && now - heard > self.limits.idle;
            return is_idle.then_some("it has asked nothing for long");
        }
        let (_, since) = *unfinished.get_or_insert((heard, now));
        if unfinished.is_some_and(|(before, _)| before != heard) {
            *unfinished = Some((heard, now));
            return None;
        }
        let allowed = self.limits.grace + Duration::from_secs_f64(unread as f64 / RATE);
        (now - since > allowed).then_some("a request has begun and does not come")
    }

    /// Sends what is written, ends our side, and reads until the peer has ended its own: a close with unread bytes would be a reset,
    /// and a reset may overtake the answers.
    async fn close<M, R, T>(&self, mut requests: Pin<&mut Calls<M, R, T>>)
    where
        R: Unpin,
        T: ServerWire<M, R>,
    {
        let linger = async {
            if requests.channel_pin_mut().close().await.is_err() {
                return;
            }
            let mut discarded = 0;
            while discarded < LINGER_BYTES {
                let channel = requests.channel_pin_mut();
                let wire = channel.get_pin_ref().get_mut().wire_mut();
                match poll_fn(|context| wire.poll_discard(context)).await {
                    Ok(0) | Err(_) => return,
                    Ok(count) => discarded += count,
                }
            }
        };
        let _ = timeout(STALL_AT_STOP, linger).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.statistics.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The requests of a connection, as tarpc has them.
type Calls<M, R, T> = Requests<BaseChannel<M, R, ServerTransport<T, R>>>;

/// The innermost error, which says what has happened.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
