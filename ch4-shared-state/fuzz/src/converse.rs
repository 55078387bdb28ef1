//! One client, who says a stream of bytes in pieces of one length and reads everything.

use std::sync::Arc;

use common::core::conversation::{Conversation, Next};
use common::core::service::{Peer, Request, Service};

/// What was asked, and all that was sent.
pub type Conversed = (Vec<Request>, Vec<u8>);

/// A stream whole, and in pieces as long as the first of these bytes says: both must be the same conversation.
pub fn both_ways(service: &Arc<dyn Service>, step: u8, stream: &[u8]) -> Conversed {
    let whole = converse(service, stream, stream.len().max(1));
    assert_eq!(converse(service, stream, usize::from(step).max(1)), whole);
    whole
}

fn converse(service: &Arc<dyn Service>, stream: &[u8], step: usize) -> Conversed {
    let client = Peer::new(([127, 0, 0, 1], 4711).into());
    let mut conversation = Conversation::open(service, client);
    let (mut pieces, mut requests, mut sent) = (stream.chunks(step), Vec::new(), Vec::new());
    loop {
        while let Some(request) = conversation.poll_request() {
            requests.push(request.clone());
            conversation.answer(service.handle(&client, request));
        }
        match conversation.next() {
            Next::Send => {
                sent.extend_from_slice(conversation.transmit());
                conversation.transmitted(conversation.transmit().len());
            }
            Next::Receive => match pieces.next() {
                Some(piece) => conversation.receive(piece),
                None => conversation.finish(),
            },
            Next::HalfClose => conversation.half_closed(),
            Next::Discard { .. } => conversation.finish(),
            Next::Poll => {}
            Next::Wait => unreachable!("every request is answered at once"),
            Next::Close => return (requests, sent),
        }
    }
}
