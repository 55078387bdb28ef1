//! What cuts a stream into messages: however the network splits the bytes, the messages are the same.
//!
//! The first byte says how long the pieces are (from 1), and what follows is the stream. It is decoded whole and in pieces.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use common::core::conversation::{Conversation, Next};
use common::core::framing::{AsItComes, Delimited, Fixed, LengthPrefixed, Silent, UntilEnd};
use common::core::input::Input;
use common::core::limits::Limits;
use common::core::service::{Answer, Decoded, Peer, Protocol, Service};
use common::core::work::AnyService;
use common::protocol::frame;
use common::protocol::textframe::{self, Decoder, Frame};
use serde::{Deserialize, Serialize};

use super::decoding::{both_ways, decode};

/// Short, so that a fuzzer reaches it.
const LIMIT: usize = 200;

/// `code:payload;`
pub fn textframes(bytes: &[u8]) {
    let decode = |pieces: std::slice::Chunks<'_, u8>| {
        let mut decoder = Decoder::new(LIMIT);
        decode(pieces, |received| {
            let decoded = decoder.decode(received).map_err(|error| error.to_string())?;
            Ok(decoded.map(|(frame, consumed)| (check_frame(frame), consumed)))
        })
    };
    both_ways(bytes, decode);
}

/// What is in a frame, for comparing; and its payload is read and written.
fn check_frame(frame: Frame<'_>) -> (Option<u8>, Vec<u8>) {
    let Frame::Coded { code, payload } = frame else { return (None, Vec::new()) };
    let pieces: Result<Vec<Vec<u8>>, _> = textframe::pieces(payload).collect();
    if let Ok(pieces) = pieces {
        let mut out = Vec::new();
        textframe::encode(code, &pieces, &mut out);
        let (again, consumed) = Decoder::new(2 * LIMIT).decode(&out).expect("short").expect("whole");
        // A line break as the code would be skipped before the next frame.
        if let Frame::Coded { payload, .. } = again {
            let again: Result<Vec<Vec<u8>>, _> = textframe::pieces(payload).collect();
            assert_eq!(again.as_ref(), Ok(&pieces));
        }
        assert_eq!(consumed, out.len());
    }
    let mut raw = Vec::new();
    if textframe::encode_raw(code, payload, &mut raw).is_ok() {
        assert_eq!(raw, [&[code, b':'], payload, b";"].concat());
    }
    (Some(code), payload.to_vec())
}

/// Of every kind that serde knows what to do with, so that lengths inside a value can lie too.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Value {
    Nothing,
    Text(String),
    Numbers { list: Vec<u64>, last: Option<i32> },
    Nested(Vec<Vec<u8>>),
}

/// A length and bincode.
pub fn frames(bytes: &[u8]) {
    let decode = |pieces: std::slice::Chunks<'_, u8>| {
        decode(pieces, |received| {
            let decoded =
                frame::decode::<Value>(received, LIMIT as u32).map_err(|error| error.to_string())?;
            if decoded.is_none() && received.len() >= frame::HEADER {
                assert!(received[..frame::HEADER] <= (LIMIT as u32).to_be_bytes()[..], "more is waited for");
            }
            Ok(decoded)
        })
    };
    for value in both_ways(bytes, decode).0 {
        let mut out = Vec::new();
        frame::encode(&value, LIMIT as u32, &mut out).expect("it was read from as many bytes or more");
        let (again, consumed) = frame::decode::<Value>(&out, LIMIT as u32).expect("ours").expect("whole");
        assert_eq!((again, consumed), (value, out.len()));
    }
}

/// The framings of the core, through the conversation that drives them. The first byte chooses one, the second the split.
pub fn framings(bytes: &[u8]) {
    let Some((&framing, rest)) = bytes.split_first() else { return };
    let Some((&step, stream)) = rest.split_first() else { return };
    let framing = framing % 6;
    let whole = converse(framing, stream, stream.len().max(1));
    let split = converse(framing, stream, usize::from(step).max(1));
    if framing == 0 {
        // As it comes: a request is a piece, and only the bytes are the same.
        assert_eq!(whole.0.concat(), split.0.concat());
    } else {
        assert_eq!(whole, split);
        let limit = if framing == 2 { 5 } else { LIMIT };
        assert!(whole.0.iter().all(|request| request.len() <= limit));
    }
}

/// A service that is nothing but its framing, and remembers what it was asked.
struct Framed {
    framing: u8,
    requests: Mutex<Vec<Vec<u8>>>,
}

impl Service for Framed {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "framed"
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Any(match self.framing {
            0 => Box::new(AsItComes),
            1 => Box::new(UntilEnd { limit: LIMIT, refusal: b"no", done: false }),
            2 => Box::new(Fixed { length: 5 }),
            3 => Box::new(Delimited::new(b'\n', LIMIT)),
            4 => Box::new(LengthPrefixed { limit: LIMIT as u32 }),
            _ => Box::new(Silent),
        })
    }

    fn handle(&self, _: &Peer, request: Vec<u8>) -> Answer {
        self.requests.lock().expect("no panic under it").push(request.clone());
        Answer::new(request)
    }
}

/// Any of them.
struct Any(Box<dyn Protocol<Request = Vec<u8>>>);

impl Protocol for Any {
    type Request = Vec<u8>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<u8>> {
        self.0.decode(input)
    }
}

/// Bytes of a request besides its own.
fn overhead(framing: u8) -> usize {
    match framing {
        3 => 1,
        4 => 4,
        _ => 0,
    }
}

/// The requests that come out of a stream in such pieces, and all that is sent.
fn converse(framing: u8, stream: &[u8], step: usize) -> (Vec<Vec<u8>>, Vec<u8>) {
    let peer = Peer::new(([127, 0, 0, 1], 4711).into());
    let framed = Arc::new(Framed { framing, requests: Mutex::default() });
    let service: Arc<dyn AnyService> = framed.clone();
    let mut conversation = Conversation::open(&service, &Limits::default(), peer);
    let (mut pieces, mut sent, now) = (stream.chunks(step), Vec::new(), Instant::now());
    let (mut held, mut ended) = (0usize, false); // what comes after our end is not held
    loop {
        while conversation.poll_request(now) {
            let answer = conversation.handle_request();
            // The last line may lack its end.
            let length = framed.requests.lock().expect("no panic under it").last().map_or(0, Vec::len);
            held = held.saturating_sub(length + overhead(framing));
            conversation.answer(answer);
        }
        match conversation.next(now) {
            Next::Send => {
                sent.extend_from_slice(conversation.transmit());
                conversation.handle_sent(conversation.transmit().len());
            }
            Next::Receive => match pieces.next() {
                Some(piece) => {
                    assert!(
                        framing == 5 || ended || held <= LIMIT + 4,
                        "{held} bytes are held, and more is wanted"
                    );
                    held += piece.len();
                    conversation.handle_bytes(piece, now);
                }
                None => conversation.handle_end(),
            },
            Next::HalfClose => {
                ended = true;
                conversation.handle_half_close();
            }
            Next::Poll => {}
            Next::Wait | Next::WaitUntil(_) => unreachable!("every request is answered at once"),
            Next::Close => break,
        }
    }
    let requests = framed.requests.lock().expect("no panic under it").clone();
    (requests, sent)
}
