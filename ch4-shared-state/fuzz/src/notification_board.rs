//! The notification board as a service, with four clients at once, who say anything, cut anywhere, and come and go.
//!
//! Beside it runs a board that is simple: a list, and for each client how much of it the client has got. Whatever the script,
//! - each answer is the one that the simple board gives: no message twice, none missed, one order for all;
//! - whoever is connected when something is published is notified after that, or is already on the way to be;
//! - in the end everybody gets what is left.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use ch4_shared_state::notification::service::NotificationService;
use ch4_shared_state::notification::wire::{BadRequest, Request, Requests, Response, Responses};
use common::board::Limits;
use common::core::outbox::WhenFull;
use common::core::work::AnyService;
use common::protocol::mboard::response::Posted;

use super::caller::Caller;
use super::tape::Tape;

/// Small, so that a short script reaches both.
const LIMITS: Limits = Limits { bytes: 300, messages: 20 };

/// A script: what four clients do.
pub fn notification_board(script: &[u8]) {
    let mut tape = Tape(script);
    let mut world = World::new(tape.pick(&[WhenFull::Skip, WhenFull::Disconnect]));
    while !tape.is_over() {
        world.act(&mut tape);
    }
    world.end();
}

struct World {
    service: Arc<dyn AnyService>,
    peers: Vec<Peer>,
    last_port: u16,
    /// Everything published: by which port, and what.
    board: Vec<(u16, Vec<u8>)>,
}

struct Peer {
    caller: Caller,
    responses: Responses,
    /// How the requests that were handled must be answered, the oldest first.
    due: VecDeque<Due>,
    /// What it has got of the board, or will with the answers under way.
    got: usize,
    /// Something was published, and no notification has come since.
    is_owed: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Due {
    Published,
    BadFormat,
    UnknownControl,
    News(Range<usize>),
}

impl World {
    fn new(when_full: WhenFull) -> World {
        let service = Arc::new(NotificationService::new(LIMITS, when_full, Duration::ZERO));
        let mut world = World { service, peers: Vec::new(), last_port: 0, board: Vec::new() };
        world.peers = (0..4).map(|_| world.arrive()).collect();
        world
    }

    fn arrive(&mut self) -> Peer {
        self.last_port += 1;
        Peer {
            caller: Caller::connect(&self.service, self.last_port),
            responses: Responses::default(),
            due: VecDeque::new(),
            got: 0,
            is_owed: false,
        }
    }

    fn act(&mut self, tape: &mut Tape<'_>) {
        let step = tape.byte();
        let who = usize::from(step >> 4) % 4;
        let caller = &mut self.peers[who].caller;
        match step % 16 {
            0..=2 => caller.say(b"2:;"),
            3..=5 => {
                let mut frame = Vec::new();
                Request::Publish(tape.bytes().to_vec()).encode(&mut frame);
                caller.say(&frame);
            }
            6 => caller.say(tape.bytes()),
            7..=8 => caller.deliver(tape.byte().into()),
            9 => caller.deliver(usize::MAX),
            10 => self.listen(who, tape.byte().into()),
            11..=12 => self.listen(who, usize::MAX),
            13 => self.leave(who),
            14 => self.peers[who] = self.arrive(), // the other is gone, whatever was under way
            _ => return,
        }
        self.handle(who);
    }

    /// The server handles what has come from this client.
    fn handle(&mut self, who: usize) {
        while self.peers[who].caller.step() {
            let undecoded = &mut self.peers[who].caller.undecoded;
            let decoded = Requests::default().decode(undecoded);
            let (request, used) = decoded.expect("short").expect("whole, or it would not be handled");
            undecoded.drain(..used);
            let due = self.due(who, request);
            self.peers[who].due.push_back(due);
        }
        assert!(!self.peers[who].caller.is_over(), "nobody is hung up on");
    }

    /// What the simple board does.
    fn due(&mut self, who: usize, request: Result<Request, BadRequest>) -> Due {
        match request {
            Err(BadRequest::Format) => Due::BadFormat,
            Err(BadRequest::UnknownControl) => Due::UnknownControl,
            Ok(Request::Publish(text)) => {
                let bytes: usize = self.board.iter().map(|(_, text)| text.len()).sum();
                if self.board.len() == LIMITS.messages || bytes + text.len() > LIMITS.bytes {
                    return Due::BadFormat;
                }
                self.board.push((self.peers[who].caller.client.address.socket_address().port(), text));
                self.peers.iter_mut().for_each(|peer| peer.is_owed = true);
                Due::Published
            }
            Ok(Request::Get) => {
                let news = self.peers[who].got..self.board.len();
                self.peers[who].got = news.end;
                Due::News(news)
            }
        }
    }

    /// So many bytes reach the client.
    fn listen(&mut self, who: usize, count: usize) {
        self.handle(who); // as a driver does before it sends: what was pushed leaves too
        self.hear(who, count);
    }

    /// The client looks at what is whole of them.
    fn hear(&mut self, who: usize, count: usize) {
        let peer = &mut self.peers[who];
        peer.caller.read(count);
        while let Some((response, consumed)) = peer.responses.decode(&peer.caller.heard).expect("a response")
        {
            if response == Response::Notify {
                peer.is_owed = false;
            } else {
                let due = peer.due.pop_front().expect("an answer belongs to a request");
                check(response, due, &self.board);
            }
            peer.caller.heard.drain(..consumed);
        }
    }

    /// The client ends its stream, and reads to the end of ours.
    fn leave(&mut self, who: usize) {
        self.peers[who].caller.deliver(usize::MAX);
        self.handle(who);
        self.peers[who].caller.finish();
        assert!(!self.peers[who].caller.step(), "the end of a stream is no request");
        self.hear(who, usize::MAX);
        let Peer { caller, due, .. } = &mut self.peers[who];
        assert!(due.is_empty() && caller.heard.is_empty() && caller.is_over());
        self.peers[who] = self.arrive();
    }

    /// Everybody reads everything, is up to date about whether there is news, and gets it.
    fn end(mut self) {
        for what in [&b";"[..], b"2:;"] {
            for who in 0..self.peers.len() {
                self.peers[who].caller.say(what); // the first ends what was begun
                self.peers[who].caller.deliver(usize::MAX);
                self.handle(who);
            }
            for who in 0..self.peers.len() {
                self.listen(who, usize::MAX);
                let Peer { caller, due, is_owed, .. } = &self.peers[who];
                assert!(due.is_empty(), "{due:?} is not answered");
                assert!(caller.heard.is_empty(), "{} is half an answer", caller.heard.escape_ascii());
                assert!(!is_owed, "{} was not notified", caller.client);
            }
        }
        assert!(self.peers.iter().all(|peer| peer.got == self.board.len()));
    }
}

fn check(response: Response<'_>, due: Due, board: &[(u16, Vec<u8>)]) {
    let answered = match response {
        Response::Published => Due::Published,
        Response::BadFormat => Due::BadFormat,
        Response::UnknownControl => Due::UnknownControl,
        Response::Notify => unreachable!("it is no answer"),
        Response::Messages(messages) => {
            let Due::News(range) = due else { panic!("{due:?} is answered with news") };
            let lines: Vec<Vec<u8>> = messages.lines().map(|line| line.expect("base64")).collect();
            let posted = lines.iter().map(|line| Posted::parse_line(line).expect("a posted line"));
            let news: Vec<(u16, Vec<u8>)> =
                posted.map(|message| (message.from.port(), message.text.to_vec())).collect();
            assert_eq!(news, board[range]);
            return;
        }
    };
    assert_eq!(answered, due);
}
