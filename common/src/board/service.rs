//! `board` as a service: the message board over TCP. A request is the whole stream up to the client's half-close, and so
//! is the answer (the notes, "Programming application layer protocol on top of TCP"; the codes are in `protocol::mboard`).
//!
//! Chapter 2 runs it with a thread per connection; chapter 3 under every model.

use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use super::{Board, Limits, answer};
use crate::core::framing::UntilEnd;
use crate::core::service::{Answer, Memory, Peer, Protocol, Request, Service};
use crate::protocol::mboard::Transport;

/// One board, one lock around it.
#[derive(Debug)]
pub struct BoardService {
    board: Mutex<Board>,
}

impl Default for BoardService {
    fn default() -> Self {
        BoardService::new(Limits::default())
    }
}

impl BoardService {
    /// An empty board with these limits.
    #[must_use]
    pub fn new(limits: Limits) -> BoardService {
        BoardService { board: Mutex::new(Board::new(limits)) }
    }
}

impl Service for BoardService {
    fn name(&self) -> &'static str {
        "board"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn protocol(&self) -> Box<dyn Protocol> {
        Box::new(UntilEnd { limit: Transport::Tcp.request_limit(), refusal: b"1", done: false })
    }

    fn handle(&self, client: &Peer, request: Request) -> Answer {
        // A panic while it was held is answered for by whoever panicked; the board itself is whole after every step.
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        Answer::new(answer(&request.0, Transport::Tcp, &mut board, client.address, SystemTime::now().into()))
    }
}
