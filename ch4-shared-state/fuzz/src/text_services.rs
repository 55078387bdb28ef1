//! What is said in the frames of text: the messages of the notification board and of the game, from either side.
//!
//! As for the other streams, the first byte says how long the pieces are. The same bytes are read as what a client says and as
//! what a server says: most of them are nonsense to one of the two, and nonsense is what a parser is fuzzed for.

use ch4_shared_state::guessword::wire::{self as guessword, Incoming};
use ch4_shared_state::notification::wire::{self as notify, Messages};
use common::protocol::mboard::response::Posted;

use super::decoding::{assert_same, both_ways, decode};

/// The notification board.
pub fn notify(bytes: &[u8]) {
    let (requests, _) = both_ways(bytes, |pieces| {
        let mut requests = notify::Requests::default();
        decode(pieces, |received| requests.decode(received).map_err(|error| error.to_string()))
    });
    for request in requests.into_iter().flatten() {
        let mut out = Vec::new();
        request.encode(&mut out);
        let length = out.len();
        assert_eq!(notify::Requests::default().decode(&out), Ok(Some((Ok(request), length))));
    }
    both_ways(bytes, |pieces| {
        let mut responses = notify::Responses::default();
        decode(pieces, |received| {
            let decoded = responses.decode(received).map_err(|error| error.to_string())?;
            Ok(decoded.map(|(response, consumed)| (check_notify_response(response), consumed)))
        })
    });
}

/// A response as its frame, which is read as the same response.
fn check_notify_response(response: notify::Response<'_>) -> Vec<u8> {
    let frame = match response {
        notify::Response::Published => notify::PUBLISHED.to_vec(),
        notify::Response::BadFormat => notify::BAD_FORMAT.to_vec(),
        notify::Response::UnknownControl => notify::UNKNOWN_CONTROL.to_vec(),
        notify::Response::Notify => notify::NOTIFY.to_vec(),
        notify::Response::Messages(messages) => {
            check_messages(messages);
            [b"1:", messages.encoded(), b";"].concat()
        }
    };
    assert_eq!(notify::Responses::default().decode(&frame), Ok(Some((response, frame.len()))));
    frame
}

/// The lines that are messages are written as a server writes them, and read again.
fn check_messages(messages: Messages<'_>) {
    let lines: Vec<Vec<u8>> = messages.lines().filter_map(Result::ok).collect();
    let posted: Vec<Posted<'_>> = lines.iter().filter_map(|line| Posted::parse_line(line)).collect();
    let (mut scratch, mut pieces) = (Vec::new(), Vec::new());
    for message in &posted {
        notify::encode_message(message, &mut scratch, &mut pieces);
    }
    let frame = notify::response([&pieces[..]].into_iter());
    let Ok(Some((notify::Response::Messages(again), consumed))) = notify::Responses::default().decode(&frame)
    else {
        panic!("no response of our own: {}", frame.escape_ascii());
    };
    assert_eq!(consumed, frame.len());
    let again: Vec<Vec<u8>> = again.lines().map(|line| line.expect("base64 of our own")).collect();
    assert_eq!(again.len(), posted.len());
    for (line, message) in again.iter().zip(&posted) {
        assert_same(&Posted::parse_line(line).expect("a line of our own"), message);
    }
}

/// The guess-word game.
pub fn guessword(bytes: &[u8]) {
    let (requests, _) = both_ways(bytes, |pieces| {
        let mut requests = guessword::Requests::default();
        decode(pieces, |received| {
            let decoded = requests.decode(received).map_err(|error| error.to_string())?;
            assert!(decoded.is_some() || received.len() < guessword::REQUEST_LIMIT, "more is waited for");
            Ok(decoded)
        })
    });
    for incoming in requests {
        check_guessword_request(incoming);
    }
    let (responses, _) = both_ways(bytes, |pieces| {
        let mut responses = guessword::Responses::default();
        decode(pieces, |received| responses.decode(received).map_err(|error| error.to_string()))
    });
    for response in responses {
        let frame = response.encode();
        assert_eq!(guessword::Responses::default().decode(&frame), Ok(Some((response, frame.len()))));
    }
}

fn check_guessword_request(incoming: Incoming) {
    use guessword::Request::{Join, Propose};

    let Incoming::Request(request) = incoming else { return };
    let mut frame = Vec::new();
    request.encode(&mut frame);
    // What is no text cannot be written; an empty one stands for it, and is refused as well.
    let written = match request {
        Join(None) => Join(Some(String::new())),
        Propose(None) => Propose(Some(String::new())),
        request => request,
    };
    assert_eq!(guessword::Requests::default().decode(&frame), Ok(Some((written.into(), frame.len()))));
}
