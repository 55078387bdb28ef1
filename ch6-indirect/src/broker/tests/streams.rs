//! Streams: read from where one likes, and not emptied.

use super::*;

fn lab(arguments: &[(&str, AMQPValue)]) -> Lab {
    let mut lab = Lab::new(true);
    lab.declare("s", &[arguments, &[("x-queue-type", text("stream"))]].concat());
    lab.qos(1, 2, false);
    lab.qos(2, 100, false);
    lab.outputs();
    lab
}

fn offsets(lab: &mut Lab, tag: &str, start: AMQPValue) -> Vec<String> {
    lab.consume(2, "s", tag, &[("x-stream-offset", start)]);
    let outputs = lab.outputs();
    outputs
        .iter()
        .filter_map(|line| line.split_once("offset="))
        .map(|(_, offset)| offset.to_owned())
        .collect()
}

#[test]
fn each_consumer_reads_all_and_an_acknowledgement_gives_it_room() {
    let mut lab = lab(&[]);
    lab.consume(1, "s", "a", &[("x-stream-offset", text("first"))]);
    lab.consume(2, "s", "b", &[]);
    lab.put("s", &["m0", "m1", "m2"]);
    let outputs = lab.outputs();
    let of =
        |prefix: &str| outputs.iter().filter(|line| line.starts_with(prefix)).cloned().collect::<Vec<_>>();
    assert_eq!(of("1.1 deliver"), ["1.1 deliver a #1 m0 offset=0", "1.1 deliver a #2 m1 offset=1"]);
    assert_eq!(of("2.1 deliver").len(), 3);
    lab.ack(1, 2, true);
    assert_eq!(lab.outputs(), ["1.1 deliver a #3 m2 offset=2"]);
    assert_eq!((lab.queue("s").ready, lab.queue("s").unacknowledged), (3, 4));
}

#[test]
fn a_consumer_begins_where_it_likes() {
    let mut lab = lab(&[]);
    lab.put("s", &["0", "1"]);
    lab.wait(10_000);
    lab.put("s", &["2", "3"]);
    let since = AMQPValue::Timestamp(lab.now.unix.as_secs() - 5);
    let cases = [
        (text("first"), vec!["0", "1", "2", "3"]),
        (text("last"), vec!["3"]),
        (text("next"), vec![]),
        (int(1), vec!["1", "2", "3"]),
        (int(4), vec![]),
        (since, vec!["2", "3"]),
        (text("1m"), vec!["0", "1", "2", "3"]),
    ];
    for (number, (start, expected)) in cases.into_iter().enumerate() {
        assert_eq!(offsets(&mut lab, &format!("t{number}"), start), expected, "{number}");
    }
    lab.consume(1, "s", "t", &[("x-stream-offset", text("middle"))]);
    assert_eq!(lab.outputs(), ["1.1 406 PRECONDITION_FAILED - invalid arg 'x-stream-offset': \"middle\""]);
}

#[test]
fn the_oldest_go_by_size_and_by_age_and_offsets_stay() {
    let mut old = lab(&[("x-max-age", text("10s"))]);
    old.put("s", &["0", "1"]);
    old.wait(11_000);
    old.put("s", &["2"]);
    assert_eq!(offsets(&mut old, "t", text("first")), ["2"]);
    let mut small = lab(&[("x-max-length-bytes", int(5))]);
    small.put("s", &["00", "11", "22"]);
    assert_eq!(offsets(&mut small, "t", int(0)), ["1", "2"]);
    assert_eq!(small.queue("s").bytes, 4);
    assert_eq!(small.restart().queue("s").ready, 2);
}

#[test]
fn what_a_stream_cannot_do_is_refused() {
    let what = "stream queue 's' in vhost '/'";
    let consume = |no_ack| {
        basic::AMQPMethod::Consume(basic::Consume { queue: "s".into(), no_ack, ..basic::Consume::default() })
    };
    let get = basic::AMQPMethod::Get(basic::Get { queue: "s".into(), no_ack: false });
    let cases = [
        (
            1,
            consume(true),
            format!("1.1 540 NOT_IMPLEMENTED - automatic acknowledgement not supported by {what}"),
        ),
        (
            1,
            get,
            "1.1 540 NOT_IMPLEMENTED - basic.get not supported by stream queues queue 's' in vhost '/'"
                .to_owned(),
        ),
        (
            3,
            consume(false),
            format!("3.1 406 PRECONDITION_FAILED - consumer prefetch count is not set for {what}"),
        ),
    ];
    for (connection, method, answer) in cases {
        let mut lab = lab(&[]);
        lab.connect(3);
        lab.basic(connection, 1, method);
        assert_eq!(lab.outputs(), [answer]);
    }
    let mut lab = lab(&[]);
    lab.put("s", &["m"]);
    assert_eq!(offsets(&mut lab, "t", text("first")), ["0"]);
    lab.nack(2, 1, false, true);
    assert_eq!(
        lab.outputs(),
        ["2.1 540 NOT_IMPLEMENTED - basic.nack and basic.reject not supported by stream queues"]
    );
}
