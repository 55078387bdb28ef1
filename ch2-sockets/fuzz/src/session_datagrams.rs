//! The extension's datagrams: what is read is written back byte for byte, and no flipped bit passes the check.
//!
//! A fuzzer cannot guess the check, so each input is read as it is and with its check put right. The first byte says which bit
//! is flipped then.

use ch2_sockets::session::datagram::{
    ACK_HEADER, Ack, DATA_HEADER, Data, MAX_RANGES, REFUSAL, Refusal, block_count,
};

/// A datagram of the extension.
pub fn session_datagrams(bytes: &[u8]) {
    let Some((&flip, datagram)) = bytes.split_first() else { return };
    check(datagram);
    let header = match datagram.first() {
        Some(b'D') => DATA_HEADER,
        Some(b'K') => ACK_HEADER,
        Some(b'X') => REFUSAL,
        _ => return,
    };
    if datagram.len() < header {
        return;
    }
    let mut sealed = datagram.to_vec();
    seal(&mut sealed, header);
    if check(&sealed) {
        let bit = usize::from(flip) * 13 % (sealed.len() * 8);
        sealed[bit / 8] ^= 1 << (bit % 8);
        assert!(!check(&sealed), "a flipped bit is not noticed");
    }
}

/// Whether it is a datagram.
fn check(datagram: &[u8]) -> bool {
    if let Some((data, payload)) = Data::parse(datagram) {
        let blocks = block_count(data.length, data.block_size).expect("a block size that was taken");
        assert!(data.block < blocks && payload.len() <= usize::from(data.block_size));
        assert_eq!([&data.encode(payload), payload].concat(), datagram);
        return true;
    }
    if let Some((ack, ranges)) = Ack::parse(datagram) {
        assert!(ranges.clone().count() <= MAX_RANGES);
        assert!(ranges.clone().all(|(first, end)| ack.cumulative < first && first < end));
        let mut out = Vec::new();
        ack.encode(ranges, &mut out);
        assert_eq!(out, datagram);
        return true;
    }
    if let Some(refusal) = Refusal::parse(datagram) {
        assert_eq!(refusal.encode(), datagram);
        return true;
    }
    if let Some(refusal) = Refusal::of_unread(datagram) {
        assert!(refusal.encode().len() <= datagram.len(), "more comes back than was sent");
    }
    false
}

/// Puts the check right: all words, little-endian, add up to all ones.
pub fn seal(datagram: &mut [u8], header: usize) {
    datagram[header - 4..header].fill(0);
    let word = |bytes: &[u8]| {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        u32::from_le_bytes(word)
    };
    let sum = datagram.chunks(4).map(word).fold(0, u32::wrapping_add);
    datagram[header - 4..header].copy_from_slice(&(!sum).to_le_bytes());
}
