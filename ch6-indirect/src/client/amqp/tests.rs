//! The wire against scripted bytes: no server, no clock.

use super::*;

fn deliver(tag: u64, redelivered: u8) -> Vec<u8> {
    Method::new(60, 60).text("c").long_long(tag).octet(redelivered).text("").text("q").frame(CHANNEL)
}

/// A content of these pieces.
fn content(pieces: &[&[u8]]) -> Vec<u8> {
    let size: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut bytes = Vec::new();
    Method::new(60, 0).long_long(size as u64).short(0).append(HEADER, CHANNEL, &mut bytes);
    for piece in pieces {
        frame::write(BODY, CHANNEL, piece, &mut bytes);
    }
    bytes
}

fn delivery(tag: u64, number: u64) -> Vec<u8> {
    [deliver(tag, 0), content(&[&number.to_be_bytes(), b"and more"])].concat()
}

fn ack(tag: u64, multiple: u8) -> Vec<u8> {
    Method::new(60, 80).long_long(tag).octet(multiple).frame(CHANNEL)
}

/// What is wrong with these bytes for this connection.
fn fault(mut amqp: Amqp, bytes: &[u8]) -> String {
    amqp.read(bytes, &mut Seen::default()).unwrap_err().to_string()
}

#[test]
fn deliveries_are_counted_wherever_the_bytes_are_cut() {
    let bytes: Vec<u8> = (0..3).flat_map(|number| delivery(number + 1, number)).collect();
    for cut in 0..=bytes.len() {
        let (mut amqp, mut seen) = (Amqp::consumer(true), Seen::default());
        let used = amqp.read(&bytes[..cut], &mut seen).unwrap();
        // What is not whole is not acknowledged.
        let (mut acks, before) = (Vec::new(), (cut / (bytes.len() / 3)) as u64);
        amqp.answer(&mut acks);
        assert_eq!(acks, if before > 0 { ack(before, 1) } else { vec![] }, "cut at {cut}");
        assert_eq!(amqp.read(&bytes[used..], &mut seen).unwrap(), bytes.len() - used);
        assert_eq!(seen, Seen { delivered: 3, confirmed: vec![] }, "cut at {cut}");
        acks.clear();
        amqp.answer(&mut acks);
        assert_eq!(acks, if before < 3 { ack(3, 1) } else { vec![] }, "cut at {cut}");
    }
}

#[test]
fn without_acks_nothing_is_answered() {
    let (mut amqp, mut out) = (Amqp::consumer(false), Vec::new());
    amqp.read(&delivery(1, 0), &mut Seen::default()).unwrap();
    amqp.answer(&mut out);
    assert_eq!(out, [0; 0]);
}

#[test]
fn a_message_that_is_lost_or_comes_twice_is_a_fault() {
    let lost = [delivery(1, 0), delivery(2, 2)].concat();
    assert_eq!(fault(Amqp::consumer(true), &lost), "message 2 came where message 1 was expected");
    let twice = [delivery(1, 0), delivery(2, 0)].concat();
    assert_eq!(fault(Amqp::consumer(true), &twice), "message 0 came where message 1 was expected");
    let again = [deliver(1, 1), content(&[&[0; 8]])].concat();
    assert_eq!(fault(Amqp::consumer(true), &again), "delivery 1 was delivered before");
    let behind = [delivery(2, 0), delivery(1, 1)].concat();
    assert_eq!(fault(Amqp::consumer(true), &behind), "delivery 1 came behind delivery 2");
}

#[test]
fn a_publication_is_method_header_and_body() {
    let target = Target { exchange: "e", key: "k", is_persistent: true };
    let mut out = Vec::new();
    Amqp::publisher(target, 8, false).publish(7..9, &mut out);
    let one = |number: u8| {
        [
            &[1, 0, 1, 0, 0, 0, 11, 0, 60, 0, 40, 0, 0, 1, b'e', 1, b'k', 0, 0xCE][..],
            &[2, 0, 1, 0, 0, 0, 15, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0x10, 0, 2, 0xCE],
            &[3, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, number, 0xCE],
        ]
        .concat()
    };
    assert_eq!(out, [one(7), one(8)].concat());
}

#[test]
fn confirms_are_of_what_was_published() {
    let target = Target { exchange: "", key: "q", is_persistent: true };
    let (mut amqp, mut seen) = (Amqp::publisher(target, 8, true), Seen::default());
    amqp.publish(0..4, &mut Vec::new());
    amqp.read(&[ack(2, 0), ack(3, 1)].concat(), &mut seen).unwrap();
    assert_eq!(seen.confirmed, [1..2, 0..1, 2..3]);
    let error = amqp.read(&ack(5, 1), &mut seen).unwrap_err().to_string();
    assert_eq!(error, "publication 5 is confirmed, and 4 were published");
    assert_eq!(fault(Amqp::publisher(target, 8, false), &ack(1, 0)), "a confirm without confirm mode");
}

#[test]
fn a_refusal_says_why() {
    let close = Method::new(20, 40).short(404).text("NOT_FOUND - no queue 'q'").short(60).short(20);
    let said = fault(Amqp::consumer(true), &close.frame(CHANNEL));
    assert_eq!(said, "the channel is closed: 404 NOT_FOUND - no queue 'q'");
    let nack = Method::new(60, 120).long_long(1).octet(0);
    assert_eq!(fault(Amqp::consumer(true), &nack.frame(CHANNEL)), "a publication is refused");
    let early = content(&[&[0; 8]]);
    let said = fault(Amqp::consumer(true), &early);
    assert_eq!(said, "a frame of kind 2 where Method was expected");
}
