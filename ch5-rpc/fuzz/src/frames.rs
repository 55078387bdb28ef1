//! The codec of the RPC board: any bytes, in any pieces, are the same requests, and none of them a panic or an absurd deadline.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use ch5_rpc::rpc::codec::{ClientCodec, Format, LONGEST_DEADLINE, Received, Room, ServerCodec};
use ch5_rpc::rpc::interface::{BoardRpcRequest, BoardRpcResponse};
use tarpc::{ClientMessage, Request};
use tokio_util::codec::{Decoder, Encoder};

const LIMIT: usize = 600;

/// The first byte chooses the encoding and how long the pieces are.
pub fn tarpc_frames(bytes: &[u8]) {
    let [begin, stream @ ..] = bytes else { return };
    let format = if begin % 2 == 0 { Format::Bincode } else { Format::Json };
    let whole = read(format, stream, usize::MAX);
    assert_eq!(read(format, stream, usize::from(begin / 2) + 1), whole, "in pieces");
    let (mut client, mut buffer) =
        (ClientCodec::<BoardRpcResponse>::new(format, LIMIT), BytesMut::from(stream));
    while let Ok(Some(_)) = client.decode(&mut buffer) {}
}

/// What comes, without the deadlines, which depend on the clock.
fn read(format: Format, stream: &[u8], step: usize) -> Vec<String> {
    let mut codec = ServerCodec::<BoardRpcRequest>::new(format, LIMIT, &Room::new(LIMIT));
    let (mut buffer, mut all) = (BytesMut::new(), Vec::new());
    for piece in stream.chunks(step) {
        buffer.extend_from_slice(piece);
        loop {
            match codec.decode(&mut buffer) {
                Ok(Some(Received::Message(ClientMessage::Request(request)))) => {
                    all.push(of_request(format, request));
                }
                Ok(Some(unreadable @ Received::Unreadable { .. })) => {
                    all.push(format!("{unreadable:?}"));
                    return all; // a server reads nothing after it
                }
                Ok(Some(other)) => all.push(format!("{other:?}")),
                Ok(None) => break,
                Err(_) => {
                    all.push("broken".into());
                    return all;
                }
            }
        }
    }
    all
}

/// A request can be written again, and is then the same.
fn of_request(format: Format, request: Request<BoardRpcRequest>) -> String {
    let shown = |request: &Request<BoardRpcRequest>| {
        format!("{} {:?} {:?}", request.id, request.context.trace_context, request.message)
    };
    let left = request.context.deadline.saturating_duration_since(Instant::now());
    assert!(left <= LONGEST_DEADLINE + Duration::from_secs(1), "{left:?}");
    let as_it_came = shown(&request);
    let mut out = BytesMut::new();
    // The same in a longer form: JSON of its own may be shorter than ours, as base64 of a text is.
    ClientCodec::<()>::new(format, 100 * LIMIT)
        .encode(ClientMessage::Request(request), &mut out)
        .expect("it is short");
    let again =
        ServerCodec::<BoardRpcRequest>::new(format, 100 * LIMIT, &Room::new(100 * LIMIT)).decode(&mut out);
    match again {
        Ok(Some(Received::Message(ClientMessage::Request(again)))) => assert_eq!(shown(&again), as_it_came),
        // Its deadline has passed meanwhile.
        Ok(Some(Received::Refused { .. })) => {}
        other => panic!("{other:?}"),
    }
    as_it_came
}
