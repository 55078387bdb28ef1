//! Who gets the same is right, however it is cut, and everything else is found.

use super::*;
use crate::notification::wire::encode_message;
use common::protocol::UnixTime;

fn encoded(publisher: usize, number: u64) -> Vec<u8> {
    let text = format!("{publisher:04x}{number:012x}tail");
    let posted =
        Posted { time: UnixTime::default(), from: ([127, 0, 0, 1], 4711).into(), text: text.as_bytes() };
    let mut out = Vec::new();
    encode_message(&posted, &mut Vec::new(), &mut out);
    out
}

fn transcript(publishers: usize, each: u64) -> Transcript {
    let mut transcript = Transcript::new(Dialect::Board, publishers, HEADER + 4);
    for publisher in 0..publishers {
        for number in 0..each {
            transcript.published(publisher, number);
        }
    }
    transcript
}

/// One answer, in pieces of `step` bytes.
fn answer(
    transcript: &mut Transcript,
    place: &mut Place,
    messages: &[(usize, u64)],
    step: usize,
) -> Result<u64, Violation> {
    let bytes: Vec<u8> =
        messages.iter().flat_map(|&(publisher, number)| encoded(publisher, number)).collect();
    let mut delivered = 0;
    for piece in bytes.chunks(step) {
        assert_eq!(transcript.follow(place, piece, Some(b';'), |_| delivered += 1)?, piece.len());
    }
    transcript.end_of_answer(place, |_| delivered += 1)?;
    Ok(delivered)
}

#[test]
fn two_who_get_the_same_are_right_however_it_is_cut() {
    let order = [(0, 0), (1, 0), (1, 1), (0, 1)];
    for step in [1, 3, 50, 1000] {
        let mut transcript = transcript(2, 2);
        let (mut first, mut second) = (Place::default(), Place::default());
        assert_eq!(answer(&mut transcript, &mut first, &order[..1], step), Ok(1));
        assert_eq!(answer(&mut transcript, &mut second, &order[..3], step), Ok(3));
        assert_eq!(answer(&mut transcript, &mut first, &order[1..], step), Ok(3));
        assert_eq!(answer(&mut transcript, &mut second, &order[3..], step), Ok(1));
        assert_eq!(first, second);
    }
}

#[test]
fn what_is_missing_double_or_out_of_order_is_found() {
    for (wrong, what) in [
        (&[(0, 1)][..], "missing"),
        (&[(0, 0), (0, 0)], "double"),
        (&[(1, 0), (0, 0)], "out of order"),
        (&[(0, 0), (0, 2)], "a gap"),
    ] {
        let mut transcript = transcript(2, 3);
        let (mut first, mut second) = (Place::default(), Place::default());
        answer(&mut transcript, &mut first, &[(0, 0), (1, 0), (0, 1)], 1000).unwrap();
        assert!(answer(&mut transcript, &mut second, wrong, 1000).is_err(), "{what}");
    }
    for wrong in [&[(0, 1)][..], &[(0, 0), (0, 0)], &[(7, 0)], &[(0, 0), (0, 1), (0, 2), (0, 3)]] {
        assert!(answer(&mut transcript(2, 3), &mut Place::default(), wrong, 1000).is_err(), "{wrong:?}");
    }
}

#[test]
fn an_answer_that_ends_inside_a_message_is_wrong() {
    let mut transcript = transcript(1, 3);
    let (mut first, mut second) = (Place::default(), Place::default());
    answer(&mut transcript, &mut first, &[(0, 0), (0, 1)], 1000).unwrap();
    let bytes = [encoded(0, 0), encoded(0, 1)[..5].to_vec()].concat();
    transcript.follow(&mut second, &bytes, Some(b';'), |_| {}).unwrap();
    assert!(transcript.end_of_answer(&mut second, |_| {}).is_err());
}

#[test]
fn what_all_have_got_is_forgotten() {
    let count = 2 * (KEEP / 60) as u64;
    let mut transcript = transcript(1, count);
    let (mut first, mut second) = (Place::default(), Place::default());
    for number in 0..count {
        for place in [&mut first, &mut second] {
            assert_eq!(answer(&mut transcript, place, &[(0, number)], 1000), Ok(1));
        }
        transcript.forget([first, second].into_iter());
    }
    assert!(transcript.bytes.len() < KEEP + 1000 && transcript.forgotten > 0);
    assert!(transcript.messages.len() < 10);
}

/// One message is longer than all that is kept, and nobody has got the end of it.
#[test]
fn what_is_not_whole_yet_is_not_forgotten() {
    let (mut transcript, mut place) = (Transcript::new(Dialect::Board, 1, HEADER + KEEP), Place::default());
    transcript.published(0, 1);
    let text = format!("{:016x}{}", 0, "x".repeat(KEEP));
    let posted =
        Posted { time: UnixTime::default(), from: ([127, 0, 0, 1], 4711).into(), text: text.as_bytes() };
    let mut bytes = Vec::new();
    encode_message(&posted, &mut Vec::new(), &mut bytes);
    let (most, rest) = bytes.split_at(bytes.len() - 1);
    transcript.follow(&mut place, most, Some(b';'), |_| {}).unwrap();
    transcript.forget([place].into_iter());
    transcript.follow(&mut place, rest, Some(b';'), |_| {}).unwrap();
    let mut delivered = 0;
    transcript.end_of_answer(&mut place, |_| delivered += 1).unwrap();
    assert_eq!(delivered, 1);
}
