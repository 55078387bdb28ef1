//! One client that says a stream of bytes in pieces of one length and reads everything.

use std::sync::Arc;
use std::time::Instant;

use common::core::conversation::{Conversation, Next};
use common::core::limits::Limits;
use common::core::service::Peer;
use common::core::work::AnyService;

/// How many requests were handled, and all that was sent.
pub type Conversed = (usize, Vec<u8>);

/// A stream in pieces of `step` bytes.
pub fn converse(service: &Arc<dyn AnyService>, stream: &[u8], step: usize) -> Conversed {
    let peer = Peer::new(([127, 0, 0, 1], 4711).into());
    let mut conversation = Conversation::open(service, &Limits::default(), peer);
    let (mut pieces, mut requests, mut sent, now) = (stream.chunks(step), 0, Vec::new(), Instant::now());
    loop {
        while conversation.poll_request(now) {
            requests += 1;
            let answer = conversation.handle_request();
            conversation.answer(answer);
        }
        match conversation.next(now) {
            Next::Send => {
                sent.extend_from_slice(conversation.transmit());
                conversation.handle_sent(conversation.transmit().len());
            }
            Next::Receive => match pieces.next() {
                Some(piece) => conversation.handle_bytes(piece, now),
                None => conversation.handle_end(),
            },
            Next::HalfClose => conversation.handle_half_close(),
            Next::Poll => {}
            Next::Wait | Next::WaitUntil(_) => unreachable!("every request is answered at once"),
            Next::Close => return (requests, sent),
        }
    }
}
