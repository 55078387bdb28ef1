//! What the server says.

use common::protocol::textframe::{self, Frame};

use super::notice::Notice;
use super::payload::{encode_code, text};

/// What the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// `a`: the word so far; empty while there is none.
    State(String),
    /// `b`: whether the guess scored.
    Guess(bool),
    /// `c`: whether the word was taken.
    Propose(bool),
    /// `d`: whether the name was taken.
    Join(bool),
    /// `s`: the best first.
    Scores(Vec<Score>),
    /// `x`: whoever has not joined can only join.
    NotJoined,
    /// `4`: no request has this code.
    Unknown,
    /// `e`: something happened.
    Notice(Notice),
}

/// A line of the scores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// Who.
    pub name: String,
    /// Letters guessed right, since this player joined.
    pub points: u64,
}

impl Response {
    /// The frame of this response.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            // An empty word is `a:;`, as an empty piece is written.
            Response::State(progress) => textframe::encode(b'a', [progress], &mut out),
            Response::Guess(yes) => encode_verdict(b'b', *yes, &mut out),
            Response::Propose(yes) => encode_verdict(b'c', *yes, &mut out),
            Response::Join(yes) => encode_verdict(b'd', *yes, &mut out),
            Response::Scores(scores) => {
                let lines: Vec<String> =
                    scores.iter().map(|score| format!("{} {}", score.name, score.points)).collect();
                textframe::encode(b's', [lines.join("\n")], &mut out);
            }
            Response::NotJoined => encode_code(b'x', &mut out),
            Response::Unknown => encode_code(b'4', &mut out),
            Response::Notice(notice) => textframe::encode(b'e', [notice.to_string()], &mut out),
        }
        out
    }

    /// What a frame means; `None` when it is no response.
    pub fn parse(frame: Frame<'_>) -> Option<Response> {
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
}

fn encode_verdict(code: u8, yes: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(&[code, b':', if yes { b'1' } else { b'0' }, b';']);
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
