use super::*;
use proptest::prelude::*;

const NOW: Duration = Duration::from_millis(7);
const SIZE: u16 = 256;

fn data(length: usize, block: u32, sequence: u32) -> Data {
    let length = length as u32;
    Data { side: Side::Request, block_size: SIZE, token: 1, exchange: 2, sequence, length, block }
}

fn message(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index * 7 + index / 256) as u8).collect()
}

/// Hands block `block` of `message` over, growing as a side would.
fn give(receiver: &mut Receiver, message: &[u8], block: u32, sequence: u32) -> Outcome {
    let data = data(message.len(), block, sequence);
    let growth = receiver.growth(&data);
    if growth > 0 {
        receiver.grow(growth);
    }
    let start = block as usize * usize::from(SIZE);
    receiver.handle_data(NOW, &data, &message[start..message.len().min(start + usize::from(SIZE))])
}

fn ack(receiver: &mut Receiver) -> (Ack, Vec<(u32, u32)>) {
    let mut batch = Batch::new();
    assert!(receiver.poll_transmit(NOW + Duration::from_micros(5), &mut batch));
    assert!(!receiver.poll_transmit(NOW, &mut batch), "one ack for all that has come");
    let (ack, ranges) = Ack::parse(&batch.bytes).unwrap();
    (ack, ranges.collect())
}

#[test]
fn an_ack_says_what_is_here_with_the_newest_first() {
    let message = message(256 * 10);
    let mut receiver = Receiver::new(&data(message.len(), 0, 0), 1 << 20).unwrap();
    for (sequence, block) in [0, 1, 3, 6, 7, 9, 4].into_iter().enumerate() {
        assert_eq!(give(&mut receiver, &message, block, sequence as u32), Outcome::New);
    }
    let (ack, ranges) = ack(&mut receiver);
    assert_eq!((ack.cumulative, ack.largest, ack.delay), (2, 6, 5));
    assert_eq!(ranges, [(3, 5), (6, 8), (9, 10)]);
    assert_eq!(give(&mut receiver, &message, 6, 7), Outcome::Duplicate);
    assert_eq!(give(&mut receiver, &message, 1, 8), Outcome::Duplicate);
    give(&mut receiver, &message, 8, 9);
    assert_eq!(self::ack(&mut receiver).1, [(6, 10), (3, 5)]);
    give(&mut receiver, &message, 2, 10);
    give(&mut receiver, &message, 5, 11);
    assert_eq!(receiver.take(), Some(message));
    assert_eq!(receiver.take(), None);
    assert_eq!(self::ack(&mut receiver).0.cumulative, 10);
}

#[test]
fn memory_grows_with_what_arrives() {
    let length = 200 << 20;
    let first = data(length, 0, 0);
    let mut receiver = Receiver::new(&first, 1 << 20).unwrap();
    assert_eq!(receiver.memory(), 0);
    assert_eq!(receiver.growth(&first), FIRST);
    let farthest = (4 << 20) / 256 - 1;
    assert_eq!(receiver.growth(&data(length, farthest, 0)), 4 << 20);
    for beyond in [farthest + 1, 100_000, (length / 256 - 1) as u32] {
        let beyond = data(length, beyond, 0);
        assert_eq!(receiver.growth(&beyond), 0);
        assert_eq!(receiver.handle_data(NOW, &beyond, &[0; 256]), Outcome::Stray);
    }
}

#[test]
fn a_block_of_another_message_is_a_stray() {
    let mut receiver = Receiver::new(&data(1000, 0, 0), 1 << 20).unwrap();
    assert_eq!(receiver.handle_data(NOW, &data(1001, 0, 0), &[0; 256]), Outcome::Stray);
    let other_size = Data { block_size: 300, ..data(1000, 0, 0) };
    assert_eq!(receiver.handle_data(NOW, &other_size, &[0; 300]), Outcome::Stray);
}

#[test]
fn an_empty_message_is_one_empty_block() {
    let mut receiver = Receiver::new(&data(0, 0, 0), 1 << 20).unwrap();
    assert_eq!(receiver.take(), None);
    assert_eq!(give(&mut receiver, &[], 0, 0), Outcome::New);
    assert_eq!(receiver.take(), Some(Vec::new()));
}

proptest! {
    #[test]
    fn any_order_gives_the_message(length in 0usize..20_000, order in prop::collection::vec(any::<prop::sample::Index>(), 0..300)) {
        let message = message(length);
        let blocks = length.div_ceil(256).max(1);
        let mut receiver = Receiver::new(&data(length, 0, 0), 1 << 20).unwrap();
        let order = order.iter().map(|index| index.index(blocks)).chain((0..blocks).rev());
        for (sequence, block) in order.enumerate() {
            give(&mut receiver, &message, block as u32, sequence as u32);
            prop_assert!(receiver.memory() <= length);
            let (ack, ranges) = ack(&mut receiver);
            let told = ack.cumulative + ranges.iter().map(|(first, end)| end - first).sum::<u32>();
            prop_assert!(told as usize <= blocks);
        }
        prop_assert_eq!(receiver.take(), Some(message));
    }
}
