use super::*;
use proptest::prelude::*;

const DATA: Data = Data {
    side: Side::Response,
    block_size: 1368,
    token: 0x0102_0304_0506_0708,
    exchange: 9,
    sequence: 10,
    length: 3000,
    block: 2,
};

const ACK: Ack = Ack {
    side: Side::Request,
    token: 0x0102_0304_0506_0708,
    exchange: 9,
    largest: 10,
    delay: 11,
    cumulative: 12,
    window: 13,
};

#[test]
fn the_bytes_of_data_are_these() {
    let header = DATA.encode(&[1; 264]);
    assert_eq!(
        header[..28],
        [b'D', 1, 5, 88, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 0, 0, 0, 10, 0, 0, 11, 184, 0, 0, 0, 2,]
    );
    let words = [header.as_slice(), &[1; 264]].concat();
    let sum: u64 = words.chunks(4).map(|word| u64::from(u32::from_le_bytes(word.try_into().unwrap()))).sum();
    assert_eq!(sum % (1 << 32), 0xffff_ffff);
}

#[test]
fn the_bytes_of_an_ack_are_these() {
    let mut bytes = Vec::new();
    ACK.encode([(14, 15), (17, 19)].into_iter(), &mut bytes);
    assert_eq!(bytes[..4], [b'K', 0, 0, 2]);
    assert_eq!(bytes[4..12], DATA.token.to_be_bytes());
    for (index, field) in [9, 10, 11, 12, 13].into_iter().enumerate() {
        assert_eq!(word(&bytes, 12 + 4 * index), field);
    }
    assert_eq!(bytes[36..], [0, 0, 0, 14, 0, 0, 0, 15, 0, 0, 0, 17, 0, 0, 0, 19]);
    let (ack, ranges) = Ack::parse(&bytes).unwrap();
    assert_eq!((ack, ranges.collect::<Vec<_>>()), (ACK, vec![(14, 15), (17, 19)]));
}

#[test]
fn the_bytes_of_a_refusal_are_these() {
    let refusal = Refusal { reason: Reason::NoRoom, token: 1, exchange: 2 };
    let bytes = refusal.encode();
    assert_eq!(bytes[..16], [b'X', 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2]);
    assert_eq!(Refusal::parse(&bytes), Some(refusal));
}

fn datagram(data: &Data, payload: usize) -> Vec<u8> {
    let payload = vec![7; payload];
    [data.encode(&payload).as_slice(), &payload].concat()
}

#[test]
fn a_payload_is_exactly_as_long_as_its_block() {
    assert!(Data::parse(&datagram(&DATA, 264)).is_some());
    for wrong in [0, 263, 265, 1368] {
        assert_eq!(Data::parse(&datagram(&DATA, wrong)), None);
    }
}

#[test]
fn blocks_that_cannot_be_are_refused() {
    for (length, block_size, block) in
        [(3000, 1368, 3), (3000, 0, 0), (3000, 255, 0), (0, 1368, 1), (0, 0, 0)]
    {
        for payload in [0, 1, 255, 264, 1368] {
            assert_eq!(Data::parse(&datagram(&Data { length, block_size, block, ..DATA }, payload)), None);
        }
    }
    let empty = Data { length: 0, block: 0, ..DATA };
    assert_eq!(Data::parse(&datagram(&empty, 0)), Some((empty, [].as_slice())));
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let mut ack = Vec::new();
    ACK.encode([(14, 15)].into_iter(), &mut ack);
    let refusal = Refusal { reason: Reason::Unknown, token: 1, exchange: 2 }.encode().to_vec();
    for original in [ack, refusal, datagram(&DATA, 264), datagram(&Data { length: 2999, ..DATA }, 263)] {
        for bit in 0..original.len() * 8 {
            let mut bytes = original.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Data::parse(&bytes).is_none() && Ack::parse(&bytes).is_none(), "bit {bit}");
            assert!(Refusal::parse(&bytes).is_none(), "bit {bit}");
        }
    }
}

#[test]
fn ranges_that_cannot_be_are_refused() {
    for range in [(12, 14), (14, 14), (15, 14), (0, 1)] {
        let mut bytes = Vec::new();
        ACK.encode([range].into_iter(), &mut bytes);
        assert!(Ack::parse(&bytes).is_none(), "{range:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_do_no_harm(kind in prop_oneof![Just(b'D'), Just(b'K'), Just(b'X')], bytes: Vec<u8>) {
        let datagram = [&[kind], bytes.as_slice()].concat();
        let _ = (Data::parse(&datagram), Ack::parse(&datagram).map(|(_, ranges)| ranges.count()));
        let _ = (Refusal::parse(&datagram), Refusal::of_unread(&datagram));
    }

    #[test]
    fn any_header_with_its_check_does_no_harm(mut header: [u8; DATA_HEADER], payload in prop::collection::vec(any::<u8>(), 0..300)) {
        header[0] = b'D';
        let mut datagram = [header.as_slice(), &payload].concat();
        datagram[28..32].fill(0);
        seal(&mut datagram, DATA_HEADER);
        let _ = Data::parse(&datagram);
    }
}
