//! A conversation means the same however TCP cuts its bytes: for every framing the answers are the same for every split
//! of what comes and every portion of what is sent, and what is held in memory stays bounded whoever does not read.

use std::sync::{Arc, Mutex};

use common::core::conversation::{Conversation, HIGH_WATER, Next};
use common::core::framing::{AsItComes, Delimited, Fixed, LengthPrefixed, Silent, UntilEnd};
use common::core::outbox::{Outbox, OutboxLimit, QueueFull, WhenFull};
use common::core::service::{AfterAnswer, Answer, Peer, Protocol, Request, RequestCost, Service};
use proptest::prelude::*;

const LIMIT: usize = 20;

/// The framings, each with a way to answer whose bytes do not depend on where a request ended, where it has no end.
#[derive(Debug, Clone, Copy)]
enum Framing {
    AsItComes,
    UntilEnd,
    Fixed,
    Delimited,
    LengthPrefixed,
    Silent,
}

const FRAMINGS: [Framing; 6] = [
    Framing::AsItComes,
    Framing::UntilEnd,
    Framing::Fixed,
    Framing::Delimited,
    Framing::LengthPrefixed,
    Framing::Silent,
];

/// Answers a request with itself, in brackets where it has a beginning and an end.
struct Mirror {
    framing: Framing,
    pace: RequestCost,
    then: AfterAnswer,
    greeting: Option<Answer>,
    limit: Option<OutboxLimit>,
    /// The outbox of who arrived last.
    arrived: Mutex<Option<Outbox>>,
    left: Mutex<u32>,
}

impl Mirror {
    fn new(framing: Framing) -> Mirror {
        Mirror {
            framing,
            pace: RequestCost::Quick,
            then: AfterAnswer::Continue,
            greeting: None,
            limit: None,
            arrived: Mutex::new(None),
            left: Mutex::new(0),
        }
    }

    fn open(self) -> (Conversation, Arc<dyn Service>) {
        let service: Arc<dyn Service> = Arc::new(self);
        (Conversation::open(&service, client()), service)
    }
}

impl Service for Mirror {
    fn name(&self) -> &'static str {
        "mirror"
    }

    fn request_cost(&self) -> RequestCost {
        self.pace
    }

    fn protocol(&self) -> Box<dyn Protocol> {
        match self.framing {
            Framing::AsItComes => Box::new(AsItComes),
            Framing::UntilEnd => Box::new(UntilEnd { limit: 10 * LIMIT, refusal: b"no", done: false }),
            Framing::Fixed => Box::new(Fixed { length: 7 }),
            Framing::Delimited => Box::new(Delimited::new(b'\n', LIMIT)),
            Framing::LengthPrefixed => Box::new(LengthPrefixed { limit: LIMIT as u32 }),
            Framing::Silent => Box::new(Silent),
        }
    }

    fn greet(&self, _: &Peer) -> Option<Answer> {
        self.greeting.clone()
    }

    fn handle(&self, _: &Peer, request: Request) -> Answer {
        let bytes = match self.framing {
            Framing::AsItComes => request.0,
            _ => [b"[", &request.0[..], b"]"].concat(),
        };
        Answer { then: self.then, ..Answer::new(bytes) }
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        self.limit
    }

    fn arrive(&self, _: &Peer, outbox: &Outbox) {
        *self.arrived.lock().unwrap() = Some(outbox.clone());
    }

    fn leave(&self, _: &Peer) {
        *self.left.lock().unwrap() += 1;
    }
}

fn client() -> Peer {
    Peer::new("127.0.0.1:4711".parse().unwrap())
}

/// Drives a conversation to its end over these pieces, `portion` bytes sent at a time. Returns what was sent.
fn conversation(service: Mirror, pieces: &[&[u8]], portion: usize) -> Vec<u8> {
    let (mut conversation, service) = service.open();
    let (mut pieces, mut sent) = (pieces.iter(), Vec::new());
    loop {
        while let Some(request) = conversation.poll_request() {
            assert_eq!(conversation.poll_request(), None, "one request is out at a time");
            conversation.answer(service.handle(&client(), request));
        }
        match conversation.next() {
            Next::Send => {
                let count = portion.min(conversation.transmit().len());
                sent.extend_from_slice(&conversation.transmit()[..count]);
                conversation.transmitted(count);
            }
            Next::Receive => match pieces.next() {
                Some(bytes) => conversation.receive(bytes),
                None => conversation.finish(),
            },
            Next::HalfClose => conversation.half_closed(),
            Next::Discard { .. } => conversation.finish(),
            Next::Poll => {}
            Next::Wait => unreachable!("it is answered at once"),
            Next::Close => return sent,
        }
    }
}

/// The bytes in pieces, cut where `cuts` says, none empty.
fn split<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).filter(|piece| !piece.is_empty()).collect()
}

/// Bytes of which many are what a framing looks for: line ends, small lengths.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => Just(0), 2 => Just(b'\n'), 2 => 1..LIMIT as u8, 2 => any::<u8>()];
    prop::collection::vec(byte, 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn the_answers_are_the_same_for_every_split(
        bytes in bytes(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        portion in 1..40_usize,
        framing in prop::sample::select(FRAMINGS.to_vec()),
        pace in prop::sample::select(vec![RequestCost::Quick, RequestCost::Slow]),
    ) {
        let whole = conversation(Mirror::new(framing), &[&bytes], usize::MAX);
        let paced = || Mirror { pace, ..Mirror::new(framing) };
        prop_assert_eq!(&conversation(paced(), &split(&bytes, &cuts), portion), &whole);
        let bytewise: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&conversation(paced(), &bytewise, 1), &whole);
    }

    /// Frames that are well formed come out as they went in.
    #[test]
    fn what_was_framed_is_what_is_answered(
        frames in prop::collection::vec(prop::collection::vec(b'a'..=b'z', 0..LIMIT), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let expected: Vec<u8> = frames.iter().flat_map(|frame| [b"[", &frame[..], b"]"].concat()).collect();
        let lines: Vec<u8> = frames.iter().flat_map(|frame| [&frame[..], b"\n"].concat()).collect();
        prop_assert_eq!(&conversation(Mirror::new(Framing::Delimited), &split(&lines, &cuts), 5), &expected);
        let lengths: Vec<u8> = frames
            .iter()
            .flat_map(|frame| [&(frame.len() as u32).to_be_bytes()[..], frame].concat())
            .collect();
        prop_assert_eq!(&conversation(Mirror::new(Framing::LengthPrefixed), &split(&lengths, &cuts), 5), &expected);
    }

    /// Pushes reach the output in order, between answers and never inside one.
    #[test]
    fn pushes_come_in_order_between_answers(
        steps in prop::collection::vec((any::<bool>(), 1..30_usize), 0..60),
    ) {
        let limit = Some(OutboxLimit { bytes: 1 << 20, when_full: WhenFull::Disconnect });
        let mirror = Arc::new(Mirror { limit, ..Mirror::new(Framing::Delimited) });
        let service: Arc<dyn Service> = mirror.clone();
        let mut conversation = Conversation::open(&service, client());
        let outbox = mirror.arrived.lock().unwrap().clone().unwrap();
        let (mut sent, mut pushes, mut answers) = (Vec::new(), 0_u32, 0_u32);
        for (pushed, portion) in steps {
            if pushed {
                outbox.push(format!("<{pushes}>").into_bytes().into()).unwrap();
                pushes += 1;
            } else if conversation.next() == Next::Receive {
                conversation.receive(format!("{answers}\n").as_bytes());
                answers += 1;
            }
            while let Some(request) = conversation.poll_request() {
                conversation.answer(service.handle(&client(), request));
            }
            let count = portion.min(conversation.transmit().len());
            sent.extend_from_slice(&conversation.transmit()[..count]);
            conversation.transmitted(count);
        }
        let _ = conversation.poll_request();
        sent.extend_from_slice(conversation.transmit());
        let text = String::from_utf8(sent).unwrap();
        let all = |open: &str, close: char, count: u32| {
            let found: Vec<&str> = text.split(open).skip(1).filter_map(|part| part.split(close).next()).collect();
            found == (0..count).map(|number| number.to_string()).collect::<Vec<_>>()
        };
        prop_assert!(all("<", '>', pushes), "{} pushes: {}", pushes, text);
        prop_assert!(all("[", ']', answers), "{} answers: {}", answers, text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    /// Any order of the driver's calls, the wrong ones left out: memory stays bounded and nothing panics.
    #[test]
    fn a_peer_that_does_not_read_is_held_back(
        steps in prop::collection::vec((0..4_u8, 1..4000_usize), 1..60),
        framing in prop::sample::select(FRAMINGS.to_vec()),
    ) {
        let (mut conversation, service) = Mirror::new(framing).open();
        let mut unsent = 0_usize;
        for (step, size) in steps {
            match (step, conversation.next()) {
                // The peer sends all the time, and takes little.
                (0..=2, Next::Receive) => conversation.receive(&vec![b'\n'; size * 100]),
                (3, Next::Send) => conversation.transmitted((size * 10).min(conversation.transmit().len())),
                (_, Next::HalfClose) => conversation.half_closed(),
                _ => {}
            }
            while let Some(request) = conversation.poll_request() {
                prop_assert!(conversation.transmit().len() < HIGH_WATER, "a request beyond the mark");
                conversation.answer(service.handle(&client(), request));
            }
            unsent = unsent.max(conversation.transmit().len());
        }
        // A request is at most what one read brought, and its answer two bytes longer.
        prop_assert!(unsent < HIGH_WATER + 400_002);
    }
}

#[test]
fn the_greeting_comes_before_everything_else() {
    let greeting = Some(Answer::new(b"hello ".to_vec()));
    let mirror = Mirror { greeting, ..Mirror::new(Framing::Delimited) };
    assert_eq!(conversation(mirror, &[b"a\nb\n"], 3), b"hello [a][b]");
}

#[test]
fn after_a_last_answer_the_sending_half_is_shut_and_the_clients_end_awaited() {
    for (then, brief) in [(AfterAnswer::Close, true), (AfterAnswer::AwaitEnd, false)] {
        let (mut conversation, service) = Mirror { then, ..Mirror::new(Framing::Delimited) }.open();
        conversation.receive(b"first\nsecond\n");
        let first = conversation.poll_request().unwrap();
        conversation.answer(service.handle(&client(), first));
        assert_eq!(conversation.poll_request(), None, "what came behind a last answer is not handled");
        assert_eq!((conversation.next(), conversation.transmit()), (Next::Send, &b"[first]"[..]));
        conversation.transmitted(7);
        assert_eq!(conversation.next(), Next::HalfClose);
        conversation.half_closed();
        assert_eq!(conversation.next(), Next::Discard { brief });
        conversation.receive(b"third\n");
        assert_eq!((conversation.poll_request(), conversation.next()), (None, Next::Discard { brief }));
        conversation.finish();
        assert_eq!(conversation.next(), Next::Close);
    }
}

#[test]
fn whoever_has_ended_already_is_closed_after_the_last_answer() {
    let (mut conversation, service) =
        Mirror { then: AfterAnswer::Close, ..Mirror::new(Framing::Delimited) }.open();
    conversation.receive(b"only\n");
    conversation.finish();
    let request = conversation.poll_request().unwrap();
    conversation.answer(service.handle(&client(), request));
    conversation.transmitted(conversation.transmit().len());
    assert_eq!((conversation.poll_request(), conversation.next()), (None, Next::Close));
}

/// Once the sending half is shut down, a push could only be an error.
#[test]
fn nothing_is_pushed_behind_a_last_answer() {
    let limit = Some(OutboxLimit { bytes: 100, when_full: WhenFull::Skip });
    let mirror = Arc::new(Mirror { then: AfterAnswer::Close, limit, ..Mirror::new(Framing::Delimited) });
    let service: Arc<dyn Service> = mirror.clone();
    let mut conversation = Conversation::open(&service, client());
    let outbox = mirror.arrived.lock().unwrap().clone().unwrap();
    conversation.receive(b"bye\n");
    let request = conversation.poll_request().unwrap();
    conversation.answer(service.handle(&client(), request));
    outbox.push(Arc::from(*b"news")).unwrap();
    assert_eq!((conversation.poll_request(), conversation.transmit()), (None, &b"[bye]"[..]));
    conversation.transmitted(5);
    assert_eq!((conversation.poll_request(), conversation.next()), (None, Next::HalfClose));
}

/// The service hangs up: after what was pushed before, and after the answer to the request that is out.
#[test]
fn the_services_last_word_comes_after_the_answer_that_is_due() {
    let limit = Some(OutboxLimit { bytes: 100, when_full: WhenFull::Skip });
    let mirror = Arc::new(Mirror { limit, ..Mirror::new(Framing::Delimited) });
    let service: Arc<dyn Service> = mirror.clone();
    let mut conversation = Conversation::open(&service, client());
    let outbox = mirror.arrived.lock().unwrap().clone().unwrap();
    conversation.receive(b"one\ntwo\n");
    let request = conversation.poll_request().unwrap();
    outbox.end(Arc::from(*b"bye"));
    assert_eq!((conversation.poll_request(), conversation.next()), (None, Next::Wait));
    conversation.answer(service.handle(&client(), request));
    assert_eq!((conversation.poll_request(), conversation.transmit()), (None, &b"[one]bye"[..]));
    conversation.transmitted(8);
    assert_eq!((conversation.poll_request(), conversation.next()), (None, Next::HalfClose));
    conversation.half_closed();
    assert_eq!(conversation.next(), Next::Discard { brief: true });
}

/// The output takes pushes up to the mark and the outbox up to its limit; then the policy decides.
#[test]
fn who_does_not_read_its_pushes_is_skipped_or_closed() {
    for when_full in [WhenFull::Skip, WhenFull::Disconnect] {
        let limit = Some(OutboxLimit { bytes: 10_000, when_full });
        let mirror = Arc::new(Mirror { limit, ..Mirror::new(Framing::Delimited) });
        let service: Arc<dyn Service> = mirror.clone();
        let mut conversation = Conversation::open(&service, client());
        let outbox = mirror.arrived.lock().unwrap().clone().unwrap();
        let push: Arc<[u8]> = vec![b'x'; 1000].into();
        let mut taken = 0;
        while outbox.push(push.clone()).is_ok() {
            taken += 1;
            assert_eq!(conversation.poll_request(), None);
            assert!(conversation.transmit().len() < HIGH_WATER + 1000);
            assert!(taken < 1000, "a client that does not read takes all of it");
        }
        // Where it is hung up on, the output may hold no more than the outbox.
        let mark = if when_full == WhenFull::Disconnect { 10_000 } else { HIGH_WATER };
        assert_eq!(taken, mark.div_ceil(1000) + 10, "the output to the mark, the outbox to its limit");
        let expected = if when_full == WhenFull::Skip { Next::Send } else { Next::Close };
        assert_eq!((conversation.poll_request(), conversation.next()), (None, expected));
        if when_full == WhenFull::Skip {
            conversation.transmitted(conversation.transmit().len());
            assert_eq!((conversation.poll_request(), conversation.transmit().len()), (None, 10_000));
            outbox.push(push.clone()).unwrap();
        } else {
            assert_eq!(outbox.push(push.clone()), Err(QueueFull), "it stays so");
        }
        drop(conversation);
        assert_eq!(*mirror.left.lock().unwrap(), 1);
    }
}
