use super::*;
use crate::session::datagram::Side;

const NOW: Duration = Duration::from_millis(40);

/// A scoreboard whose first `sent` blocks left at time 0.
fn after_sending(blocks: u32, sent: u32) -> Scoreboard {
    let mut board = Scoreboard::new(blocks);
    for sequence in 0..sent {
        let (block, again) = board.next_block(u32::MAX).unwrap();
        assert!(!again);
        assert_eq!(board.sent(block, Duration::ZERO), sequence);
    }
    board
}

fn acknowledge(board: &mut Scoreboard, largest: u32, cumulative: u32, ranges: &[(u32, u32)]) -> News {
    let ack = Ack { side: Side::Request, token: 0, exchange: 0, largest, delay: 0, cumulative, window: 100 };
    let mut bytes = Vec::new();
    ack.encode(ranges.iter().copied(), &mut bytes);
    let (ack, ranges) = Ack::parse(&bytes).unwrap();
    board.handle_ack(NOW, &ack, ranges, REORDERING)
}

#[test]
fn blocks_go_in_order_up_to_the_end() {
    let mut board = after_sending(10, 3);
    assert_eq!(board.next_block(3), None);
    assert_eq!(board.next_block(4), Some((3, false)));
    assert_eq!(after_sending(10, 10).next_block(100), None);
}

#[test]
fn a_cumulative_ack_frees_the_flight_and_measures_the_round_trip() {
    let mut board = after_sending(10, 6);
    let news = acknowledge(&mut board, 5, 6, &[]);
    assert_eq!(news, News { acknowledged: 6, round_trip: Some(NOW), ..News::default() });
    assert_eq!((board.in_flight(), board.cumulative()), (0, 6));
    assert_eq!(acknowledge(&mut board, 5, 6, &[]), News::default());
}

#[test]
fn what_three_later_ones_have_passed_is_lost() {
    let mut board = after_sending(10, 8);
    assert_eq!(acknowledge(&mut board, 2, 0, &[(1, 3)]).lost, 0);
    let news = acknowledge(&mut board, 3, 0, &[(1, 4)]);
    assert_eq!((news.lost, news.last_lost), (1, 0));
    assert_eq!(board.next_block(u32::MAX), Some((0, true)));
    assert_eq!(board.sent(0, NOW), 8);
    assert_eq!(board.next_block(u32::MAX), Some((8, false)));
}

#[test]
fn a_retransmission_that_is_lost_is_found_by_its_own_sequence() {
    let mut board = after_sending(20, 8);
    acknowledge(&mut board, 3, 0, &[(1, 4)]);
    assert_eq!(board.next_block(u32::MAX), Some((0, true)));
    assert_eq!(board.sent(0, NOW), 8);
    for block in 8..12 {
        assert_eq!(board.next_block(u32::MAX), Some((block, false)));
        board.sent(block, NOW);
    }
    assert_eq!(acknowledge(&mut board, 10, 0, &[(1, 10)]).lost, 0);
    let news = acknowledge(&mut board, 11, 0, &[(1, 11)]);
    assert_eq!((news.lost, news.last_lost), (1, 8));
}

#[test]
fn an_old_transmission_does_not_speak_for_the_new_one() {
    let mut board = after_sending(20, 8);
    board.give_up(2);
    for block in [0, 1] {
        assert_eq!(board.next_block(u32::MAX), Some((block, true)));
        board.sent(block, NOW);
    }
    // Sequences 0 and 1 are long passed; but their blocks left again as 8 and 9.
    assert_eq!(acknowledge(&mut board, 7, 0, &[(2, 8)]).lost, 0);
    assert_eq!(board.in_flight(), 2);
}

#[test]
fn a_block_given_up_too_early_is_noticed() {
    let mut board = after_sending(10, 8);
    acknowledge(&mut board, 3, 0, &[(1, 4)]);
    let news = acknowledge(&mut board, 4, 5, &[]);
    assert_eq!(news.spurious, 1);
    assert_eq!(board.next_block(u32::MAX), Some((8, false)), "a block that has arrived is not sent again");

    let mut board = after_sending(10, 8);
    acknowledge(&mut board, 3, 0, &[(1, 4)]);
    board.next_block(u32::MAX).unwrap();
    board.sent(0, NOW);
    assert_eq!(
        acknowledge(&mut board, 4, 5, &[]).spurious,
        1,
        "the receiver has not seen the second transmission"
    );
}

#[test]
fn an_ack_of_what_was_never_sent_changes_nothing() {
    let mut board = after_sending(10, 4);
    for (largest, cumulative, ranges) in [
        (3, 5, vec![]),
        (4, 0, vec![(1, 2)]),
        (3, 0, vec![(1, 5)]),
        (3, 0, vec![(1, 4), (1, 3)]),
        (u32::MAX, u32::MAX, vec![]),
    ] {
        assert_eq!(acknowledge(&mut board, largest, cumulative, &ranges), News::default());
        assert_eq!((board.in_flight(), board.cumulative()), (4, 0));
    }
}

#[test]
fn the_timer_gives_up_the_first_in_flight() {
    let mut board = after_sending(10, 6);
    acknowledge(&mut board, 1, 0, &[(1, 2)]);
    board.give_up(2);
    assert_eq!(board.in_flight(), 3);
    assert_eq!(board.next_block(u32::MAX), Some((0, true)));
    board.sent(0, NOW);
    assert_eq!(board.next_block(u32::MAX), Some((2, true)));
    board.give_up(u32::MAX);
    assert_eq!(board.in_flight(), 0);
}

#[test]
fn the_ring_forgets_what_is_old() {
    let mut board = Scoreboard::new(100_000);
    for sequence in 0..100_000 {
        let (block, _) = board.next_block(u32::MAX).unwrap();
        assert_eq!(board.sent(block, NOW), sequence);
        acknowledge(&mut board, sequence, block + 1, &[]);
        assert!(board.transmissions.len() <= REORDERING as usize);
    }
    assert!(board.is_complete());
}
