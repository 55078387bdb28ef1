//! Nobody shares: one thread owns the board, and the others ask it by messages. It is how actors work, and how servers share with other
//! servers.
//!
//! ```text
//!   any thread ── request, with where to answer ──► [ bounded queue ] ──► owner ──► answer
//! ```
//!
//! The owner's code needs no lock and no thought of one. The price: a call is two messages and, when the owner sleeps, two switches of
//! threads, tens of microseconds instead of tens of nanoseconds; and the owner is one thread however many cores there are.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::recent::Recent;
use super::shared_board::{SharedBoard, Text};

/// Requests that wait for the owner; a caller waits when there are more.
const QUEUE: usize = 1024;

/// A board that a thread owns.
#[derive(Debug)]
pub struct Owned {
    requests: Option<SyncSender<Call>>,
    owner: Option<JoinHandle<()>>,
}

enum Call {
    Publish(Text, SyncSender<u64>),
    Message(u64, SyncSender<Option<Text>>),
    Last(usize, SyncSender<Vec<Text>>),
    Search(String, SyncSender<usize>),
}

impl Owned {
    /// Starts the owner, with an empty board.
    pub fn new() -> Owned {
        let (requests, queue) = sync_channel(QUEUE);
        Owned { requests: Some(requests), owner: Some(thread::spawn(move || own(&queue))) }
    }

    fn ask<A>(&self, request: impl FnOnce(SyncSender<A>) -> Call) -> A {
        let (reply, answer) = sync_channel(1);
        let requests = self.requests.as_ref().expect("the queue is closed by drop alone");
        requests.send(request(reply)).expect("the owner ends only when the queue does");
        answer.recv().expect("the owner answers every request")
    }
}

/// The owner: one request after another, until nobody can ask.
fn own(queue: &Receiver<Call>) {
    let mut board = Recent::default();
    for request in queue {
        // Whoever does not wait for the answer does not want it.
        match request {
            Call::Publish(text, reply) => drop(reply.send(board.publish(text))),
            Call::Message(id, reply) => drop(reply.send(board.message(id))),
            Call::Last(count, reply) => drop(reply.send(board.last(count))),
            Call::Search(needle, reply) => drop(reply.send(board.search(&needle))),
        }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(owner) = self.owner.take() {
            let _ = owner.join();
        }
    }
}

impl SharedBoard for Owned {
    fn publish(&self, text: Text) -> u64 {
        self.ask(|reply| Call::Publish(text, reply))
    }

    fn message(&self, id: u64) -> Option<Text> {
        self.ask(|reply| Call::Message(id, reply))
    }

    fn last(&self, count: usize) -> Vec<Text> {
        self.ask(|reply| Call::Last(count, reply))
    }

    /// The owner searches, and everybody else's requests wait. Handing out the texts instead, to be searched by who asked, would be
    /// a snapshot.
    fn search(&self, needle: &str) -> usize {
        self.ask(|reply| Call::Search(needle.into(), reply))
    }
}
