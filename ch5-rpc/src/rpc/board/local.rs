//! The board itself, in this process.
//!
//! A message is put up without an await in between: a call that is cancelled has happened whole, or not at all.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use common::board::{Board as Messages, Id, Limits, Message};
use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::remembered::Remembered;
use super::{Board, CallContext, CallError};
use crate::rpc::interface::{BoardError, CallId, News, Posting, Seen, Text};

/// What a message takes in an answer besides its text, at most.
const AROUND_A_TEXT: usize = 64;

/// What an id takes in an answer, at least.
const AN_ID: usize = 1;

/// What a board is to be like.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How much it holds.
    pub board: Limits,
    /// So many calls that have been executed are remembered.
    pub call_ids: usize,
    /// No answer is gathered that is longer.
    pub frame: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { board: Limits::default(), call_ids: 100_000, frame: 8 << 20 }
    }
}

/// The board.
#[derive(Debug)]
pub struct LocalBoard {
    state: Mutex<State>,
    /// The id of the next message.
    news: watch::Sender<u64>,
    /// Tells this board from the one that the server had before it was restarted.
    number: u64,
    frame: usize,
    stop: CancellationToken,
}

#[derive(Debug)]
struct State {
    messages: Messages,
    remembered: Remembered,
}

impl LocalBoard {
    /// An empty board. Cancel `stop` to answer those who wait.
    #[must_use]
    pub fn new(settings: Settings, stop: CancellationToken) -> LocalBoard {
        let (messages, remembered) = (Messages::new(settings.board), Remembered::new(settings.call_ids));
        LocalBoard {
            state: Mutex::new(State { messages, remembered }),
            news: watch::Sender::new(0),
            number: rand::random_range(1..=u64::MAX),
            frame: settings.frame,
            stop,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held ended one call; the board is whole after every step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_up(
        &self,
        from: std::net::SocketAddr,
        text: Text,
        call: Option<CallId>,
    ) -> Result<u64, BoardError> {
        let mut state = self.state();
        if let Some(result) = call.and_then(|call| state.remembered.result(call)) {
            return Ok(result);
        }
        let published = state.messages.publish(text.0, from, SystemTime::now().into());
        let Id(id) = published.map_err(|full| BoardError::Full(full.to_string()))?;
        // Under the same lock: between the two, the same call could come once more.
        if let Some(call) = call {
            state.remembered.remember(call, id);
        }
        drop(state);
        self.news.send_replace(id + 1);
        Ok(id)
    }

    fn too_long(&self) -> CallError {
        CallError::Failed(BoardError::AnswerTooLong { limit: self.frame as u64 })
    }

    /// The messages from this id on, as many as fit in an answer, but at least one.
    fn since(&self, from: u64) -> Vec<Posting> {
        let state = self.state();
        let mut length = 0;
        let fits = |message: &&Message| {
            let is_first = length == 0;
            length += message.text.len() + AROUND_A_TEXT;
            is_first || length <= self.frame
        };
        let messages = state.messages.since(Id(from)).iter().take_while(fits);
        messages.zip(from..).map(|(message, id)| posting(id, message)).collect()
    }
}

fn posting(id: u64, message: &Message) -> Posting {
    Posting { id, time: message.time.0, from: message.from, text: Text(message.text.clone()) }
}

impl Board for LocalBoard {
    async fn publish(
        &self,
        context: CallContext,
        text: Text,
        call: Option<CallId>,
    ) -> Result<u64, CallError> {
        self.put_up(context.from, text, call).map_err(CallError::Failed)
    }

    async fn last(&self, _context: CallContext, count: u64) -> Result<Vec<u64>, CallError> {
        let ids = self.state().messages.last(count);
        if ids.len() * AN_ID > self.frame {
            return Err(self.too_long());
        }
        Ok(ids.map(|id| id.0).collect())
    }

    async fn get(&self, _context: CallContext, id: u64) -> Result<Posting, CallError> {
        let state = self.state();
        let message = state.messages.message(Id(id)).ok_or(CallError::Failed(BoardError::NoMessage(id)))?;
        Ok(posting(id, message))
    }

    async fn last_with_text(&self, _context: CallContext, count: u64) -> Result<Vec<Posting>, CallError> {
        let state = self.state();
        let (first, messages) = (state.messages.last(count).next(), state.messages.last_messages(count));
        let mut length = 0;
        // Counted before it is gathered. What an encoding makes of it is the codec's to refuse.
        if messages.iter().any(|message| {
            length += message.text.len();
            length > self.frame
        }) {
            return Err(self.too_long());
        }
        let first = first.map_or(0, |id| id.0);
        Ok(messages.iter().zip(first..).map(|(message, id)| posting(id, message)).collect())
    }

    async fn wait(&self, context: CallContext, seen: Seen) -> Result<News, CallError> {
        // A board that is not known yet has not changed.
        let from = if [0, self.number].contains(&seen.board) { seen.next } else { 0 };
        if seen.board == self.number {
            let mut news = self.news.subscribe();
            tokio::select! {
                _ = news.wait_for(|&next| next > from) => {}
                () = sleep_until(shortly_before(context.deadline).into()) => {}
                () = self.stop.cancelled() => {}
            }
        }
        let messages = self.since(from);
        let next = messages.last().map_or(from, |message| message.id + 1);
        Ok(News { seen: Seen { board: self.number, next }, messages })
    }
}

/// An empty answer that comes at the deadline comes too late: a tenth of the time, up to a fifth of a second, is for the way.
fn shortly_before(deadline: Instant) -> Instant {
    const MOST: Duration = Duration::from_millis(200);
    let left = deadline.saturating_duration_since(Instant::now());
    deadline - (left / 10).min(MOST)
}
