//! The server of the sessions as a machine, under attack by four addresses at once.
//!
//! Whatever they send, and however long they wait:
//! - what is held stays within the limits, and is nothing in the end;
//! - an address that has not proved itself gets no more bytes than it sent (but for the 18 of the smallest Ethernet frame);
//! - no request is run twice, nor with a token that its sender was not given;
//! - the server always comes to rest: sending ends, and so do its timers.

use std::net::SocketAddr;
use std::time::Duration;

use ch2_sockets::session::datagram::{Ack, Data, Reason, Refusal, Side};
use ch2_sockets::session::pdu::{OPEN, OPEN_EXTENSION, ResponsePdu};
use ch2_sockets::session::{Batch, Config, ExchangeId, Held, IncomingRequest, Limits, Server};

use super::tape::Tape;

const SECRET: [u8; 32] = [42; 32];
const SECOND: Duration = Duration::from_secs(1);
/// Small, so that a short script reaches each of them.
const LIMITS: Limits = Limits {
    request: 40_000,
    response: 40_000,
    active_sessions_per_client: 3,
    active_sessions: 5,
    idle_sessions_per_client: 4,
    idle_sessions: 6,
    bytes_per_client: 60_000,
    bytes: 100_000,
    idle_timeout: Duration::from_secs(30),
    token_period: Duration::from_secs(30),
};
/// Sending that has not ended by then does not end.
const STEPS: usize = 10_000;

/// A script for the server: who sends what, and when.
pub fn session_server(script: &[u8]) {
    let mut attack = Attack::new();
    let mut tape = Tape(script);
    while !tape.is_over() {
        let step = tape.byte();
        attack.step(step, &mut tape);
        if step >= 128 {
            attack.transmit();
        }
        attack.check();
    }
    attack.end();
}

struct Attack {
    server: Server,
    now: Duration,
    addresses: [Address; 4],
    batch: Batch,
    sequence: u32,
    /// What every request of the original protocol is handed out as.
    nameless: ExchangeId,
    handed_out: Vec<ExchangeId>,
    /// Requests that have become complete: who, and the bytes of token and exchange.
    completed: Vec<(usize, Vec<u8>)>,
}

/// What an address has, and what went to and fro.
struct Address {
    name: SocketAddr,
    /// Those it was given, the newest last.
    tokens: Vec<u64>,
    session: u64,
    proved: bool,
    /// Bytes that it may get unproved.
    allowed: usize,
    got: usize,
}

impl Address {
    fn token(&self) -> u64 {
        self.tokens.last().copied().unwrap_or_default()
    }

    /// Whether this datagram carries one of its tokens.
    fn has(&self, datagram: &[u8]) -> bool {
        let is_ours = matches!(datagram.first(), Some(b'D' | b'K' | b'X'));
        is_ours && self.tokens.iter().any(|token| datagram.get(4..12) == Some(&token.to_be_bytes()))
    }
}

impl Attack {
    fn new() -> Attack {
        let names = ["192.0.2.1:1", "192.0.2.1:2", "192.0.2.9:1", "[2001:db8::1]:1"];
        let address = |name: &str| Address {
            name: name.parse().expect("an address"),
            tokens: Vec::new(),
            session: 0,
            proved: false,
            allowed: 0,
            got: 0,
        };
        let mut attack = Attack {
            server: Server::new(LIMITS, Config::default(), SECRET),
            now: Duration::ZERO,
            addresses: names.map(address),
            batch: Batch::new(),
            sequence: 0,
            nameless: nameless(),
            handed_out: Vec::new(),
            completed: Vec::new(),
        };
        // Everybody begins with a token and a session, because no fuzzer finds out how to get them.
        for who in 0..attack.addresses.len() {
            attack.open(who);
        }
        attack
    }

    fn step(&mut self, step: u8, tape: &mut Tape<'_>) {
        let who = usize::from(step >> 4) % 4;
        match step % 16 {
            0 => self.wait(Duration::from_millis(u64::from(tape.byte()).pow(2))),
            1 => self.send(who, tape.bytes()),
            2 => self.open(who),
            3..=5 => self.send_request(who, tape),
            6 => self.send_block(who, tape),
            7 => self.send_ack(who, tape),
            8 => self.send_refusal(who, tape),
            9 => self.send_original_block(who, tape),
            10 => self.send(who, format!("c?{}", self.addresses[who].session).as_bytes()),
            11..=13 => _ = self.answer(usize::from(tape.byte()).pow(2)),
            14 => self.fire(),
            _ => self.send_batch(who, tape),
        }
    }

    /// A request of one block: what fuzzers seldom put together.
    fn send_request(&mut self, who: usize, tape: &mut Tape<'_>) {
        let (exchange, payload) = (u32::from(tape.byte()), tape.bytes());
        let length = payload.len() as u32;
        let (token, side) = (self.addresses[who].token(), Side::Request);
        let data = Data { side, block_size: 1368, token, exchange, sequence: 0, length, block: 0 };
        self.send_data(who, data, payload);
    }

    /// Any block of any message, perhaps with somebody else's token.
    fn send_block(&mut self, who: usize, tape: &mut Tape<'_>) {
        let (whose, exchange) = (usize::from(tape.byte()) % 4, u32::from(tape.byte()));
        let (length, block) = (u32::from(tape.word()), u32::from(tape.byte()));
        let size = tape.pick(&[1368, 256, 255, 20_000]);
        let side = tape.pick(&[Side::Request, Side::Request, Side::Response]);
        let left = length.saturating_sub(block * u32::from(size));
        let payload = vec![7; left.min(size.into()) as usize];
        let token = self.addresses[whose].token();
        let data = Data { side, block_size: size, token, exchange, sequence: 0, length, block };
        self.send_data(who, data, &payload);
    }

    /// Sends a block with the next sequence.
    fn send_data(&mut self, who: usize, data: Data, payload: &[u8]) {
        self.sequence += 1;
        let data = Data { sequence: self.sequence, ..data };
        self.send(who, &[&data.encode(payload), payload].concat());
    }

    fn send_ack(&mut self, who: usize, tape: &mut Tape<'_>) {
        let ack = Ack {
            side: tape.pick(&[Side::Response, Side::Request]),
            token: self.addresses[usize::from(tape.byte()) % 4].token(),
            exchange: tape.byte().into(),
            largest: tape.byte().into(),
            delay: u32::from(tape.byte()).pow(4),
            cumulative: tape.byte().into(),
            window: u32::from(tape.byte()).pow(4),
        };
        let ranges = tape.bytes().chunks_exact(2).map(|pair| (pair[0].into(), pair[1].into()));
        let mut datagram = Vec::new();
        ack.encode(ranges, &mut datagram);
        self.send(who, &datagram);
    }

    fn send_refusal(&mut self, who: usize, tape: &mut Tape<'_>) {
        let token = self.addresses[usize::from(tape.byte()) % 4].token();
        let reason = tape.pick(&[Reason::Unknown, Reason::TooLong, Reason::NoRoom, Reason::NotUnderstood]);
        self.send(who, &Refusal { reason, token, exchange: tape.byte().into() }.encode());
    }

    fn send_original_block(&mut self, who: usize, tape: &mut Tape<'_>) {
        let (index, count, data) = (tape.byte(), tape.byte(), tape.bytes());
        let session = self.addresses[usize::from(tape.byte()) % 4].session;
        let head = format!("b?{session}?{index}?{count}?{}?", data.len());
        self.send(who, &[head.as_bytes(), data].concat());
    }

    /// Several datagrams at once, as the kernel glues them together.
    fn send_batch(&mut self, who: usize, tape: &mut Tape<'_>) {
        let (segment, bytes) = (usize::from(tape.byte()), tape.bytes());
        if bytes.is_empty() {
            self.note(who, bytes); // one datagram, without contents
        }
        bytes.chunks(segment.max(1)).for_each(|datagram| self.note(who, datagram));
        self.server.handle_datagram(self.now, self.addresses[who].name, segment, bytes);
    }

    fn send(&mut self, who: usize, datagram: &[u8]) {
        self.note(who, datagram);
        let delivered = self.server.statistics().delivered;
        self.server.handle_datagram(self.now, self.addresses[who].name, datagram.len(), datagram);
        if self.server.statistics().delivered > delivered && datagram[0] == b'D' {
            let request = (who, datagram[4..16].to_vec());
            assert!(self.addresses[who].has(datagram), "a request with somebody else's token");
            assert!(!self.completed.contains(&request), "a request is complete twice");
            self.completed.push(request);
        }
    }

    fn note(&mut self, who: usize, datagram: &[u8]) {
        let address = &mut self.addresses[who];
        address.allowed += datagram.len().max(18);
        address.proved |= address.has(datagram);
    }

    /// A token and a session; the answers are read.
    fn open(&mut self, who: usize) {
        self.transmit();
        for question in [&OPEN_EXTENSION[..], OPEN] {
            self.send(who, question);
            assert!(self.server.poll_transmit(self.now, &mut self.batch), "an opening is answered");
            let address = &mut self.addresses[who];
            assert_eq!(self.batch.to, address.name);
            address.got += self.batch.bytes.len();
            match ResponsePdu::parse(&self.batch.bytes) {
                Some(ResponsePdu::Token(token)) => address.tokens.push(token),
                Some(ResponsePdu::Done(session)) => address.session = session,
                // No room for more sessions.
                other => assert_eq!(other, Some(ResponsePdu::NotUnderstood)),
            }
        }
    }

    /// Runs a request, if there is one.
    fn answer(&mut self, length: usize) -> bool {
        let Some(IncomingRequest { exchange, request, .. }) = self.server.poll_request() else {
            return false;
        };
        assert!(request.len() <= LIMITS.request);
        if exchange != self.nameless {
            assert!(!self.handed_out.contains(&exchange), "a request is handed out twice");
            self.handed_out.push(exchange);
        }
        self.server.respond(self.now, exchange, vec![b'r'; length]);
        self.server.recycle(request);
        true
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
        self.server.handle_timeout(self.now);
    }

    /// The next timer.
    fn fire(&mut self) {
        if let Some(next) = self.server.deadline() {
            self.now = self.now.max(next);
            self.server.handle_timeout(self.now);
        }
    }

    fn transmit(&mut self) {
        for _ in 0..STEPS {
            if !self.server.poll_transmit(self.now, &mut self.batch) {
                return;
            }
            let to = self.addresses.iter_mut().find(|address| address.name == self.batch.to);
            to.expect("nobody else has sent anything").got += self.batch.bytes.len();
        }
        panic!("sending does not end");
    }

    fn check(&self) {
        let Held { active, idle, bytes } = self.server.held();
        assert!(
            active <= LIMITS.active_sessions && bytes <= LIMITS.bytes,
            "{active} sessions, {bytes} bytes"
        );
        // There was room for each to be idle when it was made; those that were active then come on top.
        assert!(idle <= LIMITS.idle_sessions + LIMITS.active_sessions, "{idle} sessions idle");
        for Address { name, proved, allowed, got, .. } in &self.addresses {
            assert!(*proved || got <= allowed, "{name} has sent {allowed} bytes at most and got {got}");
        }
    }

    /// Everybody goes away, and everything is forgotten.
    fn end(mut self) {
        let silent_since = self.now;
        for _ in 0..STEPS {
            while self.answer(10) {}
            self.transmit();
            self.check();
            let Some(next) = self.server.deadline() else {
                assert_eq!(self.server.held(), Held::default());
                return;
            };
            self.now = self.now.max(next);
            self.server.handle_timeout(self.now);
            assert!(self.now <= silent_since + 100 * SECOND, "its timers go on");
        }
        panic!("its timers do not end");
    }
}

/// Runs one request of the original protocol.
fn nameless() -> ExchangeId {
    let mut server = Server::new(LIMITS, Config::default(), SECRET);
    let (from, mut batch) = (([192, 0, 2, 1], 1).into(), Batch::new());
    server.handle_datagram(Duration::ZERO, from, OPEN.len(), OPEN);
    assert!(server.poll_transmit(Duration::ZERO, &mut batch));
    let Some(ResponsePdu::Done(session)) = ResponsePdu::parse(&batch.bytes) else { panic!("no session") };
    for pdu in [format!("b?{session}?0?1?1?x"), format!("c?{session}")] {
        server.handle_datagram(Duration::ZERO, from, pdu.len(), pdu.as_bytes());
    }
    server.poll_request().expect("it is complete").exchange
}
