//! The guess-word game's messages, in the frames of [`textframe`]. Notes, chapter 4: *shared state*.
//!
//! ```text
//! A:;           state              → a:X2VfXw==;   the word so far (`_e__`); empty while there is none
//! B:e;          guess a letter     → b:1;  b:0;    raw, not base64
//! C:aGVsbG8=;   propose a word     → c:1;  c:0;
//! D:QWxpY2U=;   join with a name   → d:1;  d:0;
//! S:;           scores (ours)      → s:<lines `name score`, the best first>;
//!                                    x:;           to any of these but D: join first
//!                                    4:;           to anything else
//!                                    e:<name what>;   pushed, at any time
//! ```
//!
//! Answers come in the order of the requests, notifications in between. A letter is not base64, so three payloads cannot be said:
//! `;` ends the frame (`B:;;` is a guess of nothing and an empty frame), and a line break is ignored.
//!
//! The limits keep both sides small: a request has at most [`REQUEST_LIMIT`] bytes. What the bytes of a name, a letter or a word
//! must be is the game's business; here they are text, or they are nothing ([`Guess(None)`](Request::Guess) and its like), which the
//! game refuses with `0` as it refuses any other. The notes' client never expects anything else.

mod notice;
mod read;

use common::protocol::textframe::{self, Decoder, Frame, TooLong};
pub use notice::{Event, Notice};

/// The longest request in bytes, with its `;`: a word of 64 letters of four bytes each, in base64, with room for line breaks.
pub const REQUEST_LIMIT: usize = 1024;

/// The longest response in bytes, with its `;`: the scores of [`SCORES_LIMIT`] players with the longest names.
pub const RESPONSE_LIMIT: usize = 128 * 1024;

/// The longest name in bytes.
pub const NAME_LIMIT: usize = 32;

/// Most players in one answer to a request for the scores: the best ones.
pub const SCORES_LIMIT: usize = 1000;

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

/// What a frame from a client means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Incoming {
    /// A request.
    Request(Request),
    /// An empty frame: what the notes' client makes of a guessed `;`. It is not answered, because its guess is.
    Nothing,
    /// Answer [`Response::Unknown`].
    Unknown,
}

/// Takes requests from the front of the bytes received so far: the server's side.
///
/// ```
/// use ch4_shared_state::guessword::wire::{Incoming, Request, Requests};
///
/// let mut received = b"D:QWxpY2U=;B:e;B".to_vec();
/// let (mut requests, mut read) = (Requests::default(), Vec::new());
/// while let Some((incoming, consumed)) = requests.decode(&received)? {
///     read.push(incoming);
///     received.drain(..consumed);
/// }
/// assert_eq!(read[0], Incoming::Request(Request::Join(Some("Alice".into()))));
/// assert_eq!(read[1], Incoming::Request(Request::Guess(Some('e'))));
/// assert_eq!(received, b"B");
/// # Ok::<(), common::protocol::textframe::TooLong>(())
/// ```
#[derive(Debug, Clone)]
pub struct Requests(Decoder);

impl Default for Requests {
    fn default() -> Self {
        Requests(Decoder::new(REQUEST_LIMIT))
    }
}

impl Requests {
    /// The request at the front and how many bytes it took; `None` while its end has not come. Call it as
    /// [`Decoder::decode`].
    ///
    /// # Errors
    /// [`TooLong`]: nobody knows where the next request begins.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Option<(Incoming, usize)>, TooLong> {
        Ok(self.0.decode(bytes)?.map(|(frame, consumed)| (Incoming::parse(frame), consumed)))
    }
}

/// Takes responses from the front of the bytes received so far: the client's side.
#[derive(Debug, Clone)]
pub struct Responses(Decoder);

impl Default for Responses {
    fn default() -> Self {
        Responses(Decoder::new(RESPONSE_LIMIT))
    }
}

impl Responses {
    /// The response at the front and how many bytes it took; `None` while its end has not come. Call it as
    /// [`Decoder::decode`].
    ///
    /// # Errors
    /// [`NotTheGame`]: the other side does not speak this protocol.
    pub fn decode(&mut self, bytes: &[u8]) -> Result<Option<(Response, usize)>, NotTheGame> {
        let Some((frame, consumed)) = self.0.decode(bytes)? else { return Ok(None) };
        let Some(response) = Response::parse(frame) else { return Err(NotTheGame::Senseless) };
        Ok(Some((response, consumed)))
    }
}

/// The server said something that the game's server would not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTheGame {
    /// A frame that is no response.
    #[error("the server's answer makes no sense: it is not a guess-word server")]
    Senseless,
    /// A frame without an end.
    #[error(transparent)]
    TooLong(#[from] TooLong),
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
}

fn encode_code(code: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[code, b':', b';']);
}

fn encode_verdict(code: u8, yes: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(&[code, b':', if yes { b'1' } else { b'0' }, b';']);
}

impl From<Request> for Incoming {
    fn from(request: Request) -> Incoming {
        Incoming::Request(request)
    }
}

impl Incoming {
    /// What a frame means. No frame is an error: the one that means nothing is answered, and the next one is read.
    pub fn parse(frame: Frame<'_>) -> Incoming {
        read::incoming(frame)
    }
}

impl Response {
    /// What a frame means; `None` when it is no response.
    pub fn parse(frame: Frame<'_>) -> Option<Response> {
        read::response(frame)
    }
}

#[cfg(test)]
mod tests;
