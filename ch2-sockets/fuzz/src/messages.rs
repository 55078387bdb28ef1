//! The messages of the file dump, the parts of a big message, the numbers of the multicast sender.

use ch2_sockets::files::protocol::{self, Decoded, FileRequest, LONGEST_HEADER, Status};
use ch2_sockets::multicast::numbering::{Follower, Numbered, Sequence};
use ch2_sockets::parts::sequence::{MAX_PARTS, Part, PartArrival, Restorer};

/// Every message of the file dump, from either side.
pub fn files_messages(bytes: &[u8]) {
    if let Some(request) = decode(bytes, FileRequest::decode) {
        let encoded = request.encode();
        assert_eq!(FileRequest::decode(&encoded), Ok(Some((request, encoded.len()))));
    }
    if let Some(status) = decode(bytes, Status::decode) {
        assert_eq!(status.encode(), bytes[..2]);
    }
    if let Some(number) = decode(bytes, protocol::decode_number) {
        let encoded = protocol::encode_number(number);
        assert_eq!(protocol::decode_number(&encoded), Ok(Some((number, encoded.len()))));
    }
    if let Some((size, name)) = decode(bytes, protocol::decode_entry) {
        assert!(!name.as_str().contains(['/', '\0', '\x1b']) && !name.as_str().starts_with('.'));
        let encoded = protocol::encode_entry(size, &name);
        assert_eq!(protocol::decode_entry(&encoded), Ok(Some(((size, name), encoded.len()))));
    }
}

/// Decodes it, and as much of it as may have come by some earlier time.
fn decode<T: PartialEq + std::fmt::Debug>(bytes: &[u8], decode: impl Fn(&[u8]) -> Decoded<T>) -> Option<T> {
    let whole = decode(bytes);
    if bytes.len() > LONGEST_HEADER {
        assert_ne!(whole, Ok(None), "more is waited for than a header has");
    }
    let longest = bytes.len().min(LONGEST_HEADER + 1);
    for length in 0..longest {
        match (decode(&bytes[..length]), &whole) {
            (Ok(None), _) => {}
            (early, whole) => assert_eq!(early, *whole, "{length} bytes mean something else than all"),
        }
    }
    let (value, consumed) = whole.ok()??;
    assert!(consumed <= bytes.len() && consumed <= LONGEST_HEADER);
    Some(value)
}

/// A part of a big message; and a script of parts, of which each has its index, its length and its bytes: they come in this
/// order.
pub fn parts(bytes: &[u8]) {
    if let Ok(part) = Part::decode(bytes) {
        assert!(part.index < part.count && part.count <= MAX_PARTS);
        assert_eq!(part.encode(), bytes);
        let mut restorer = Restorer::new(&part);
        assert_eq!(restorer.receive(&part), Ok(PartArrival::New));
        assert_eq!(restorer.message().is_some(), part.count == 1);
    }
    let Some((&count, mut script)) = bytes.split_first() else { return };
    let part = |index, data| Part { message: 7, index, count: u32::from(count), data };
    let mut restorer = Restorer::new(&part(0, b""));
    let mut taken = 0;
    while let [index, length, rest @ ..] = script {
        let (data, rest) = rest.split_at(usize::from(*length).min(rest.len()));
        script = rest;
        let is_taken = restorer.receive(&part(u32::from(*index), data)).is_ok();
        assert_eq!(is_taken, *index < count);
        taken += u64::from(is_taken);
    }
    let (count, here) = restorer.progress();
    let missing: u32 = restorer.gaps().iter().map(|gap| gap.end() - gap.start() + 1).sum();
    assert_eq!(here + missing, count);
    assert_eq!(taken, u64::from(here) + restorer.duplicates);
    assert_eq!(restorer.message().is_some(), missing == 0);
}

/// A numbered text; and eight bytes after eight as the numbers of one sender.
pub fn numbering(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes)
        && let Some(numbered) = Numbered::parse(text)
    {
        assert_eq!(numbered.write(), text);
    }
    let mut follower = Follower::default();
    let mut numbers = bytes.as_chunks::<8>().0.iter().map(|number| u64::from_be_bytes(*number));
    let Some(first) = numbers.next() else { return };
    assert_eq!(follower.receive(first), Sequence::Next);
    // Each number up to the highest has come or is missed, and is counted once.
    let (mut counted, mut highest) = (0, first);
    for number in numbers {
        match follower.receive(number) {
            Sequence::Next => counted += 1,
            Sequence::Gap(lost) => {
                assert!(lost > 0);
                counted += u128::from(lost) + 1;
            }
            Sequence::Old => assert!(number <= highest),
        }
        highest = highest.max(number);
    }
    assert_eq!(counted, u128::from(highest - first));
}
