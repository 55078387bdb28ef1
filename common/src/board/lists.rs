//! Lists of messages, each made once for all clients that ask the same before the board changes.

use std::sync::{Mutex, PoisonError};

use super::messages::{Board, Message};
use crate::core::service::{Body, SharedBody, WeakBody};
use crate::protocol::mboard::{Id, Transport, response};

/// This many lists are remembered, for the clients that ask next.
const REMEMBERED: usize = 8;

/// The lists that some client is still being sent.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Held while a list is made: a second client that asks the same waits for it and does not make another.
    made: Mutex<Vec<Made>>,
}

#[derive(Debug)]
struct Made {
    is_counted: bool,
    count: u64,
    /// The board had the messages before this one.
    next: Id,
    body: WeakBody,
}

impl Lists {
    pub fn answer(&self, board: &Mutex<Board>, is_counted: bool, count: u64) -> Body {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let (messages, next) = {
            let board = board.lock().unwrap_or_else(PoisonError::into_inner);
            let next = board.next_id();
            let same = |made: &&Made| (made.is_counted, made.count, made.next) == (is_counted, count, next);
            if let Some(body) = made.iter().find(same).and_then(|made| made.body.upgrade()) {
                return Body::Shared(body);
            }
            (board.last_messages(count).to_vec(), next) // their texts are shared
        };
        // Encoded without the board's lock: those who publish do not wait.
        let (mut out, posted) = (Vec::new(), messages.iter().map(Message::posted));
        if is_counted {
            response::encode_counted(posted, Transport::Tcp, &mut out);
        } else {
            response::encode_joined(posted, Transport::Tcp, &mut out);
        }
        let body = SharedBody::new(out);
        made.retain(|made| made.next == next && made.body.upgrade().is_some());
        if made.len() < REMEMBERED {
            made.push(Made { is_counted, count, next, body: body.downgrade() });
        }
        Body::Shared(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::UnixTime;

    #[test]
    fn a_list_is_made_once_until_the_board_changes_or_nobody_has_it() {
        let board = Mutex::new(Board::default());
        let publish =
            || board.lock().unwrap().publish(*b"a", ([127, 0, 0, 1], 1).into(), UnixTime::default()).unwrap();
        let lists = Lists::default();
        let list = || match lists.answer(&board, true, 0) {
            Body::Shared(body) => body,
            other => panic!("{other:?}"),
        };
        publish();
        let (first, second) = (list(), list());
        assert_eq!(first.as_ptr(), second.as_ptr());
        publish();
        let third = list();
        assert!(third.len() > first.len());
        assert_eq!(lists.made.lock().unwrap().len(), 1, "what cannot be asked for again is forgotten");
        let place = third.downgrade();
        drop(third);
        assert!(place.upgrade().is_none(), "the list goes with its last reader");
    }
}
