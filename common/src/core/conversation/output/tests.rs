use super::*;
use crate::core::outbox::{Outbox, OutboxLimit, WhenFull};
use crate::core::service::{Answer, Body};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Answer(usize),
    SharedAnswer(usize),
    Push(usize),
    Reminder,
    /// An answer of this length that is made two steps later.
    Late(usize),
    /// So many thousandths of what the call would send; `true`: of all parts at once.
    Send(usize, bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let length = || prop_oneof![0_usize..9, WORTH_A_PART - 2..WORTH_A_PART + 2];
    let step = prop_oneof![
        length().prop_map(Step::Answer),
        length().prop_map(Step::SharedAnswer),
        length().prop_map(Step::Push),
        length().prop_map(Step::Late),
        Just(Step::Reminder),
        (prop_oneof![0_usize..1000, Just(1000)], any::<bool>())
            .prop_map(|(share, all)| Step::Send(share, all)),
    ];
    prop::collection::vec(step, 0..40)
}

fn late() -> LateAnswer {
    let outbox = Outbox::new(OutboxLimit { bytes: 1, when_full: WhenFull::Skip });
    match Answer::late(&outbox).0.body {
        Body::Late(late) => late,
        other => panic!("{other:?}"),
    }
}

/// What the next call sends: of the first part, or of all that can be gathered.
fn next(output: &Output, all: bool) -> Vec<u8> {
    if !all {
        return output.bytes().to_vec();
    }
    let mut slices = [IoSlice::new(&[]); GATHERED];
    let count = output.gather(&mut slices);
    slices[..count].iter().flat_map(|slice| slice.to_vec()).collect()
}

proptest! {
    #[test]
    fn every_byte_leaves_once_and_in_order(steps in steps()) {
        let mut output = Output::default();
        let (mut expected, mut sent, mut number) = (Vec::new(), Vec::new(), 0_u8);
        let mut made: VecDeque<(LateAnswer, Vec<u8>)> = VecDeque::new();
        for step in steps {
            number = number.wrapping_add(1) | 0x80; // no reminder
            let bytes = |length: usize| (0..length).map(|at| number.wrapping_add(at as u8) | 0x80).collect::<Vec<u8>>();
            match step {
                Step::Answer(length) => {
                    expected.extend(bytes(length));
                    output.append(bytes(length));
                }
                Step::SharedAnswer(length) => {
                    expected.extend(bytes(length));
                    output.append_shared(SharedBody::new(bytes(length)));
                }
                Step::Push(length) => {
                    expected.extend(bytes(length));
                    output.append_pushed(Pushed::Message(bytes(length).into()));
                }
                Step::Late(length) => {
                    let answer = late();
                    expected.extend(bytes(length));
                    output.append_late(answer.clone());
                    made.push_back((answer, bytes(length)));
                }
                Step::Reminder => {
                    // One waits of which nothing is sent.
                    if !expected[sent.len()..].contains(&b'r') {
                        expected.extend(b"r!");
                    }
                    output.append_reminder(Pushed::Message(Arc::from(*b"r!")));
                }
                Step::Send(share, all) => {
                    let bytes = next(&output, all);
                    let count = bytes.len() * share / 1000;
                    sent.extend_from_slice(&bytes[..count]);
                    output.advance(count);
                }
            }
            if made.len() > 2 && let Some((answer, bytes)) = made.pop_front() {
                answer.fulfil(bytes);
                output.poll_late();
            }
            prop_assert_eq!(output.late() > 0, output.parts.iter().any(|part| matches!(part, Part::Late(_))));
        }
        for (answer, bytes) in made {
            answer.fulfil(bytes);
        }
        output.poll_late();
        while !output.is_empty() {
            let bytes = next(&output, true);
            prop_assert!(!bytes.is_empty());
            sent.extend_from_slice(&bytes);
            output.advance(bytes.len());
        }
        prop_assert_eq!((output.len(), output.own()), (0, 0));
        prop_assert!(sent == expected);
    }
}

#[test]
fn what_is_long_and_shared_is_sent_from_where_it_is_and_what_is_short_leaves_with_its_neighbours() {
    let long: Arc<[u8]> = vec![b'x'; WORTH_A_PART].into();
    let mut output = Output::default();
    for bytes in [&b"a"[..], b"b"] {
        output.append_shared(SharedBody::new(bytes));
    }
    output.append_shared(SharedBody::stored(Arc::clone(&long)));
    output.append_pushed(Pushed::Message(Arc::from(*b"c")));
    output.append(b"d".to_vec());
    assert_eq!(output.bytes(), b"ab");
    output.advance(1);
    output.advance(1);
    assert_eq!(output.bytes().as_ptr(), long.as_ptr());
    assert_eq!(next(&output, true).len(), WORTH_A_PART + 2, "all of it in one call");
    output.advance(WORTH_A_PART);
    assert_eq!(output.bytes(), b"cd");
    assert!(output.advance(2).is_some_and(|buffer| buffer == b"cd"), "to be used again");
}

#[test]
fn an_answer_of_its_own_is_moved_and_its_buffer_given_back() {
    let answer = b"hello".to_vec();
    let place = answer.as_ptr();
    let mut output = Output::default();
    output.append(answer);
    assert_eq!(output.bytes().as_ptr(), place);
    assert_eq!(output.advance(5).map(|buffer| buffer.as_ptr()), Some(place));
}

#[test]
fn nothing_leaves_before_an_answer_that_is_not_made_yet() {
    let mut output = Output::default();
    let answer = late();
    output.append(b"first".to_vec());
    output.append_late(answer.clone());
    output.append(b"third".to_vec());
    assert_eq!(next(&output, true), b"first");
    output.advance(5);
    assert_eq!((next(&output, true), output.is_late()), (vec![], true));
    answer.fulfil(b"second".to_vec());
    output.poll_late();
    assert_eq!((next(&output, true), output.is_late()), (b"secondthird".to_vec(), false));
}
