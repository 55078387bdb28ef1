//! The server's end of a connection as tarpc wants it, a `Stream` of requests and a `Sink` of answers, with what tarpc leaves out.
//!
//! - A request that is refused before tarpc sees it gets its answer from here.
//! - While too many calls are in flight nothing is read, and nothing while the peer does not take its answers: see [`Flight`].
//! - The end of the peer's side is the end of its calls. tarpc would let them run: they have a caller that asks no more.
//! - It knows since when the peer takes no answer, for the connection's time limits.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::BytesMut;
use futures_util::{Sink, Stream};
use std::io;
use tarpc::{ClientMessage, Response, ServerError};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::codec::Framed;

use super::codec::{Received, ServerCodec};
use super::flight::Flight;
use super::refusal::{NotBegun, Refusal};

/// What is below: a stream of bytes with a codec, or a channel in memory.
pub trait Wire: Unpin {
    /// How many bytes of an unfinished request are here.
    fn unread(&self) -> usize;

    /// All answers are sent: what held them is freed.
    fn sent(&mut self);

    /// Reads some bytes and drops them; 0 is the end.
    ///
    /// # Errors
    /// What read(2) says.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>>;
}

/// A [`Wire`] that brings requests and takes answers.
pub trait ServerWire<M, R>:
    Wire + Stream<Item = Result<Received<M>, Self::Broken>> + Sink<Response<R>, Error = Self::Broken>
{
    /// How it breaks.
    type Broken: std::error::Error + Send + Sync + 'static;
}

impl<T, M, R, E> ServerWire<M, R> for T
where
    T: Wire + Stream<Item = Result<Received<M>, E>> + Sink<Response<R>, Error = E>,
    E: std::error::Error + Send + Sync + 'static,
{
    type Broken = E;
}

impl<S: AsyncRead + Unpin, M> Wire for Framed<S, ServerCodec<M>> {
    fn unread(&self) -> usize {
        self.read_buffer().len()
    }

    fn sent(&mut self) {
        if let Some(buffer) = self.codec_mut().sent() {
            *self.write_buffer_mut() = buffer;
        }
    }

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        *self.read_buffer_mut() = BytesMut::new();
        let mut chunk = [0; 8192];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(self.get_mut()).poll_read(context, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

/// The server's end of a connection.
#[derive(Debug)]
pub struct ServerTransport<T, R> {
    wire: T,
    flight: Arc<Flight>,
    /// An answer that tarpc knows nothing of.
    refusal: Option<Response<R>>,
    /// What comes is not read any more.
    ended: bool,
    /// Since when an answer waits for the peer to take it.
    stalled: Option<Instant>,
    /// When the last whole message came.
    heard: Instant,
    has_heard: bool,
}

impl<T: Wire, R> ServerTransport<T, R> {
    /// Over this wire.
    pub fn new(wire: T, flight: Arc<Flight>) -> ServerTransport<T, R> {
        ServerTransport {
            wire,
            flight,
            refusal: None,
            ended: false,
            stalled: None,
            heard: Instant::now(),
            has_heard: false,
        }
    }

    /// What is below.
    pub fn wire(&self) -> &T {
        &self.wire
    }

    /// What is below.
    pub fn wire_mut(&mut self) -> &mut T {
        &mut self.wire
    }

    /// Since when the peer takes no answer that is there for it.
    pub fn stalled_since(&self) -> Option<Instant> {
        self.stalled
    }

    /// When the last whole message came.
    pub fn heard_at(&self) -> Instant {
        self.heard
    }

    /// Whether there was any message that could be read, if only its number.
    pub fn has_heard(&self) -> bool {
        self.has_heard
    }

    fn refuse(&mut self, request_id: u64, why: NotBegun) {
        let message = Err(ServerError::from(&Refusal::NotBegun(why)));
        self.refusal = Some(Response { request_id, message });
    }

    /// Keeps the time of a stall.
    fn watch<E>(&mut self, polled: Poll<Result<(), E>>) -> Poll<Result<(), E>> {
        match polled {
            Poll::Pending if self.stalled.is_none() => self.stalled = Some(Instant::now()),
            Poll::Pending => {}
            Poll::Ready(_) => {
                if self.stalled.take().is_some() {
                    self.flight.wake_reader();
                }
            }
        }
        polled
    }
}

impl<T, M, R, E> Stream for ServerTransport<T, R>
where
    T: Wire + Stream<Item = Result<Received<M>, E>> + Sink<Response<R>, Error = E>,
    R: Unpin,
{
    type Item = Result<ClientMessage<M>, E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            // Its place is not free before the peer has taken earlier ones: whoever never reads is not refused without end.
            if self.refusal.is_some() {
                ready!(self.as_mut().poll_ready(context))?;
                if let Some(refusal) = self.refusal.take() {
                    self.as_mut().start_send(refusal)?;
                }
            }
            if self.ended {
                return Poll::Ready(None);
            }
            ready!(self.flight.poll_room(context, self.stalled.is_some()));
            let next = ready!(Pin::new(&mut self.wire).poll_next(context)?);
            self.has_heard |= next.is_some();
            match next {
                Some(Received::Message(message)) => {
                    self.heard = Instant::now();
                    return Poll::Ready(Some(Ok(message)));
                }
                Some(Received::Refused { id, why }) => self.refuse(id, why),
                Some(Received::Unreadable { id, why }) => {
                    self.refuse(id, why);
                    self.ended = true;
                }
                None => {
                    self.flight.leave();
                    self.ended = true;
                }
            }
        }
    }
}

impl<T, R, E> Sink<Response<R>> for ServerTransport<T, R>
where
    T: Wire + Sink<Response<R>, Error = E>,
    R: Unpin,
{
    type Error = E;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), E>> {
        let polled = Pin::new(&mut self.wire).poll_ready(context);
        self.watch(polled)
    }

    fn start_send(mut self: Pin<&mut Self>, response: Response<R>) -> Result<(), E> {
        Pin::new(&mut self.wire).start_send(response)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), E>> {
        let polled = Pin::new(&mut self.wire).poll_flush(context);
        if let Poll::Ready(Ok(())) = polled {
            self.wire.sent();
        }
        self.watch(polled)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), E>> {
        let polled = Pin::new(&mut self.wire).poll_close(context);
        self.watch(polled)
    }
}
