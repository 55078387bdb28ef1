//! What the keyboard's thread and the listener share.

use std::collections::VecDeque;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::bail;

use crate::notification::client::catch_up::{CatchUp, News};
use crate::notification::client::error::Gone;
use crate::notification::wire::NotTheBoard;

/// So many messages that were typed wait for a connection.
const MOST_WAITING: usize = 1000;

/// The connection, whether there is one just now or not.
#[derive(Default)]
pub struct SharedConnection {
    /// Locked before `state`, where both are.
    outgoing: Mutex<Outgoing>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct Outgoing {
    /// The sending half; `None` while there is no connection.
    sender: Option<TcpStream>,
    /// What is typed may be sent: all that is on the board has come.
    caught_up: bool,
    waiting: VecDeque<(Vec<u8>, Vec<u8>)>,
}

#[derive(Default)]
struct State {
    catch_up: CatchUp,
    /// Messages that were typed, and are neither acknowledged nor given up.
    due: usize,
    /// Nothing more is typed, and the answers are waited for.
    leaving: bool,
    /// Why there is nothing more to hear.
    end: Option<anyhow::Error>,
}

/// Too much was typed without a connection.
#[derive(Debug, thiserror::Error)]
#[error("not taken: {MOST_WAITING} messages wait for the connection already")]
pub struct TooManyWait;

impl SharedConnection {
    fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a text, now or when there is a connection.
    pub fn publish(&self, text: &[u8], frame: Vec<u8>) -> Result<(), TooManyWait> {
        let mut outgoing = self.outgoing();
        if outgoing.waiting.len() >= MOST_WAITING {
            return Err(TooManyWait);
        }
        outgoing.waiting.push_back((text.to_vec(), frame));
        self.state().due += 1;
        self.send_what_waits(&mut outgoing);
        Ok(())
    }

    fn send_what_waits(&self, outgoing: &mut Outgoing) {
        while outgoing.caught_up
            && let Some((text, frame)) = outgoing.waiting.pop_front()
        {
            self.state().catch_up.sent(text);
            outgoing.send(&frame);
        }
    }

    /// A connection is made, and `sender` is its sending half.
    pub fn connected(&self, sender: TcpStream) {
        let mut outgoing = self.outgoing();
        let mut first = Vec::new();
        self.state().catch_up.connected(sender.local_addr().ok(), &mut first);
        outgoing.sender = Some(sender);
        outgoing.send(&first);
    }

    /// It has broken. From now on what is typed waits.
    pub fn disconnected(&self) {
        let mut outgoing = self.outgoing();
        outgoing.caught_up = false;
        outgoing.sender = None;
    }

    /// Bytes have come: what is new in them. What there is to be said to the server is sent.
    pub fn receive(&self, bytes: &[u8]) -> Result<Vec<News>, NotTheBoard> {
        let (mut news, mut reply) = (Vec::new(), Vec::new());
        let mut state = self.state();
        state.catch_up.receive(bytes, &mut news, &mut reply)?;
        for news in &news {
            match news {
                News::Published | News::Refused => state.due = state.due.saturating_sub(1),
                // Who leaves does not wait for what will not be known, and learns it by the status.
                News::Unknown(_) if state.leaving => state.end = Some(Gone::Ended.into()),
                News::Unknown(_) => state.due = state.due.saturating_sub(1),
                _ => {}
            }
        }
        self.changed.notify_one();
        drop(state);
        let mut outgoing = self.outgoing();
        outgoing.send(&reply);
        if news.contains(&News::CaughtUp) {
            outgoing.caught_up = true;
            self.send_what_waits(&mut outgoing);
        }
        Ok(news)
    }

    /// There is nothing more to hear.
    pub fn ended(&self, why: anyhow::Error) {
        self.state().end = Some(why);
        self.changed.notify_one();
    }

    /// Why there is nothing more to hear, once.
    pub fn take_end(&self) -> Option<anyhow::Error> {
        self.state().end.take()
    }

    /// Waits until all that was typed is acknowledged.
    pub fn wait_for_answers(&self, timeout: Duration) -> anyhow::Result<()> {
        let mut state = self.state();
        state.leaving = true;
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, timeout, |state| state.due > 0 && state.end.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        let messages = if state.due == 1 { "message was" } else { "messages were" };
        match (state.due, state.end.take()) {
            (0, _) => Ok(()),
            (due, Some(end)) => Err(end.context(format!("{due} of your {messages} not acknowledged"))),
            (due, None) => bail!("{due} of your {messages} not acknowledged"),
        }
    }
}

impl Outgoing {
    /// Sends it. A connection that takes nothing has broken: the listener hears of it.
    fn send(&mut self, bytes: &[u8]) {
        if let Some(sender) = &mut self.sender
            && sender.write_all(bytes).is_err()
        {
            let _ = sender.shutdown(Shutdown::Both);
        }
    }
}
