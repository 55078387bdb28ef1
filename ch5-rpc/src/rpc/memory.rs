//! A connection in memory: no bytes, no encoding, no kernel. What a call costs without them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Sink, Stream};
use tarpc::transport::channel::{self, ChannelError};
use tarpc::{ClientMessage, Response};

use super::codec::Received;
use super::transport::Wire;

/// So many messages are on their way, in each direction.
const ON_THEIR_WAY: usize = 64;

/// The client's end of a connection in memory.
pub type MemoryClient<M, R> = channel::Channel<Response<R>, ClientMessage<M>>;

/// The server's end of a connection in memory.
#[derive(Debug)]
pub struct MemoryServer<M, R>(channel::Channel<ClientMessage<M>, Response<R>>);

/// A connection in memory.
#[must_use]
pub fn memory<M, R>() -> (MemoryClient<M, R>, MemoryServer<M, R>) {
    let (client, server) = channel::bounded(ON_THEIR_WAY);
    (client, MemoryServer(server))
}

impl<M, R> Stream for MemoryServer<M, R> {
    type Item = Result<Received<M>, ChannelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let message = ready!(Pin::new(&mut self.0).poll_next(context));
        Poll::Ready(message.map(|message| message.map(Received::Message)))
    }
}

impl<M, R> Sink<Response<R>> for MemoryServer<M, R> {
    type Error = ChannelError;

    fn poll_ready(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), ChannelError>> {
        Pin::new(&mut self.0).poll_ready(context)
    }

    fn start_send(mut self: Pin<&mut Self>, response: Response<R>) -> Result<(), ChannelError> {
        Pin::new(&mut self.0).start_send(response)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), ChannelError>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), ChannelError>> {
        Pin::new(&mut self.0).poll_close(context)
    }
}

impl<M, R> Wire for MemoryServer<M, R> {
    fn unread(&self) -> usize {
        0
    }

    fn sent(&mut self) {}

    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let message = ready!(Pin::new(&mut self.0).poll_next(context));
        Poll::Ready(Ok(usize::from(message.is_some())))
    }
}
