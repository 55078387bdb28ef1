//! The guess-word game's messages, in the frames of `textframe`. Notes, chapter 4: *shared state*.
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
mod payload;
mod request;
mod response;

use common::protocol::textframe::{Decoder, TooLong};
pub use notice::{Event, Notice};
pub use request::{Incoming, Request};
pub use response::{Response, Score};

/// The longest request in bytes, with its `;`: a word of 64 letters of four bytes each, in base64, with room for line breaks.
pub const REQUEST_LIMIT: usize = 1024;

/// The longest response in bytes, with its `;`: the scores of [`SCORES_LIMIT`] players with the longest names.
pub const RESPONSE_LIMIT: usize = 128 * 1024;

/// The longest name in bytes.
pub const NAME_LIMIT: usize = 32;

/// Most players in one answer to a request for the scores: the best ones.
pub const SCORES_LIMIT: usize = 1000;

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

#[cfg(test)]
mod tests;
