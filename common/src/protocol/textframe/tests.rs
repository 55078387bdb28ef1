//! Every split of the bytes, the limit, and the frames of the notes' two programs.

use proptest::prelude::*;

use super::*;

const LIMIT: usize = 64;

fn coded(code: u8, payload: &[u8]) -> Frame<'_> {
    Frame::Coded { code, payload }
}

/// A frame that outlives its bytes: the code, if it has one, and the rest.
type Owned = (Option<u8>, Vec<u8>);

/// Feeds `stream` in pieces of `step` bytes and returns every frame, and how it ended.
fn frames(stream: &[u8], step: usize, limit: usize) -> (Vec<Owned>, Result<Vec<u8>, TooLong>) {
    let (mut decoder, mut received, mut frames) = (Decoder::new(limit), Vec::new(), Vec::new());
    for piece in stream.chunks(step) {
        received.extend_from_slice(piece);
        loop {
            match decoder.decode(&received) {
                Ok(Some((frame, consumed))) => {
                    frames.push(match frame {
                        Frame::Coded { code, payload } => (Some(code), payload.to_vec()),
                        Frame::Unformed(bytes) => (None, bytes.to_vec()),
                    });
                    received.drain(..consumed);
                }
                Ok(None) => break,
                Err(error) => return (frames, Err(error)),
            }
        }
    }
    (frames, Ok(received))
}

#[test]
fn the_frames_of_the_two_programs() {
    let frame = |bytes| Decoder::new(LIMIT).decode(bytes).unwrap();
    assert_eq!(frame(b"2:;"), Some((coded(b'2', b""), 3)));
    assert_eq!(frame(b"1:SGVsbG8=;7:;"), Some((coded(b'1', b"SGVsbG8="), 11)));
    assert_eq!(frame(b"B:e;"), Some((coded(b'B', b"e"), 4)));
    assert_eq!(frame(b"B::;"), Some((coded(b'B', b":"), 4)));
    assert_eq!(frame(b"\r\n2:\n;\n"), Some((coded(b'2', b"\n"), 6)));
    assert_eq!(frame(b"1:SGVs"), None);
    assert_eq!(frame(b""), None);
}

#[test]
fn a_guessed_semicolon_is_an_empty_guess_and_an_empty_frame() {
    let (frames, rest) = frames(b"B:;;A:;", 1, LIMIT);
    assert_eq!(frames, [(Some(b'B'), vec![]), (None, vec![]), (Some(b'A'), vec![])]);
    assert_eq!(rest, Ok(vec![]));
    assert_eq!(encode_raw(b'B', b";", &mut Vec::new()), Err(Unframable));
}

#[test]
fn what_is_no_frame_does_not_hide_the_next() {
    let (frames, _) = frames(b"hello;12:x;:;2:;", 3, LIMIT);
    assert_eq!(
        frames,
        [(None, b"hello".to_vec()), (None, b"12:x".to_vec()), (None, b":".to_vec()), (Some(b'2'), vec![])]
    );
}

#[test]
fn the_limit_counts_the_semicolon_and_is_the_same_for_every_split() {
    let fits = [b"1:".as_slice(), &[b'x'; LIMIT - 3], b";"].concat();
    let too_long = [b"1:".as_slice(), &[b'x'; LIMIT - 2], b";"].concat();
    for step in 1..=LIMIT + 1 {
        assert_eq!(frames(&fits, step, LIMIT).0.len(), 1);
        assert_eq!(frames(&too_long, step, LIMIT), (vec![], Err(TooLong { limit: LIMIT })));
    }
    assert_eq!(Decoder::new(LIMIT).decode(&[b'x'; LIMIT - 1]), Ok(None));
    assert_eq!(Decoder::new(LIMIT).decode(&[b'x'; LIMIT]), Err(TooLong { limit: LIMIT }));
}

#[test]
fn pieces_are_base64_with_line_breaks_ignored() {
    let read = |payload| pieces(payload).collect::<Result<Vec<_>, _>>();
    assert_eq!(read(b""), Ok(vec![]));
    assert_eq!(read(b"\n"), Ok(vec![]));
    assert_eq!(read(b"SGVs\nbG8=\n"), Ok(vec![b"Hello".to_vec()]));
    assert_eq!(read(b"YQ==\r\n:Yg==\r\n"), Ok(vec![b"a".to_vec(), b"b".to_vec()]));
    assert_eq!(read(b"YQ==:"), Ok(vec![b"a".to_vec(), vec![]]));
    for bad in [b"YQ".as_slice(), b"YQ=", b"Y Q=", b"*", b"YR==", b"YQ==YQ=="] {
        assert_eq!(read(bad), Err(NotBase64), "{}", bad.escape_ascii());
    }
    assert_eq!(piece(b""), Ok(vec![]));
    assert_eq!(piece(b"YQ==:Yg=="), Err(NotBase64));
}

#[test]
fn frames_are_written_as_these_bytes() {
    let mut out = Vec::new();
    encode(b'1', ["Hello", ""], &mut out);
    encode(b'7', [b""; 0], &mut out);
    encode_raw(b'b', b"1", &mut out).unwrap();
    assert_eq!(out, b"1:SGVsbG8=:;7:;b:1;");
}

proptest! {
    #[test]
    fn any_bytes_give_the_same_frames_in_every_split(
        bytes in prop::collection::vec(prop_oneof![Just(b';'), Just(b':'), Just(b'\n'), any::<u8>()], 0..300),
        step in 1usize..40,
    ) {
        prop_assert_eq!(frames(&bytes, step, 40), frames(&bytes, 1, 40));
        prop_assert_eq!(frames(&bytes, 300, 40).0, frames(&bytes, 1, 40).0);
    }

    #[test]
    fn what_is_written_is_read(texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 0..5), code: u8) {
        prop_assume!(code != b';' && code != b'\n' && code != b'\r');
        let mut out = Vec::new();
        encode(code, &texts, &mut out);
        let (frame, consumed) = Decoder::new(1 << 10).decode(&out).unwrap().unwrap();
        prop_assert_eq!(consumed, out.len());
        let Frame::Coded { code: read, payload } = frame else { panic!("unformed: {frame:?}") };
        prop_assert_eq!(read, code);
        prop_assert_eq!(pieces(payload).collect::<Result<Vec<_>, _>>().unwrap(), texts);
    }

    #[test]
    fn any_payload_does_no_harm(payload: Vec<u8>) {
        let _ = pieces(&payload).count();
    }
}
