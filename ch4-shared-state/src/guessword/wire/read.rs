//! Frames become requests and responses. Nothing here fails over what a peer sends: it is read, or it is something else.

use super::{Incoming, Notice, Request, Response, Score};
use common::protocol::textframe::{Frame, piece};

pub(super) fn incoming(frame: Frame<'_>) -> Incoming {
    match frame {
        Frame::Unformed(b"") => Incoming::Nothing,
        Frame::Unformed(_) => Incoming::Unknown,
        Frame::Coded { code, payload } => match code {
            b'A' => Request::State.into(),
            b'B' => Request::Guess(letter(payload)).into(),
            b'C' => Request::Propose(text(payload)).into(),
            b'D' => Request::Join(text(payload)).into(),
            b'S' => Request::Scores.into(),
            _ => Incoming::Unknown,
        },
    }
}

pub(super) fn response(frame: Frame<'_>) -> Option<Response> {
    let Frame::Coded { code, payload } = frame else { return None };
    match code {
        b'a' => text(payload).map(Response::State),
        b'b' => verdict(payload).map(Response::Guess),
        b'c' => verdict(payload).map(Response::Propose),
        b'd' => verdict(payload).map(Response::Join),
        b's' => text(payload)?.lines().map(score).collect::<Option<_>>().map(Response::Scores),
        b'x' => Some(Response::NotJoined),
        b'4' => Some(Response::Unknown),
        b'e' => text(payload).map(|text| Response::Notice(Notice::parse(&text))),
        _ => None,
    }
}

fn text(payload: &[u8]) -> Option<String> {
    String::from_utf8(piece(payload).ok()?).ok()
}

/// One character, with nothing around it but line breaks.
fn letter(payload: &[u8]) -> Option<char> {
    let mut characters =
        str::from_utf8(payload).ok()?.chars().filter(|character| !matches!(character, '\n' | '\r'));
    characters.next().filter(|_| characters.next().is_none())
}

fn verdict(payload: &[u8]) -> Option<bool> {
    match payload {
        b"1" => Some(true),
        b"0" => Some(false),
        _ => None,
    }
}

/// The name has no space: see the game.
fn score(line: &str) -> Option<Score> {
    let (name, points) = line.rsplit_once(' ')?;
    Some(Score { name: name.to_owned(), points: points.parse().ok()? })
}
