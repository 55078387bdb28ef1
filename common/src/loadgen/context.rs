//! What clients ask their event loop for: a connection and its end, a deadline, the time.

use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use nix::sys::epoll::EpollFlags;
use socket2::SockRef;

use super::poll::Poll;
use super::sockets::Connector;
use crate::core::trace::monotonic_ns;

/// The loop as its clients see it. Nothing here waits: what is asked for is done before the next turn.
pub struct LoopContext {
    pub(super) poll: Poll,
    pub(super) connections: Vec<Connection>,
    /// What each client has to send; the buffers stay when connections go.
    pub(super) outgoing: Vec<Vec<u8>>,
    /// Clients to look at before the loop waits: each began to connect, has something to send or reads otherwise.
    pub(super) pending: VecDeque<usize>,
    pub(super) now_ns: u64,
    connector: Connector,
}

/// What a client wants to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// At most so many bytes at once.
    UpTo(usize),
    /// No bytes; only the server's end of stream.
    EndOnly,
    /// No bytes, and no end of stream either. A connection that is broken is reported all the same.
    Nothing,
}

impl Default for Reading {
    /// Everything.
    fn default() -> Reading {
        Reading::UpTo(usize::MAX)
    }
}

/// The connection of one client.
#[derive(Default)]
pub(super) struct Connection {
    pub(super) stream: Option<TcpStream>,
    pub(super) is_connecting: bool,
    /// Why it could not even begin to connect, where the client was not told yet.
    pub(super) refused: Option<io::Error>,
    pub(super) reading: Reading,
    /// The socket took less than there was: epoll says when there is room.
    pub(super) is_blocked: bool,
    /// What epoll watches for; `None` before it knows the socket.
    watched: Option<EpollFlags>,
}

impl LoopContext {
    /// For `clients` that open `connections` to `target`, all together: from some number on source addresses are taken in
    /// turn, because local ports run out.
    ///
    /// # Errors
    /// What `epoll_create1(2)` and `timerfd_create(2)` say.
    pub fn new(target: SocketAddr, clients: usize, connections: usize) -> io::Result<LoopContext> {
        Ok(LoopContext {
            poll: Poll::new(clients)?,
            connections: std::iter::repeat_with(Connection::default).take(clients).collect(),
            outgoing: vec![Vec::new(); clients],
            pending: VecDeque::new(),
            now_ns: monotonic_ns(),
            connector: Connector::new(target, connections),
        })
    }

    /// When what is being handled happened, CLOCK_MONOTONIC nanoseconds.
    pub fn now_ns(&self) -> u64 {
        self.now_ns
    }

    /// Begins to connect the client, with a receive buffer of so many bytes if it matters: [`Input::Connected`](super::Input) or
    /// `Refused` follows. Ends the connection that it has, and then reads the clock, so that [`now_ns`](LoopContext::now_ns) is the moment when it set out.
    pub fn connect(&mut self, client: usize, receive_buffer: Option<usize>) {
        self.disconnect(client);
        self.now_ns = monotonic_ns();
        let connection = &mut self.connections[client];
        match self.connector.connect(receive_buffer) {
            Ok(stream) => (connection.stream, connection.is_connecting) = (Some(stream), true),
            Err(error) => connection.refused = Some(error),
        }
        self.touch(client);
    }

    /// Ends the client's connection, if it has one, and forgets what was not sent.
    pub fn disconnect(&mut self, client: usize) {
        self.outgoing[client].clear();
        self.connections[client] = Connection::default();
    }

    /// The same with RST instead of FIN.
    pub fn reset(&mut self, client: usize) {
        if let Some(stream) = &self.connections[client].stream {
            // Closing with a linger time of zero throws away what was not sent and sends RST (socket(7)).
            let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
        self.disconnect(client);
    }

    /// The client will send no more, and goes on reading.
    pub fn finish_sending(&mut self, client: usize) {
        if let Some(stream) = &self.connections[client].stream {
            // It fails when the server was faster, and then it does not matter.
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
    }

    /// What the client has to send, in a connection that it has or has begun: to append to.
    pub fn outgoing(&mut self, client: usize) -> &mut Vec<u8> {
        self.touch(client);
        &mut self.outgoing[client]
    }

    /// The client has something to transmit though nothing has happened to it.
    pub fn transmit(&mut self, client: usize) {
        self.touch(client);
    }

    /// What the client reads from now on; a new connection reads everything.
    pub fn set_reading(&mut self, client: usize, reading: Reading) {
        self.connections[client].reading = reading;
        self.touch(client);
    }

    /// The client wants [`Input::Timeout`](super::Input) at `at_ns`, and not at the time it said before;
    /// [`NEVER`](super::NEVER): not at all.
    pub fn set_deadline(&mut self, client: usize, at_ns: u64) {
        self.poll.set_deadline(client, at_ns);
    }

    /// The local port of the client's connection, 0 without one. It costs a system call.
    pub fn local_port(&self, client: usize) -> u16 {
        let address = self.connections[client].stream.as_ref().map(TcpStream::local_addr);
        address.and_then(Result::ok).map_or(0, |address| address.port())
    }

    fn touch(&mut self, client: usize) {
        if self.pending.back() != Some(&client) {
            self.pending.push_back(client);
        }
    }

    /// Lets epoll watch for what the client waits for.
    pub(super) fn update_interest(&mut self, client: usize) -> io::Result<()> {
        let connection = &mut self.connections[client];
        let wanted = connection.interest();
        match &connection.stream {
            Some(stream) if connection.watched != Some(wanted) => {
                let is_new = connection.watched.replace(wanted).is_none();
                if is_new {
                    self.poll.watch(stream, client, wanted)
                } else {
                    self.poll.change(stream, client, wanted)
                }
            }
            _ => Ok(()),
        }
    }
}

impl Connection {
    fn interest(&self) -> EpollFlags {
        if self.is_connecting {
            return EpollFlags::EPOLLOUT;
        }
        let reading = match self.reading {
            Reading::UpTo(_) => EpollFlags::EPOLLIN,
            Reading::EndOnly => EpollFlags::EPOLLRDHUP,
            Reading::Nothing => EpollFlags::empty(),
        };
        if self.is_blocked { reading | EpollFlags::EPOLLOUT } else { reading }
    }

    /// Whether the client is connected.
    pub(super) fn is_open(&self) -> bool {
        self.stream.is_some() && !self.is_connecting
    }

    /// Its socket, when it may take bytes.
    pub(super) fn writable(&self) -> Option<&TcpStream> {
        self.stream.as_ref().filter(|_| !self.is_blocked)
    }
}
