//! How not to publish: copy the board, add to the copy, put the copy back, with the lock let go in between. Notes, chapter 4.
//!
//! ```text
//!   Alice   lock ─ copy [x] ─ unlock ········ lock ─ put back [x a] ─ unlock     0
//!   Bob         lock ─ copy [x] ─ unlock ········ lock ─ put back [x b] ─ unlock     0     and a is lost
//! ```
//!
//! Both are told that their message is on the board. It is the lost update of every shared counter, and of every web page that two edit at
//! once. The board that it is planted in is the right one of chapter 3, so that the check has something to find.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use common::board::{Board, Id, answer};
use common::core::framing::UntilEnd;
use common::core::service::{Answer, Memory, Peer, Protocol, RequestCost, Service};
use common::protocol::mboard::{Request as Pdu, Transport};

/// A board that loses messages.
#[derive(Debug)]
pub struct RacyBoard {
    board: Mutex<Board>,
    pause: Duration,
}

impl RacyBoard {
    /// An empty board. Between the copy and its return it waits so long.
    pub fn new(pause: Duration) -> RacyBoard {
        RacyBoard { board: Mutex::default(), pause }
    }

    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service for RacyBoard {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "board"
    }

    fn memory(&self) -> Memory {
        Memory::Shared
    }

    fn request_cost(&self) -> RequestCost {
        RequestCost::Slow
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        UntilEnd { limit: Transport::Tcp.request_limit(), refusal: b"1", done: false }
    }

    fn handle(&self, client: &Peer, request: Vec<u8>) -> Answer {
        let reply = |board: &mut Board| {
            Answer::new(answer(
                &request,
                Transport::Tcp,
                board,
                client.address.socket_address(),
                SystemTime::now().into(),
            ))
        };
        if !matches!(Pdu::parse(&request, Transport::Tcp), Ok(Pdu::Publish(_))) {
            return reply(&mut self.lock());
        }
        let mut copy = copy_of(&self.lock());
        thread::sleep(self.pause);
        let answer = reply(&mut copy);
        *self.lock() = copy;
        answer
    }
}

fn copy_of(board: &Board) -> Board {
    let mut copy = Board::default();
    for message in board.since(Id(0)) {
        let published = copy.publish(message.text.clone(), message.from, message.time);
        published.expect("it has room for what another board of its size has");
    }
    copy
}
