//! The guess-word game as a service, with three clients at once, who say anything, cut anywhere, and come and go.
//!
//! A fourth joins first, does nothing, and hears all that happens: its notices are the history of the game. Whatever the script,
//! - the history obeys the rules: a word at a time, each letter a point once per round, the last letter wins;
//! - every player hears the history from their joining on, and nothing else;
//! - whoever is told *yes* has just heard of it, and whoever is told *no* has not;
//! - the word so far and the scores are what the history makes of them.

mod history;

use std::collections::VecDeque;
use std::sync::Arc;

use ch4_shared_state::guessword::service::GuessService;
use ch4_shared_state::guessword::wire::{Event, Incoming, Notice, Request, Requests, Response, Responses};
use common::core::work::AnyService;

use super::caller::Caller;
use super::tape::Tape;
use history::{History, Moment};

const NAMES: [&str; 5] = ["Ann", "Bo", "Ear", "Žürii", "two words"];
const WORDS: [&str; 7] = ["eel", "Ice-cream", "x", "Straße", "Σίσυφος", " o'õ ", "no 1"];

/// A script: what three clients do.
pub fn game(script: &[u8]) {
    let mut world = World::new();
    let mut tape = Tape(script);
    while !tape.is_over() {
        world.act(&mut tape);
    }
    world.end();
}

struct World {
    service: Arc<dyn AnyService>,
    ear: Caller,
    peers: Vec<Peer>,
    last_port: u16,
    history: History,
}

struct Peer {
    caller: Caller,
    /// Its name, from the moment when the game has taken it in.
    name: Option<String>,
    /// Where in the history it is with its hearing, once it has joined.
    place: usize,
    /// What was handled and is not answered yet, and how it was then.
    due: VecDeque<(Incoming, Moment)>,
    /// What it has just done, by its own notice; the answer follows.
    just: Option<Event>,
}

impl World {
    fn new() -> World {
        let service: Arc<dyn AnyService> = Arc::new(GuessService::new(None));
        let mut ear = Caller::connect(&service, 1);
        ear.say(&encode(&Request::Join(Some("Ear".into()))));
        ear.deliver(usize::MAX);
        let mut world = World { service, ear, peers: Vec::new(), last_port: 1, history: History::default() };
        let joined = world.overhear();
        world.history.add(joined);
        world.peers = (0..3).map(|_| world.arrive()).collect();
        world
    }

    fn arrive(&mut self) -> Peer {
        self.last_port += 1;
        Peer {
            caller: Caller::connect(&self.service, self.last_port),
            name: None,
            place: 0,
            due: VecDeque::new(),
            just: None,
        }
    }

    /// What the silent player has heard since.
    fn overhear(&mut self) -> Vec<Notice> {
        while self.ear.step() {}
        self.ear.read(usize::MAX);
        let mut notices = Vec::new();
        while let Some(response) = hear(&mut self.ear) {
            match response {
                Response::Notice(notice) => notices.push(notice),
                other => assert_eq!(other, Response::Join(true)),
            }
        }
        notices
    }

    fn act(&mut self, tape: &mut Tape<'_>) {
        let step = tape.byte();
        let who = usize::from(step >> 4) % self.peers.len();
        let text = |tape: &mut Tape<'_>| Some(String::from_utf8_lossy(tape.bytes()).into_owned());
        let request = match step % 16 {
            0 => Request::State,
            1 => Request::Scores,
            2 => Request::Join(Some(tape.pick(&NAMES).into())),
            3 => Request::Join(text(tape)),
            4 => Request::Propose(Some(tape.pick(&WORDS).into())),
            5 => Request::Propose(text(tape)),
            6..=7 => Request::Guess(Some(tape.byte().into())),
            8 => Request::Guess(char::from_u32(tape.word().into())),
            9 => return self.peers[who].caller.say(tape.bytes()),
            10 => return self.receive(who, tape.byte().into()),
            11 => return self.receive(who, usize::MAX),
            12 => return self.listen(who, tape.byte().into()),
            13 => return self.listen(who, usize::MAX),
            14 => return self.leave(who),
            _ => {
                self.receive(who, usize::MAX);
                return self.listen(who, usize::MAX);
            }
        };
        self.peers[who].caller.say(&encode(&request));
    }

    /// Bytes arrive at the server, which handles what is whole of them.
    fn receive(&mut self, who: usize, count: usize) {
        self.peers[who].caller.deliver(count);
        while self.peers[who].caller.step() {
            let undecoded = &mut self.peers[who].caller.undecoded;
            let decoded = Requests::default().decode(undecoded);
            let (incoming, used) = decoded.expect("short").expect("whole, or it would not be handled");
            undecoded.drain(..used);
            let before = self.history.notices.len();
            self.note(who);
            let peer = &mut self.peers[who];
            let happened = self.history.notices.len() - before;
            assert!(happened <= 1, "a request does one thing at most");
            if let Some(Notice { name, event: Event::Joined }) = self.history.notices.get(before) {
                peer.name = Some(name.clone());
                peer.place = before;
            }
            if incoming != Incoming::Nothing {
                peer.due.push_back((incoming, self.history.moment(peer.name.is_some())));
            }
        }
    }

    /// What has happened, by this player.
    fn note(&mut self, who: usize) {
        let notices = self.overhear();
        for notice in &notices {
            let name = &self.peers[who].name;
            assert!(name.as_ref().is_none_or(|name| *name == notice.name), "{notice} was not {name:?}");
            assert!(name.is_some() || notice.event == Event::Joined, "{notice} without having joined");
        }
        self.history.add(notices);
    }

    /// So many bytes reach the client, which looks at what is whole of them.
    fn listen(&mut self, who: usize, count: usize) {
        self.receive(who, 0); // as a driver does before it sends: what was pushed leaves too
        let peer = &mut self.peers[who];
        peer.caller.read(count);
        while let Some(response) = hear(&mut peer.caller) {
            peer.check(response, &self.history);
        }
        if peer.caller.is_over() {
            self.leave(who); // it has sent a frame without an end
        }
    }

    /// The client is gone, whatever was under way; and another comes.
    fn leave(&mut self, who: usize) {
        let next = self.arrive();
        let gone = std::mem::replace(&mut self.peers[who], next);
        drop(gone.caller);
        let notices = self.overhear();
        let expected: Vec<Notice> =
            gone.name.into_iter().map(|name| Notice { name, event: Event::Left }).collect();
        assert_eq!(notices, expected);
        self.history.add(notices);
    }

    /// Everybody reads everything.
    fn end(mut self) {
        for who in 0..self.peers.len() {
            self.receive(who, usize::MAX);
        }
        for who in 0..self.peers.len() {
            self.listen(who, usize::MAX);
            let Peer { caller, name, place, due, just } = &self.peers[who];
            assert!(due.is_empty(), "{due:?} is not answered");
            assert!(caller.heard.is_empty(), "{} is half a message", caller.heard.escape_ascii());
            assert_eq!(*just, None);
            assert!(name.is_none() || *place == self.history.notices.len(), "something was not heard of");
        }
    }
}

impl Peer {
    fn check(&mut self, response: Response, history: &History) {
        if let Response::Notice(notice) = response {
            assert!(self.name.is_some(), "told {notice} without having joined");
            assert_eq!(history.notices.get(self.place), Some(&notice));
            assert_eq!(self.just, None, "not answered before the next thing happens");
            self.place += 1;
            if self.name.as_ref() == Some(&notice.name) {
                self.just = Some(notice.event);
            }
            return;
        }
        let just = self.just.take();
        let Some((incoming, moment)) = self.due.pop_front() else {
            assert_eq!(
                (response, just),
                (Response::Unknown, None),
                "all is answered but a frame without an end"
            );
            return;
        };
        let Incoming::Request(request) = incoming else {
            assert_eq!((response, just), (Response::Unknown, None));
            return;
        };
        if !moment.has_joined && !matches!(request, Request::Join(_)) {
            assert_eq!((response, just), (Response::NotJoined, None));
            return;
        }
        let (said, done) = match (&request, &response) {
            (Request::State, Response::State(progress)) => return moment.check_progress(progress),
            (Request::Scores, Response::Scores(scores)) => return moment.check_scores(scores),
            (Request::Join(_), Response::Join(said)) => (said, just == Some(Event::Joined)),
            (Request::Propose(_), Response::Propose(said)) => {
                (said, matches!(just, Some(Event::Proposed { .. })))
            }
            (Request::Guess(_), Response::Guess(said)) => {
                (said, matches!(just, Some(Event::Guessed(_) | Event::Won { .. })))
            }
            _ => panic!("{request:?} is answered with {response:?}"),
        };
        assert_eq!(
            (*said, just.is_some()),
            (done, done),
            "{request:?} is answered with {response:?} after {just:?}"
        );
    }
}

/// The next message, if it is whole.
fn hear(caller: &mut Caller) -> Option<Response> {
    let decoded = Responses::default().decode(&caller.heard);
    let (response, consumed) = decoded.expect("a message of the game")?;
    caller.heard.drain(..consumed);
    Some(response)
}

fn encode(request: &Request) -> Vec<u8> {
    let mut frame = Vec::new();
    request.encode(&mut frame);
    frame
}
