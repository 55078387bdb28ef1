//! What a message board is, to one client alone: the text board over UDP and TCP, and the notification board of chapter 4.
//!
//! ```text
//!   publish "a"  ok, id 0           get 0    "a"              last 2       0 1
//!   publish "b"  ok, id 1           get 9    none             last 2 with texts   "a" "b"
//!                                   news     "a" "b"          what this connection has not got yet
//! ```
//!
//! Who sent a message and when is not in it: only the server knows. So are no two texts the same: a history that publishes each text
//! once tells a lost message from a doubled one.
//!
//! The wire does not say which id a published message got, and so the search would have to guess the order of publications that
//! overlap, and to find out much later that it guessed wrong. But it is in the history: whoever read the message read its id.
//! [`Board::learn_ids`] writes it into the answer, which excludes no order that was possible before.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::history::{Call, History};
use super::specification::Specification;

/// A message's text.
pub type Text = Arc<str>;

/// What is asked of a board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Put this text on the board.
    Publish(Text),
    /// The ids of the last so many messages; 0 means all.
    Last(u64),
    /// The texts of the last so many; 0 means all.
    LastTexts(u64),
    /// The message with this id.
    Get(u64),
    /// How many messages contain this text.
    Search(Text),
    /// All that this connection has not got yet. Connections are numbered by the client.
    News(u32),
    /// Wait until this connection is notified. It is when there is something that it has not got yet.
    Notification(u32),
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is on the board, under this id, as far as it is known.
    Published(Option<u64>),
    /// Ids.
    Ids(Vec<u64>),
    /// A message, or that there is none.
    Message(Option<Text>),
    /// Messages, the oldest first.
    Texts(Vec<Text>),
    /// So many messages.
    Found(u64),
    /// Whether a notification came.
    Notified(bool),
    /// Anything else: never right.
    Refused(String),
}

/// A board, with what was on it before.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// The texts at the beginning.
    pub initial: Vec<Text>,
}

/// What has changed since the beginning.
#[derive(Debug, Clone, Default, Hash)]
pub struct State {
    published: Vec<Text>,
    /// How many messages each connection has got.
    got: BTreeMap<u32, usize>,
}

impl Specification for Board {
    type Operation = Operation;
    type Answer = Answer;
    type State = State;

    fn initial(&self) -> State {
        State::default()
    }

    fn step(&self, state: &State, operation: &Operation) -> (Answer, Option<State>) {
        let size = self.initial.len() + state.published.len();
        let last = |count: u64| match usize::try_from(count) {
            Ok(0) | Err(_) => 0,
            Ok(count) => size.saturating_sub(count),
        };
        match operation {
            Operation::Publish(text) => {
                let mut after = state.clone();
                after.published.push(Arc::clone(text));
                (Answer::Published(Some(size as u64)), Some(after))
            }
            Operation::Last(count) => {
                (Answer::Ids((last(*count)..size).map(|index| index as u64).collect()), None)
            }
            Operation::LastTexts(count) => (Answer::Texts(self.texts(state, last(*count))), None),
            Operation::Get(id) => {
                let index = usize::try_from(*id).ok();
                let text = index.and_then(|index| match index.checked_sub(self.initial.len()) {
                    None => self.initial.get(index),
                    Some(index) => state.published.get(index),
                });
                (Answer::Message(text.cloned()), None)
            }
            Operation::Search(needle) => {
                let texts = self.initial.iter().chain(&state.published);
                let found = texts.filter(|text| text.contains(&**needle)).count();
                (Answer::Found(found as u64), None)
            }
            Operation::News(connection) => {
                let got = state.got.get(connection).copied().unwrap_or(0);
                let news = self.texts(state, got);
                let after = (!news.is_empty()).then(|| {
                    let mut after = state.clone();
                    after.got.insert(*connection, size);
                    after
                });
                (Answer::Texts(news), after)
            }
            Operation::Notification(connection) => {
                let got = state.got.get(connection).copied().unwrap_or(0);
                (Answer::Notified(got < size), None)
            }
        }
    }

    fn agrees(&self, right: &Answer, given: &Answer) -> bool {
        matches!((right, given), (Answer::Published(_), Answer::Published(None))) || right == given
    }

    fn is_read(&self, operation: &Operation, answer: &Answer) -> bool {
        match operation {
            Operation::Publish(_) => false,
            Operation::News(_) => matches!(answer, Answer::Texts(texts) if texts.is_empty()),
            Operation::Last(_)
            | Operation::LastTexts(_)
            | Operation::Get(_)
            | Operation::Search(_)
            | Operation::Notification(_) => true,
        }
    }
}

impl Board {
    fn texts(&self, state: &State, from: usize) -> Vec<Text> {
        self.initial.iter().chain(&state.published).skip(from).cloned().collect()
    }

    /// Writes into each publication's answer the id under which its text was read, where every reader read the same.
    #[must_use]
    pub fn learn_ids(&self, history: &History<Operation, Answer>) -> History<Operation, Answer> {
        let mut ids: BTreeMap<Text, Option<u64>> = BTreeMap::new();
        let mut learn = |text: &Text, id: u64| {
            let known = ids.entry(Arc::clone(text)).or_insert(Some(id));
            *known = known.filter(|&known| known == id);
        };
        let mut got: BTreeMap<u32, u64> = BTreeMap::new();
        for call in history.calls() {
            match (&call.operation, call.answer()) {
                (Operation::Get(id), Some(Answer::Message(Some(text)))) => learn(text, *id),
                (Operation::LastTexts(0), Some(Answer::Texts(texts))) => {
                    texts.iter().zip(0..).for_each(|(text, id)| learn(text, id));
                }
                (Operation::News(connection), Some(Answer::Texts(texts))) => {
                    let got = got.entry(*connection).or_default();
                    texts.iter().zip(*got..).for_each(|(text, id)| learn(text, id));
                    *got += texts.len() as u64;
                }
                _ => {}
            }
        }
        let mut published: BTreeMap<Text, u32> = BTreeMap::new();
        for text in self.initial.iter().chain(history.calls().iter().filter_map(published_text)) {
            *published.entry(Arc::clone(text)).or_default() += 1;
        }
        let calls = history.calls().iter().cloned().map(|mut call| {
            if let Operation::Publish(text) = &call.operation
                && published.get(text) == Some(&1)
                && let Some((_, Answer::Published(id @ None))) = &mut call.returned
            {
                *id = ids.get(text).copied().flatten();
            }
            call
        });
        History::new(calls.collect())
    }
}

fn published_text(call: &Call<Operation, Answer>) -> Option<&Text> {
    match &call.operation {
        Operation::Publish(text) => Some(text),
        _ => None,
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Publish(text) => write!(f, "publish {text}"),
            Operation::Last(0) => f.write_str("ids of all"),
            Operation::Last(count) => write!(f, "last {count} ids"),
            Operation::LastTexts(0) => f.write_str("all texts"),
            Operation::LastTexts(count) => write!(f, "last {count} texts"),
            Operation::Get(id) => write!(f, "get {id}"),
            Operation::Search(needle) => write!(f, "search {needle}"),
            Operation::News(_) => f.write_str("news"),
            Operation::Notification(_) => f.write_str("wait for a notification"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Published(None) => f.write_str("ok"),
            Answer::Published(Some(id)) => write!(f, "ok, as {id}"),
            Answer::Ids(ids) => f.write_str(&list(ids)),
            Answer::Message(None) => f.write_str("no such message"),
            Answer::Message(Some(text)) => f.write_str(text),
            Answer::Texts(texts) => f.write_str(&list(texts)),
            Answer::Found(count) => write!(f, "{count} found"),
            Answer::Notified(true) => f.write_str("notified"),
            Answer::Notified(false) => f.write_str("never notified"),
            Answer::Refused(why) => f.write_str(why),
        }
    }
}

fn list(items: &[impl fmt::Display]) -> String {
    if items.is_empty() {
        return "nothing".into();
    }
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
