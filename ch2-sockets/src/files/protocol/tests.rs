//! Every request, every split of it, and every byte string that is none.

use proptest::prelude::*;

use super::super::digest::Digester;
use super::*;

fn name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).unwrap()
}

fn any_name() -> impl Strategy<Value = FileName> {
    "[a-zA-Z0-9:_äöü -][a-zA-Z0-9:._äöü -]{0,60}".prop_map(|text| name(&text))
}

fn any_request() -> impl Strategy<Value = FileRequest> {
    prop_oneof![
        (0..=i64::MAX as u64, any_name()).prop_map(|(size, name)| FileRequest::Upload { size, name }),
        Just(FileRequest::List),
        any_name().prop_map(|name| FileRequest::Download { name }),
    ]
}

#[test]
fn the_bytes_are_those_of_the_picture() {
    for (request, bytes) in [
        (FileRequest::Upload { size: 1000, name: name("a:b") }, &b"0:1000:3:a:b"[..]),
        (FileRequest::List, b"1:"),
        (FileRequest::Download { name: name("täht") }, "2:5:täht".as_bytes()),
    ] {
        assert_eq!(request.encode(), bytes);
    }
    assert_eq!(Status::Exists.encode(), *b"4:");
    assert_eq!(encode_entry(7, &name("x")), b"7:1:x");
}

#[test]
fn a_status_is_read_as_it_is_written() {
    for status in STATUSES {
        assert_eq!(Status::decode(&status.encode()), Ok(Some((status, 2))));
    }
    assert_eq!(Status::decode(b"9:"), Err(Malformed::Code));
}

#[test]
fn what_is_no_request_is_answered_with_its_reason() {
    for (bytes, status) in [
        (&b"9:"[..], Status::UnknownControl),
        (b"GET / HTTP/1.1\r\n", Status::UnknownControl),
        (b"01:", Status::UnknownControl),
        (b"0:x:", Status::BadFormat),
        (b"0:-1:1:a", Status::BadFormat),
        (b"0::1:a", Status::BadFormat),
        (b"0:9223372036854775808:1:a", Status::BadFormat),
        (b"0:99999999999999999999", Status::BadFormat),
        (b"2:0:", Status::BadName),
        (b"2:256:", Status::BadName),
        (b"2:2:..", Status::BadName),
        (b"2:11:/etc/passwd", Status::BadName),
        (b"0:1:9:../../etc", Status::BadName),
        (b"2:3:a\0b", Status::BadName),
    ] {
        let why = FileRequest::decode(bytes).expect_err(&bytes.escape_ascii().to_string());
        assert_eq!(why.status(), status, "{}", bytes.escape_ascii());
    }
}

#[test]
fn the_digest_is_that_of_sha256sum() {
    let mut digester = Digester::default();
    digester.update(b"a");
    digester.update(b"bc");
    let digest = digester.finish();
    // FIPS 180-2, appendix B.1.
    assert_eq!(digest.as_str(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_eq!(decode_digest(digest.as_str().as_bytes()), Ok(Some((digest, DIGEST))));
    assert_eq!(decode_digest(b"ABC"), Err(Malformed::Digest));
}

proptest! {
    #[test]
    fn a_request_is_read_back_at_every_split(request in any_request(), rest in prop::collection::vec(any::<u8>(), 0..4)) {
        let bytes = request.encode();
        prop_assert!(bytes.len() <= LONGEST_HEADER);
        for split in 0..bytes.len() {
            prop_assert_eq!(FileRequest::decode(&bytes[..split]), Ok(None), "split at {}", split);
        }
        let whole = [bytes.clone(), rest].concat();
        prop_assert_eq!(FileRequest::decode(&whole), Ok(Some((request, bytes.len()))));
    }

    #[test]
    fn a_line_of_the_list_is_read_back_at_every_split(size in 0..=i64::MAX as u64, name in any_name()) {
        let bytes = encode_entry(size, &name);
        for split in 0..bytes.len() {
            prop_assert_eq!(decode_entry(&bytes[..split]), Ok(None));
        }
        prop_assert_eq!(decode_entry(&bytes), Ok(Some(((size, name), bytes.len()))));
        prop_assert_eq!(decode_number(&encode_number(size)).map(|read| read.map(|(size, _)| size)), Ok(Some(size)));
    }

    /// Never a panic, and never a wait for more than a header can have: that is the limit of memory.
    #[test]
    fn any_bytes_are_decided_within_a_header(
        head in "[0-3]?:?[0-9]{0,21}:?[0-9]{0,4}:?",
        tail in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        let bytes = [head.as_bytes(), &tail].concat();
        for decided in [
            FileRequest::decode(&bytes).map(|read| read.map(|(_, used)| used)),
            decode_entry(&bytes).map(|read| read.map(|(_, used)| used)),
            decode_digest(&bytes).map(|read| read.map(|(_, used)| used)),
            Status::decode(&bytes).map(|read| read.map(|(_, used)| used)),
        ] {
            match decided {
                Ok(None) => prop_assert!(bytes.len() < LONGEST_HEADER),
                Ok(Some(used)) => prop_assert!(used <= bytes.len()),
                Err(_) => {}
            }
        }
    }
}
