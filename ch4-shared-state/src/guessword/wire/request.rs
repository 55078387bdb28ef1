//! What a player asks. Nothing here fails over what a peer sends: it is read, or it is something else.

use common::protocol::textframe::{self, Frame};

use super::payload::{encode_code, text};

/// What a player asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// `A`: the word so far.
    State,
    /// `B`: this letter is in the word; `None` when what came is not one character.
    Guess(Option<char>),
    /// `C`: the next word; `None` when what came is no text.
    Propose(Option<String>),
    /// `D`: take me in under this name; `None` when what came is no text.
    Join(Option<String>),
    /// `S`: who has how many points. Not in the notes.
    Scores,
}

/// What a frame from a client means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A request.
    Request(Request),
    /// An empty frame: what the notes' client makes of a guessed `;`. It is not answered, because its guess is.
    Nothing,
    /// Answer [`Response::Unknown`](super::Response::Unknown).
    Unknown,
}

impl Request {
    /// Appends the frame of this request. A character that cannot be guessed (`;` or a line break) goes out as a guess of nothing.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        match self {
            Request::State => encode_code(b'A', out),
            Request::Scores => encode_code(b'S', out),
            Request::Propose(word) => textframe::encode(b'C', [text(word)], out),
            Request::Join(name) => textframe::encode(b'D', [text(name)], out),
            Request::Guess(letter) => {
                let mut utf8 = [0; 4];
                let letter = letter.map_or("", |letter| letter.encode_utf8(&mut utf8));
                if textframe::encode_raw(b'B', letter.as_bytes(), out).is_err() {
                    encode_code(b'B', out);
                }
            }
        }
    }
}

impl From<Request> for Incoming {
    fn from(request: Request) -> Incoming {
        Incoming::Request(request)
    }
}

impl Incoming {
    /// What a frame means. No frame is an error: the one that means nothing is answered, and the next one is read.
    pub fn parse(frame: Frame<'_>) -> Incoming {
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
}

/// One character, with nothing around it but line breaks.
fn letter(payload: &[u8]) -> Option<char> {
    let mut characters =
        str::from_utf8(payload).ok()?.chars().filter(|character| !matches!(character, '\n' | '\r'));
    characters.next().filter(|_| characters.next().is_none())
}
