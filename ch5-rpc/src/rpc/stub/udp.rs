//! Calls in datagrams: to tarpc a transport like any other, and inside the client of [`semantics`](crate::semantics).
//!
//! ```text
//!   dispatch of tarpc ── start_send ──► Client: sent, sent again, given up ──► datagrams
//!                     ◄── poll_next ─── its outcome, as an answer          ◄──
//! ```
//!
//! A publication is called as the user wants it. All else is called at most once, also what only reads: then the server knows where
//! the answer goes, and it may be longer than the call; and a call that waits is not run a second time while it does.
//!
//! A call that is sent again has the same bytes. So the time that is left is that of its first datagram, and a server may begin a call
//! whose deadline has passed here. The caller was told "unknown" by then.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use common::net::datagram::Endpoint;
use futures_util::{Sink, Stream};
use serde::de::DeserializeOwned;
use tarpc::{ClientMessage, Response, ServerError};
use tokio::time::{Sleep, sleep_until};

use crate::rpc::codec::LONGEST_DEADLINE;
use crate::rpc::codec::body::{read_response, write_request};
use crate::rpc::datagrams::Datagrams;
use crate::rpc::interface::BoardRpcRequest;
use crate::rpc::refusal::{NotBegun, Refusal};
use crate::semantics::{Client, ClientConfig, NotDone, Outcome, Semantics};

/// tarpc's own timer knows only "deadline exceeded". We say shortly before it what has happened.
const SOONER: Duration = Duration::from_millis(10);

/// The client's end.
#[derive(Debug)]
pub struct UdpTransport<R> {
    socket: Datagrams,
    server: SocketAddr,
    began: Instant,
    /// At most once; and for what changes something, if that is to be called otherwise.
    clients: Vec<Client>,
    /// Calls under way, by client and number: their ids for tarpc, and when they are given up.
    calls: BTreeMap<(usize, u64), (u64, Instant)>,
    /// An earlier datagram has found nobody.
    is_refused: bool,
    timer: Pin<Box<Sleep>>,
    waker: Option<Waker>,
    answer: PhantomData<fn() -> R>,
}

impl<R: DeserializeOwned> UdpTransport<R> {
    /// Looks whether there is a server at this address. It is asked for a binding, again and again, until it answers.
    ///
    /// # Errors
    /// Nobody listens there, as far as its machine says; what the socket says.
    pub async fn connect(server: SocketAddr, semantics: Semantics) -> io::Result<UdpTransport<R>> {
        let client =
            |semantics| Client::new(ClientConfig { semantics, give_up: LONGEST_DEADLINE }, rand::random());
        let mut clients = vec![client(Semantics::AtMostOnce)];
        clients.extend((semantics != Semantics::AtMostOnce).then(|| client(semantics)));
        let mut transport = UdpTransport {
            socket: Datagrams::new(Endpoint::connect(server)?)?,
            server,
            began: Instant::now(),
            clients,
            calls: BTreeMap::new(),
            is_refused: false,
            timer: Box::pin(sleep_until(Instant::now().into())),
            waker: None,
            answer: PhantomData,
        };
        transport.clients[0].bind(Duration::ZERO);
        poll_fn(|context| {
            let progress = transport.poll_progress(context);
            if transport.clients[0].is_bound() {
                return Poll::Ready(Ok(()));
            }
            if transport.is_refused {
                return Poll::Ready(Err(ErrorKind::ConnectionRefused.into()));
            }
            progress
        })
        .await?;
        Ok(transport)
    }

    /// Sends, receives and gives up, until there is nothing to do but to wait, or a call has ended.
    fn poll_progress(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let now = self.began.elapsed();
            self.give_up();
            for client in &mut self.clients {
                client.handle_timeout(now);
                while let Some(datagram) = client.poll_transmit(now) {
                    self.is_refused |= is_refused(&self.socket.send(self.server, &datagram))?;
                }
            }
            let clients = &mut self.clients;
            let received = self.socket.poll_receive(context, |_, datagram| {
                clients.iter_mut().for_each(|client| client.handle_datagram(now, datagram));
            });
            if let Poll::Ready(result) = received {
                self.is_refused |= is_refused(&result)?;
                return Poll::Ready(Ok(()));
            }
            let send = self.clients.iter().filter_map(Client::deadline).min().map(|at| self.began + at);
            let give_up = self.calls.values().map(|(_, until)| *until).min();
            let Some(next) = send.into_iter().chain(give_up).min() else { return Poll::Pending };
            self.timer.as_mut().reset(next.into());
            if self.timer.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn give_up(&mut self) {
        let now = Instant::now();
        for ((client, number), (_, until)) in &self.calls {
            if *until <= now {
                self.clients[*client].give_up(self.began.elapsed(), *number);
            }
        }
    }

    /// A call that has ended.
    fn ended(&mut self) -> Option<Response<R>> {
        for (index, client) in self.clients.iter_mut().enumerate() {
            while let Some((number, outcome)) = client.poll_outcome() {
                if let Some((request_id, _)) = self.calls.remove(&(index, number)) {
                    return Some(response(request_id, outcome));
                }
            }
        }
        None
    }
}

impl<R: DeserializeOwned> Stream for UdpTransport<R> {
    type Item = io::Result<Response<R>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.waker = Some(context.waker().clone());
        loop {
            if let Some(response) = self.ended() {
                return Poll::Ready(Some(Ok(response)));
            }
            match self.poll_progress(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Some(Err(error))),
                Poll::Pending => {
                    // What was given up has ended, too.
                    let ended = self.ended();
                    return ended.map_or(Poll::Pending, |response| Poll::Ready(Some(Ok(response))));
                }
            }
        }
    }
}

impl<R> Sink<ClientMessage<BoardRpcRequest>> for UdpTransport<R> {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, message: ClientMessage<BoardRpcRequest>) -> io::Result<()> {
        let now = self.began.elapsed();
        match &message {
            ClientMessage::Request(request) => {
                let changes = matches!(request.message, BoardRpcRequest::Publish { .. });
                let index = if changes { self.clients.len() - 1 } else { 0 };
                let deadline = request.context.deadline;
                let left = deadline.saturating_duration_since(Instant::now());
                let number = self.clients[index].call(now, write_request(&message)?);
                self.calls.insert((index, number), (request.id, deadline - SOONER.min(left / 10)));
            }
            ClientMessage::Cancel { request_id, .. } => {
                let call = self.calls.iter().find(|(_, (id, _))| id == request_id).map(|(call, _)| *call);
                if let Some((index, number)) = call {
                    self.calls.remove(&(index, number));
                    self.clients[index].give_up(now, number);
                }
            }
            _ => {}
        }
        // It is sent when the answers are asked for.
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// That nobody listens says nothing about the calls under way: a server that is started again may have their answers.
fn is_refused(result: &io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(true),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}

/// What tarpc is told of the end of a call.
fn response<R: DeserializeOwned>(request_id: u64, outcome: Outcome<Vec<u8>>) -> Response<R> {
    let refusal = match outcome {
        Outcome::Done(body) => match read_response::<R>(&body) {
            Some(response) => return Response { request_id, ..response },
            None => Refusal::Crashed("its answer cannot be read".into()),
        },
        Outcome::NotDone(NotDone::NotUnderstood) => NotBegun::Unreadable(
            "the server does not know this call. Is it a `board-server -t udp`, of this version?".into(),
        )
        .into(),
        Outcome::NotDone(why) => NotBegun::NotSent(why.to_string()).into(),
        Outcome::Unknown(why) => Refusal::Crashed(why.to_string()),
    };
    Response { request_id, message: Err(ServerError::from(&refusal)) }
}
