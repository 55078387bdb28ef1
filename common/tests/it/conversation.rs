//! A conversation means the same however TCP cuts its bytes: for every framing the answers are the same for every split
//! of what comes and every portion of what is sent, and what is held in memory stays bounded whoever does not read.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use common::core::conversation::{Conversation, HIGH_WATER, Next};
use common::core::framing::{AsItComes, Delimited, Fixed, LengthPrefixed, Silent, UntilEnd};
use common::core::input::Input;
use common::core::limits::Limits;
use common::core::outbox::{Outbox, OutboxLimit, QueueFull, WhenFull};
use common::core::service::{AfterAnswer, Answer, Decoded, Peer, Protocol, RequestCost, Service};
use common::core::work::AnyService;
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
    greeting: Option<Vec<u8>>,
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

    fn open(self) -> Conversation {
        let service: Arc<dyn AnyService> = Arc::new(self);
        open(&service)
    }
}

/// Any of them.
struct Any(Box<dyn Protocol<Request = Vec<u8>>>);

impl Protocol for Any {
    type Request = Vec<u8>;

    fn decode(&mut self, input: &mut Input) -> Decoded<Vec<u8>> {
        self.0.decode(input)
    }
}

impl Service for Mirror {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "mirror"
    }

    fn request_cost(&self) -> RequestCost {
        self.pace
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Any(match self.framing {
            Framing::AsItComes => Box::new(AsItComes),
            Framing::UntilEnd => Box::new(UntilEnd { limit: 10 * LIMIT, refusal: b"no", done: false }),
            Framing::Fixed => Box::new(Fixed { length: 7 }),
            Framing::Delimited => Box::new(Delimited::new(b'\n', LIMIT)),
            Framing::LengthPrefixed => Box::new(LengthPrefixed { limit: LIMIT as u32 }),
            Framing::Silent => Box::new(Silent),
        })
    }

    fn greet(&self, _: &Peer) -> Option<Answer> {
        self.greeting.clone().map(Answer::new)
    }

    fn handle(&self, _: &Peer, request: Vec<u8>) -> Answer {
        let bytes = match self.framing {
            Framing::AsItComes => request,
            _ => [b"[", &request[..], b"]"].concat(),
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

fn open(service: &Arc<dyn AnyService>) -> Conversation {
    Conversation::open(service, &Limits::default(), client())
}

/// Handles the request that is pending, if one is.
fn handle(conversation: &mut Conversation) -> bool {
    let pending = conversation.poll_request(Instant::now());
    if pending {
        assert!(!conversation.poll_request(Instant::now()), "one request is pending at a time");
        let answer = conversation.handle_request();
        conversation.answer(answer);
    }
    pending
}

fn next(conversation: &mut Conversation) -> Next {
    conversation.next(Instant::now())
}

fn receive(conversation: &mut Conversation, bytes: &[u8]) {
    conversation.handle_bytes(bytes, Instant::now());
}

/// Drives a conversation to its end over these pieces, `portion` bytes sent at a time. Returns what was sent.
fn conversation(service: Mirror, pieces: &[&[u8]], portion: usize) -> Vec<u8> {
    let mut conversation = service.open();
    let (mut pieces, mut sent) = (pieces.iter(), Vec::new());
    loop {
        while handle(&mut conversation) {}
        match next(&mut conversation) {
            Next::Send => {
                let count = portion.min(conversation.transmit().len());
                sent.extend_from_slice(&conversation.transmit()[..count]);
                conversation.handle_sent(count);
            }
            Next::Receive => match pieces.next() {
                Some(bytes) => receive(&mut conversation, bytes),
                None => conversation.handle_end(),
            },
            Next::HalfClose => conversation.handle_half_close(),
            Next::Poll => {}
            Next::Wait | Next::WaitUntil(_) => unreachable!("it is answered at once"),
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
        let service: Arc<dyn AnyService> = mirror.clone();
        let mut conversation = open(&service);
        let outbox = mirror.arrived.lock().unwrap().clone().unwrap();
        let (mut sent, mut pushes, mut answers) = (Vec::new(), 0_u32, 0_u32);
        for (pushed, portion) in steps {
            if pushed {
                outbox.push(format!("<{pushes}>").into_bytes().into()).unwrap();
                pushes += 1;
            } else if next(&mut conversation) == Next::Receive {
                receive(&mut conversation, format!("{answers}\n").as_bytes());
                answers += 1;
            }
            while handle(&mut conversation) {}
            let count = portion.min(conversation.transmit().len());
            sent.extend_from_slice(&conversation.transmit()[..count]);
            conversation.handle_sent(count);
        }
        while handle(&mut conversation) {}
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
        let mut conversation = Mirror::new(framing).open();
        let mut unsent = 0_usize;
        for (step, size) in steps {
            match (step, next(&mut conversation)) {
                // The peer sends all the time, and takes little.
                (0..=2, Next::Receive) => receive(&mut conversation, &vec![b'\n'; size * 100]),
                (3, Next::Send) => conversation.handle_sent((size * 10).min(conversation.transmit().len())),
                (_, Next::HalfClose) => conversation.handle_half_close(),
                _ => {}
            }
            while conversation.poll_request(Instant::now()) {
                prop_assert!(conversation.unsent() < HIGH_WATER, "a request beyond the mark");
                let answer = conversation.handle_request();
                conversation.answer(answer);
            }
            unsent = unsent.max(conversation.unsent());
        }
        // A request is at most what one read brought, and its answer two bytes longer.
        prop_assert!(unsent < HIGH_WATER + 400_002);
    }
}

#[test]
fn the_greeting_comes_before_everything_else() {
    let greeting = Some(b"hello ".to_vec());
    let mirror = Mirror { greeting, ..Mirror::new(Framing::Delimited) };
    assert_eq!(conversation(mirror, &[b"a\nb\n"], 3), b"hello [a][b]");
}

#[test]
fn after_a_last_answer_the_sending_half_is_shut_and_the_clients_end_awaited() {
    for then in [AfterAnswer::Close, AfterAnswer::AwaitEnd] {
        let mut conversation = Mirror { then, ..Mirror::new(Framing::Delimited) }.open();
        receive(&mut conversation, b"first\nsecond\n");
        assert!(handle(&mut conversation));
        assert!(!handle(&mut conversation), "what came behind a last answer is not handled");
        assert_eq!((next(&mut conversation), conversation.transmit()), (Next::Send, &b"[first]"[..]));
        conversation.handle_sent(7);
        assert_eq!(next(&mut conversation), Next::HalfClose);
        conversation.handle_half_close();
        assert_eq!(next(&mut conversation), Next::Receive);
        assert_eq!(
            conversation.deadline().is_some(),
            then == AfterAnswer::Close,
            "only a brief wait ends by itself"
        );
        receive(&mut conversation, b"third\n");
        assert_eq!((handle(&mut conversation), next(&mut conversation)), (false, Next::Receive));
        conversation.handle_end();
        assert_eq!(next(&mut conversation), Next::Close);
    }
}

#[test]
fn a_client_that_has_ended_already_is_closed_after_the_last_answer() {
    let mut conversation = Mirror { then: AfterAnswer::Close, ..Mirror::new(Framing::Delimited) }.open();
    receive(&mut conversation, b"only\n");
    conversation.handle_end();
    assert!(handle(&mut conversation));
    conversation.handle_sent(conversation.transmit().len());
    assert_eq!((handle(&mut conversation), next(&mut conversation)), (false, Next::Close));
}

/// Once the sending half is shut down, a push could only be an error.
#[test]
fn nothing_is_pushed_behind_a_last_answer() {
    let limit = Some(OutboxLimit { bytes: 100, when_full: WhenFull::Skip });
    let mirror = Arc::new(Mirror { then: AfterAnswer::Close, limit, ..Mirror::new(Framing::Delimited) });
    let service: Arc<dyn AnyService> = mirror.clone();
    let mut conversation = open(&service);
    let outbox = mirror.arrived.lock().unwrap().clone().unwrap();
    receive(&mut conversation, b"bye\n");
    assert!(handle(&mut conversation));
    outbox.push(Arc::from(*b"news")).unwrap();
    assert_eq!((handle(&mut conversation), conversation.transmit()), (false, &b"[bye]"[..]));
    conversation.handle_sent(5);
    assert_eq!((handle(&mut conversation), next(&mut conversation)), (false, Next::HalfClose));
}

/// The service ends the conversation: after what was pushed before, and after the answer to the pending request.
#[test]
fn the_services_last_word_comes_after_the_answer_that_is_due() {
    let limit = Some(OutboxLimit { bytes: 100, when_full: WhenFull::Skip });
    let mirror = Arc::new(Mirror { limit, ..Mirror::new(Framing::Delimited) });
    let service: Arc<dyn AnyService> = mirror.clone();
    let mut conversation = open(&service);
    let outbox = mirror.arrived.lock().unwrap().clone().unwrap();
    receive(&mut conversation, b"one\ntwo\n");
    assert!(conversation.poll_request(Instant::now()));
    outbox.end(Arc::from(*b"bye"));
    assert!(!conversation.poll_request(Instant::now()));
    assert_eq!(next(&mut conversation), Next::Wait);
    let answer = conversation.handle_request();
    conversation.answer(answer);
    assert_eq!((handle(&mut conversation), conversation.transmit()), (false, &b"[one]bye"[..]));
    conversation.handle_sent(8);
    assert_eq!((handle(&mut conversation), next(&mut conversation)), (false, Next::HalfClose));
    conversation.handle_half_close();
    assert_eq!(next(&mut conversation), Next::Receive);
}

/// The output takes pushes up to the mark and the outbox up to its limit; then the policy decides.
#[test]
fn a_client_that_does_not_read_its_pushes_is_skipped_or_closed() {
    for when_full in [WhenFull::Skip, WhenFull::Disconnect] {
        let limit = Some(OutboxLimit { bytes: 10_000, when_full });
        let mirror = Arc::new(Mirror { limit, ..Mirror::new(Framing::Delimited) });
        let service: Arc<dyn AnyService> = mirror.clone();
        let mut conversation = open(&service);
        let outbox = mirror.arrived.lock().unwrap().clone().unwrap();
        let push: Arc<[u8]> = vec![b'x'; 1000].into();
        let mut taken = 0;
        while outbox.push(push.clone()).is_ok() {
            taken += 1;
            assert!(!handle(&mut conversation));
            assert!(conversation.unsent() < HIGH_WATER + 1000);
            assert!(taken < 1000, "a client that does not read takes all of it");
        }
        // Where it is disconnected, the output may hold no more than the outbox.
        let mark = if when_full == WhenFull::Disconnect { 10_000 } else { HIGH_WATER };
        assert_eq!(taken, mark.div_ceil(1000) + 10, "the output to the mark, the outbox to its limit");
        let expected = if when_full == WhenFull::Skip { Next::Send } else { Next::Close };
        assert_eq!((handle(&mut conversation), next(&mut conversation)), (false, expected));
        if when_full == WhenFull::Skip {
            conversation.handle_sent(conversation.unsent());
            assert_eq!((handle(&mut conversation), conversation.unsent()), (false, 10_000));
            outbox.push(push.clone()).unwrap();
        } else {
            assert_eq!(outbox.push(push.clone()), Err(QueueFull), "it stays so");
        }
        drop(conversation);
        assert_eq!(*mirror.left.lock().unwrap(), 1);
    }
}
