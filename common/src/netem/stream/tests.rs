//! The channel in virtual time: every byte, in order, whatever the link does to the pieces.

use proptest::prelude::*;

use super::super::profile::{Blocked, Cut, Span};
use super::*;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn channel(profile: Profile) -> Channel {
    Channel::new(profile, 1, 0, Direction::Up).recorded()
}

/// Everything that comes out, with its time.
fn drain(channel: &mut Channel) -> Vec<(Duration, Piece)> {
    let mut now = Duration::ZERO;
    let mut pieces = Vec::new();
    while let Some(due) = channel.next_due(now) {
        now = now.max(due);
        while let Some(piece) = channel.take(now) {
            pieces.push((now, piece));
        }
    }
    pieces
}

fn bytes(pieces: &[(Duration, Piece)]) -> Vec<u8> {
    let of = |piece: &(Duration, Piece)| match &piece.1 {
        Piece::Bytes(bytes) => bytes.clone(),
        Piece::End | Piece::Reset => vec![],
    };
    pieces.iter().flat_map(of).collect()
}

#[test]
fn a_perfect_channel_passes_bytes_and_the_end() {
    let mut channel = channel(Profile { delay: ms(5), ..Profile::default() });
    channel.send(ms(1), b"hello");
    channel.close(ms(2));
    let expected = [(ms(6), Piece::Bytes(b"hello".to_vec())), (ms(7), Piece::End)];
    assert_eq!(drain(&mut channel), expected);
    assert!(!channel.has_room(ms(9)));
}

#[test]
fn a_split_segment_comes_in_two_parts_a_moment_apart() {
    let mut channel = channel(Profile { split: 1.0, ..Profile::default() });
    channel.send(ms(0), b"hello world");
    channel.send(ms(0), b"!");
    let pieces = drain(&mut channel);
    assert_eq!(bytes(&pieces), b"hello world!");
    // One byte cannot be split; it keeps its place.
    let times: Vec<Duration> = pieces.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [ms(0), SPLIT_GAP, SPLIT_GAP]);
    assert_eq!(channel.counts().split, 1);
}

#[test]
fn a_merged_segment_waits_for_the_next_but_not_for_ever() {
    let mut channel = channel(Profile { merge: 1.0, ..Profile::default() });
    for (at, text) in [(0, "a"), (7, "b"), (8, "c")] {
        channel.send(ms(at), text.as_bytes());
    }
    let expected = [(ms(7), Piece::Bytes(b"ab".to_vec())), (ms(8) + MERGE_WAIT, Piece::Bytes(b"c".to_vec()))];
    assert_eq!(drain(&mut channel), expected);
    assert_eq!(channel.counts().merged, 1);
}

#[test]
fn the_end_does_not_wait_to_be_merged() {
    let mut channel = channel(Profile { merge: 1.0, ..Profile::default() });
    channel.send(ms(0), b"a");
    channel.close(ms(3));
    assert_eq!(drain(&mut channel), [(ms(3), Piece::Bytes(b"a".to_vec())), (ms(3), Piece::End)]);
}

#[test]
fn a_loss_holds_what_is_behind_it_for_a_retransmission() {
    let mut channel = channel(Profile { loss: 0.05, ..Profile::default() });
    let data = vec![7; 1000 * SEGMENT];
    channel.send(ms(0), &data);
    let pieces = drain(&mut channel);
    assert_eq!(bytes(&pieces), data);
    let losses = channel.counts().lost;
    assert!((30..70).contains(&losses), "{losses}");
    assert_eq!(pieces.last().map(|(at, _)| *at), Some(RETRANSMISSION * losses as u32));
}

#[test]
fn a_reset_comes_after_what_was_sent_before_it() {
    let mut channel = channel(Profile { reset: 0.02, delay: ms(1), ..Profile::default() });
    for _ in 0..1000 {
        channel.send(ms(0), b"x");
    }
    channel.close(ms(0));
    let pieces = drain(&mut channel);
    assert_eq!(pieces.last(), Some(&(ms(1), Piece::Reset)));
    let before = bytes(&pieces).len();
    let fate = |index| segment_fate(&channel.profile, 1, 0, index as u64).reset;
    assert!((0..before).all(|index| !fate(index)) && fate(before));
    assert_eq!(channel.counts().resets, 1);
}

#[test]
fn a_pulled_cable_holds_bytes_until_it_is_whole_again() {
    let span = |from, to: Option<u64>| Span::Time { from: ms(from), to: to.map(ms) };
    let cuts = vec![
        Cut { blocked: Blocked::Up, span: span(10, Some(20)) },
        Cut { blocked: Blocked::Both, span: span(30, None) },
    ];
    let mut channel = channel(Profile { cuts, ..Profile::default() });
    for at in [5, 15, 25, 35] {
        channel.send(ms(at), &[at as u8]);
    }
    channel.close(ms(40));
    let expected = [5, 20, 25].map(ms).into_iter().zip([5, 15, 25].map(|byte| Piece::Bytes(vec![byte])));
    assert!(drain(&mut channel).into_iter().eq(expected));
    assert_eq!(channel.counts().cut, 2);
}

#[test]
fn the_rate_spaces_segments_and_room_comes_back_with_time() {
    let profile = Profile { rate: Some(146_000), queue: 10 * SEGMENT, delay: ms(1000), ..Profile::default() };
    let mut channel = channel(profile);
    channel.send(ms(0), &vec![0; 15 * SEGMENT]);
    assert!(!channel.has_room(ms(0)));
    // 150 ms of work wait; half a queue is left after 100 ms, long before the first piece comes out.
    assert_eq!(channel.next_due(ms(0)), Some(ms(100)));
    assert!(channel.has_room(ms(100)));
    let times: Vec<Duration> = drain(&mut channel).iter().map(|(at, _)| *at).collect();
    assert!(times.into_iter().eq((1..=15).map(|segment| ms(1000 + 10 * segment))));
}

#[test]
fn bytes_in_flight_are_bounded() {
    let mut channel = channel(Profile { delay: ms(1), ..Profile::default() });
    while channel.has_room(ms(0)) {
        channel.send(ms(0), &[0; 65_536]);
    }
    assert!(channel.bytes <= IN_FLIGHT + 65_536);
    drain(&mut channel);
    assert_eq!(channel.bytes, 0);
    assert!(channel.has_room(ms(1)));
}

proptest! {
    #[test]
    fn every_byte_arrives_in_order(
        seed: u64,
        (split, merge, loss, stall) in (0.0..1.0f64, 0.0..1.0f64, 0.0..0.5f64, 0.0..0.5f64),
        writes in prop::collection::vec((0u64..50, prop::collection::vec(any::<u8>(), 0..4000)), 0..30),
    ) {
        let profile = Profile { split, merge, loss, stall, jitter: ms(3), ..Profile::default() };
        let mut channel = Channel::new(profile, seed, 1, Direction::Down).recorded();
        let mut now = Duration::ZERO;
        let mut pieces = Vec::new();
        for (pause, bytes) in &writes {
            now += ms(*pause);
            channel.send(now, bytes);
            while let Some(piece) = channel.take(now) {
                pieces.push((now, piece));
            }
        }
        channel.close(now);
        pieces.extend(drain(&mut channel));
        prop_assert_eq!(pieces.pop().map(|(_, piece)| piece), Some(Piece::End));
        let sent: Vec<u8> = writes.into_iter().flat_map(|(_, bytes)| bytes).collect();
        prop_assert_eq!(bytes(&pieces), sent);
        let events = channel.take_events();
        prop_assert_eq!(events.len() as u64, channel.counts().datagrams + 1);
        prop_assert!(events.iter().all(|event| event.arrivals.iter().all(|arrival| arrival.at >= event.at)));
    }
}
