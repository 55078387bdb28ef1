//! Every framing finds the same requests however the bytes are split, and stops at its limit.

use super::*;

/// What a protocol makes of a stream that comes in pieces of `step` bytes and then ends.
fn decoded(
    mut protocol: impl Protocol<Request = Vec<u8>>,
    stream: &[u8],
    step: usize,
) -> Vec<Result<Vec<u8>, &'static str>> {
    let (mut input, mut found) = (Input::default(), Vec::new());
    let mut pieces = stream.chunks(step);
    loop {
        match protocol.decode(&mut input) {
            Decoded::Request(bytes) => found.push(Ok(bytes)),
            Decoded::Malformed { why, .. } => {
                found.push(Err(why));
                return found;
            }
            Decoded::Incomplete => match pieces.next() {
                Some(piece) => input.extend(piece),
                None if input.ended() => return found,
                None => input.end(),
            },
        }
    }
}

/// The same for every size of the pieces.
#[track_caller]
fn check(
    protocol: &(impl Protocol<Request = Vec<u8>> + Clone),
    stream: &[u8],
    expected: &[Result<&[u8], &'static str>],
) {
    for step in 1..=stream.len() {
        let found = decoded(protocol.clone(), stream, step);
        let found: Vec<_> = found.iter().map(|found| found.as_deref().map_err(|why| *why)).collect();
        assert_eq!(found, expected, "in pieces of {step}");
    }
}

#[test]
fn what_comes_is_what_is_asked() {
    assert_eq!(decoded(AsItComes, b"abcde", 2), [Ok(b"ab".to_vec()), Ok(b"cd".to_vec()), Ok(b"e".to_vec())]);
}

#[test]
fn until_the_end_is_one_request_even_an_empty_one() {
    let whole = UntilEnd { limit: 5, refusal: b"no", done: false };
    check(&whole.clone(), b"abcde", &[Ok(b"abcde")]);
    check(&whole.clone(), b"abcdef", &[Err("request longer than the limit")]);
    assert_eq!(decoded(whole, b"", 1), [Ok(Vec::new())]);
}

#[test]
fn a_fixed_length_keeps_what_belongs_to_the_next() {
    let three = Fixed { length: 3 };
    check(&three, b"abcdefghi", &[Ok(b"abc"), Ok(b"def"), Ok(b"ghi")]);
    check(&three, b"abcde", &[Ok(b"abc"), Err("the stream ended inside a request")]);
}

#[test]
fn a_delimiter_ends_a_request_and_the_end_does() {
    let lines = Delimited::new(b'\n', 4);
    check(&lines, b"ab\n\ncdef\nx", &[Ok(b"ab"), Ok(b""), Ok(b"cdef"), Ok(b"x")]);
    check(&lines, b"a\n", &[Ok(b"a")]);
}

#[test]
fn a_line_over_the_limit_is_refused_with_and_without_its_end() {
    let lines = Delimited::new(b'\n', 4);
    check(&lines, b"abcde\nx\n", &[Err("no delimiter within the limit")]);
    check(&lines, b"ab\ncdefg", &[Ok(b"ab"), Err("no delimiter within the limit")]);
    // Before its end has come, or the memory of the server would be the limit.
    let mut input = Input::default();
    input.extend(b"abcde");
    assert!(matches!(lines.clone().decode(&mut input), Decoded::Malformed { .. }));
}

#[test]
fn a_length_says_where_a_frame_ends() {
    let frames = LengthPrefixed { limit: 3 };
    check(&frames, b"\0\0\0\x02ab\0\0\0\0\0\0\0\x03cde", &[Ok(b"ab"), Ok(b""), Ok(b"cde")]);
    check(&frames, b"\0\0\0\x02a", &[Err("the stream ended inside a frame")]);
    check(&frames, b"\0\0", &[Err("the stream ended inside a frame")]);
}

#[test]
fn a_length_over_the_limit_is_refused_at_the_length() {
    let mut frames = LengthPrefixed { limit: 3 };
    let mut input = Input::default();
    input.extend(b"\0\0\0\x04");
    assert!(matches!(frames.decode(&mut input), Decoded::Malformed { .. }));
    check(&frames, b"\xff\xff\xff\xffabc", &[Err("frame longer than the limit")]);
}

#[test]
fn a_silent_protocol_keeps_nothing() {
    let mut input = Input::default();
    input.extend(b"anything");
    assert_eq!(Silent.decode(&mut input), Decoded::Incomplete);
    assert_eq!(input.bytes(), b"");
}
