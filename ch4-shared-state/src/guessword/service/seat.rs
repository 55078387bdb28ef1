//! A connection at the table: how its messages leave.

use std::sync::Arc;

use common::core::outbox::Push;

use crate::spacing::Spaced;

/// A connection, joined or not.
pub(super) struct Seat {
    outbox: Spaced,
    last: Option<Kind>,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Answer,
    Notice,
}

impl Seat {
    pub(super) fn new(outbox: Spaced) -> Seat {
        Seat { outbox, last: None }
    }

    /// From now on messages may come together: this client can tell them apart.
    pub(super) fn finds_frames(&mut self) {
        self.outbox.finds_frames();
    }

    /// Leaves a message for the client, with a gap before it. Who does not read is hung up on by the driver, which the push has
    /// called: so answers count for the bound here, too.
    pub(super) fn push(&mut self, bytes: Arc<[u8]>, kind: Kind) {
        // An answer may follow an answer: who asks again has read the first, or can tell them apart.
        let close = (self.last, kind) == (Some(Kind::Answer), Kind::Answer);
        let push = Push::message(bytes);
        let _ = if close { self.outbox.push_close(push) } else { self.outbox.push(push) };
        self.last = Some(kind);
    }
}
