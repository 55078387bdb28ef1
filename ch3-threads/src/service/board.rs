//! `board`: the message board over TCP. A request is the whole stream up to the client's half-close, and so is the
//! answer (the notes, "Programming application layer protocol on top of TCP"; the codes are in `protocol::mboard`).
//!
//! The one service of this chapter whose clients meet in memory: under a model that copies its memory, what one client
//! publishes another may never find.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use common::board::{Board, Limits, answer};
use common::framing::UntilEnd;
use common::protocol::UnixTime;
use common::protocol::mboard::Transport;
use common::service::{Answer, Client, Memory, Protocol, Request, Service};

/// One board, one lock around it.
#[derive(Debug)]
pub struct BoardService {
    board: Mutex<Board>,
}

impl Default for BoardService {
    fn default() -> Self {
        BoardService { board: Mutex::new(Board::new(Limits::default())) }
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

    fn handle(&self, client: &Client, request: Request) -> Answer {
        // A panic while it was held is answered for by whoever panicked; the board itself is whole after every step.
        let mut board = self.board.lock().unwrap_or_else(PoisonError::into_inner);
        let now = UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        Answer::new(answer(&request.0, Transport::Tcp, &mut board, client.address, now))
    }
}
