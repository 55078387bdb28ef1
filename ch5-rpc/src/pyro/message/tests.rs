use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::*;

const LIMIT: usize = 10_000;

/// A connect of Pyro 4.82 with serpent, as it was recorded.
const FOUR: &[u8] = b"PYRO\x00\x30\x00\x01\x00\x10\x00\x00\x00\x00\x00\x02\x00\x01\x00\x00\x00\x00\x35\x2d{}";
/// The same of Pyro 5.17, with an annotation.
const FIVE: &[u8] = b"PYRO\x01\xf6\x01\x01\x00\x00\x00\x07\x00\x00\x00\x02\x00\x00\x00\x09\
    \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00\x00\x4d\xc5NOTE\x00\x00\x00\x01x{}";

#[test]
fn both_versions_are_read() {
    let (message, consumed) = decode(FOUR, LIMIT).unwrap().unwrap();
    assert_eq!(
        (message.header, consumed),
        (Header::new(Version::Four, Kind::Connect, META_ON_CONNECT, 0), FOUR.len())
    );
    assert_eq!(message.data, b"{}");
    assert_eq!(message.header.frame(b"{}"), FOUR);
    let (message, consumed) = decode(FIVE, LIMIT).unwrap().unwrap();
    assert_eq!((message.header, consumed), (Header::new(Version::Five, Kind::Connect, 0, 7), FIVE.len()));
    assert_eq!(message.data, b"{}");
}

#[test]
fn every_split_waits_for_the_rest() {
    for whole in [FOUR, FIVE] {
        for end in 0..whole.len() {
            assert_eq!(decode(&whole[..end], LIMIT), Ok(None), "{end} bytes");
        }
    }
}

#[test]
fn a_changed_byte_of_the_header_is_found_or_changes_the_message() {
    for whole in [FOUR, FIVE] {
        let right = decode(whole, LIMIT);
        for at in 0..whole.len() - 2 {
            let mut changed = whole.to_vec();
            changed[at] ^= 0x80;
            // The correlation id without its flag, the reserved bytes and the annotation mean nothing.
            let is_skipped = whole == FIVE && (20..38).contains(&at)
                || whole == FIVE && (40..49).contains(&at) && !(44..48).contains(&at)
                || whole == FOUR && (20..22).contains(&at);
            assert!(is_skipped || decode(&changed, LIMIT) != right, "byte {at}");
        }
    }
}

#[test]
fn a_message_over_the_limit_is_refused_at_its_header() {
    let header = Header::new(Version::Five, Kind::Invoke, 0, 3);
    let frame = header.frame(&[0; LIMIT + 1]);
    let refused = decode(&frame[..40], LIMIT).unwrap_err();
    assert_eq!(refused, BadMessage { why: "the message is longer than the limit", header: Some(header) });
    assert!(decode(&header.frame(&[0; LIMIT]), LIMIT).unwrap().is_some());
    let mut both = header.frame(b"");
    both[12..20].copy_from_slice(&[0xff; 8]); // data and annotations of 4 GiB each
    assert!(decode(&both, LIMIT).is_err());
}

#[test]
fn annotations_that_lie_about_their_length_are_refused() {
    let mut lie = FIVE.to_vec();
    lie[47] = 2;
    assert_eq!(decode(&lie, LIMIT).unwrap_err().why, "an annotation longer than all of them");
}

#[test]
fn compressed_data_is_inflated_to_the_limit_and_no_further() {
    for (length, fits) in [(LIMIT, true), (LIMIT + 1, false), (100 * LIMIT, false)] {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b'a'; length]).unwrap();
        let frame = Header::new(Version::Four, Kind::Invoke, COMPRESSED, 1).frame(&encoder.finish().unwrap());
        assert!(frame.len() < 2000);
        match decode(&frame, LIMIT) {
            Ok(Some((message, _))) => {
                assert!(fits && message.data.len() == length && message.header.flags == 0);
            }
            refused => assert!(!fits, "{length}: {refused:?}"),
        }
    }
    let frame = Header::new(Version::Four, Kind::Invoke, COMPRESSED, 1).frame(b"not zlib");
    assert_eq!(decode(&frame, LIMIT).unwrap_err().why, "the data cannot be decompressed");
}

fn header() -> impl Strategy<Value = Header> {
    let version = prop_oneof![Just(Version::Four), Just(Version::Five)];
    let kind = prop_oneof![Just(Kind::Connect), Just(Kind::Invoke), Just(Kind::Result), Just(Kind::Ping)];
    (version, kind, any::<u16>(), any::<u16>(), 0..=255u16, any::<Option<[u8; 16]>>()).prop_map(
        |(version, kind, flags, sequence, serializer, correlation)| {
            let correlation = correlation.filter(|_| version == Version::Five);
            let flags = flags & !COMPRESSED;
            let flags = match (version, correlation) {
                (Version::Four, _) => flags,
                (Version::Five, None) => flags & !CORRELATION,
                (Version::Five, Some(_)) => flags | CORRELATION,
            };
            Header { version, kind, flags, sequence, serializer, correlation }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same_in_any_pieces(
        header in header(), data in prop::collection::vec(any::<u8>(), 0..300), cut in any::<prop::sample::Index>(),
    ) {
        let frame = header.frame(&data);
        prop_assert_eq!(decode(&frame[..cut.index(frame.len())], LIMIT), Ok(None));
        let two = [&frame[..], &frame].concat();
        prop_assert_eq!(decode(&two, LIMIT), Ok(Some((Message { header, data }, frame.len()))));
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..80), four in any::<bool>()) {
        let start: &[u8] = if four { b"PYRO\x00\x30" } else { b"PYRO\x01\xf6" };
        bytes.splice(0..0, start.iter().copied());
        if let Ok(Some((_, consumed))) = decode(&bytes, LIMIT) {
            prop_assert!(consumed <= bytes.len());
        }
    }
}
