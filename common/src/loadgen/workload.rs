//! What an event loop runs: clients as state machines without a socket, and when they act of their own accord.
//!
//! ```text
//!            ─▶ connect, outgoing, set_deadline              LoopContext   what clients ask the engine for
//!   workload ◀─ act, handle_input                            engine        a turn; what has happened to a client
//!            ─▶ deadline, poll_transmit                      engine        when to wake; what is sent without end
//! ```
//!
//! A client is a number, counted from 0. No method waits, reads a clock or touches a socket. The engine calls them in this
//! order, turn by turn (`engine.rs`):
//!
//! ```
//! use std::io::{self, Read, Write};
//! use std::net::TcpListener;
//! use common::loadgen::{Input, LoopContext, NEVER, Workload, drive};
//!
//! /// One client that says `hello` and wants it back.
//! #[derive(Default)]
//! struct Hello { has_set_out: bool, answered: usize }
//!
//! impl Workload for Hello {
//!     type Error = io::Error;
//!
//!     // 1. What is due: here the client sets out in the first turn. What it has to send is sent as soon as it can be.
//!     fn act(&mut self, context: &mut LoopContext) -> io::Result<()> {
//!         if !std::mem::replace(&mut self.has_set_out, true) {
//!             context.connect(0, None);
//!             context.outgoing(0).extend(b"hello");
//!             context.set_deadline(0, context.now_ns() + 1_000_000_000);
//!         }
//!         Ok(())
//!     }
//!     // 2. Whether it goes on, and until when the engine may wait.
//!     fn deadline(&mut self, _now_ns: u64) -> Option<u64> {
//!         (self.answered < 5).then_some(NEVER)
//!     }
//!     // 3. What has happened: to clients whose deadline has passed (before 2), and to those whose sockets are ready.
//!     fn handle_input(&mut self, _client: usize, input: Input<'_>, _: &mut LoopContext) -> io::Result<()> {
//!         match input {
//!             Input::Connected => Ok(()),
//!             Input::Received(bytes) => Ok(self.answered += bytes.len()),
//!             Input::Refused(error) | Input::Broken(error) => Err(error),
//!             Input::Timeout => Err(io::ErrorKind::TimedOut.into()),
//!         }
//!     }
//! }
//!
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let context = LoopContext::new(listener.local_addr()?, 1, 1)?;
//! let server = std::thread::spawn(move || {
//!     let (mut stream, mut bytes) = (listener.accept().unwrap().0, [0; 5]);
//!     stream.read_exact(&mut bytes).and_then(|()| stream.write_all(&bytes)).unwrap();
//! });
//! drive(&mut Hello::default(), context, 4096)?;
//! # server.join().unwrap();
//! # Ok::<(), io::Error>(())
//! ```

use std::io;

use super::context::LoopContext;

/// The clients of one event loop. See the module for the order of calls. An error ends the loop before its time.
pub trait Workload {
    /// The engine's own are those of epoll.
    type Error: From<io::Error>;

    /// Once a turn: clients set out, and requests that are due are made.
    ///
    /// # Errors
    /// The workload's.
    fn act(&mut self, context: &mut LoopContext) -> Result<(), Self::Error>;

    /// When [`act`](Workload::act) is to be called again at the latest, CLOCK_MONOTONIC nanoseconds; `None` when all is
    /// over. The engine comes earlier when a socket is ready or a client's deadline has passed.
    fn deadline(&mut self, now_ns: u64) -> Option<u64>;

    /// This has happened to the client.
    ///
    /// # Errors
    /// The workload's.
    fn handle_input(
        &mut self,
        client: usize,
        input: Input<'_>,
        context: &mut LoopContext,
    ) -> Result<(), Self::Error>;

    /// What the client has to send beside [`LoopContext::outgoing`], where it is too much to be put there, or without end: the
    /// beginning of it. Asked for after everything that happened to the client and after [`LoopContext::transmit`].
    fn poll_transmit(&self, _client: usize) -> &[u8] {
        &[]
    }

    /// So many bytes of that are on their way.
    fn handle_transmitted(&mut self, _client: usize, _bytes: usize, _context: &mut LoopContext) {}
}

/// What happens to a client.
#[derive(Debug)]
pub enum Input<'a> {
    /// It is connected.
    Connected,
    /// The server has sent these bytes: at least one, cut anywhere.
    Received(&'a [u8]),
    /// It could not connect.
    Refused(io::Error),
    /// It has no connection any more: the server ended it ([`io::ErrorKind::UnexpectedEof`]), or it broke.
    Broken(io::Error),
    /// The deadline that it set has passed.
    Timeout,
}
