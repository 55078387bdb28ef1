//! Messages that expire, find no room, or are sent on.

use super::*;
use crate::broker::properties::Properties;

fn dead_letter_to(key: &str) -> [(&'static str, AMQPValue); 2] {
    [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(key))]
}

/// The `x-death` of the first message of a queue: queue, reason, count.
fn deaths(lab: &mut Lab, queue: &str) -> Vec<(String, String, i64)> {
    lab.get(1, queue, false);
    while let Some(output) = lab.broker.poll_output(lab.now) {
        if let Output::GetOk { message, delivery_tag, .. } = output {
            lab.nack(1, delivery_tag, false, true);
            let headers = Properties::read(message.content.properties()).unwrap().headers().unwrap();
            let Some(AMQPValue::FieldArray(deaths)) = headers.inner().get("x-death").cloned() else {
                panic!("no deaths")
            };
            return deaths
                .as_slice()
                .iter()
                .map(|death| {
                    let death = death.as_field_table().unwrap().inner();
                    let said = |name| arguments::text(&death[name]).unwrap().to_owned();
                    (said("queue"), said("reason"), arguments::integer(&death["count"]).unwrap())
                })
                .collect();
        }
    }
    panic!("{queue} is empty")
}

#[test]
fn a_message_expires_behind_another_that_does_not() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[]);
    lab.put("q", &["stays"]);
    lab.publish("", "q", &durable().with_expiration("100".into()), "goes");
    lab.get(1, "q", true);
    assert_eq!(lab.outputs(), ["1.1 got #1 stays, 1 left"]);
    lab.put("q", &["first"]);
    lab.publish("", "q", &durable().with_expiration("50".into()), "second");
    lab.wait(50);
    assert_eq!((lab.queue("q").ready, lab.queue("q").expired), (2, 1));
    lab.wait(100);
    assert_eq!((lab.empty("q"), lab.queue("q").expired), (vec!["first".to_owned()], 2));
    assert_eq!(lab.broker.deadline(), None);
}

#[test]
fn the_shorter_time_counts_and_what_expired_is_never_delivered() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[("x-message-ttl", int(100))]);
    lab.publish("", "q", &durable().with_expiration("1000".into()), "a");
    lab.publish("", "q", &durable().with_expiration("0".into()), "b");
    lab.now.instant += Duration::from_millis(101);
    lab.consume(1, "q", "t", &[]);
    assert_eq!(lab.outputs(), ["1.1 consume-ok"], "even where the timer has not been looked at");
    lab.publish("", "q", &durable().with_expiration("0".into()), "at once");
    lab.now.instant += Duration::from_micros(1);
    assert_eq!(lab.outputs(), ["1.1 deliver t #1 at once"]);
}

#[test]
fn a_wrong_expiration_is_named() {
    let cases = [
        ("-1", "{value_negative,-1}"),
        ("abc", "no_integer"),
        ("10s", "{leftover_string,\"s\"}"),
        ("", "no_integer"),
        ("99999999999999", "{value_too_big,99999999999999}"),
        ("+5", "no_integer"),
    ];
    for (expiration, why) in cases {
        let mut lab = Lab::new(false);
        lab.publish("", "q", &durable().with_expiration(expiration.into()), "m");
        assert_eq!(
            lab.outputs(),
            [format!("2.1 406 PRECONDITION_FAILED - invalid expiration '{expiration}': {why}")]
        );
    }
}

#[test]
fn an_unused_queue_expires() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[("x-expires", int(1000))]);
    lab.wait(900);
    lab.get(1, "q", true);
    lab.wait(900);
    lab.consume(1, "q", "t", &[]);
    lab.outputs();
    lab.wait(5000);
    lab.broker.close(PeerId(1), lab.now);
    lab.wait(999);
    assert_eq!(lab.broker.snapshot().queues.len(), 1);
    lab.wait(1);
    assert_eq!((lab.broker.snapshot().queues.len(), lab.broker.deadline()), (0, None));
}

#[test]
fn a_full_queue_drops_its_first_or_refuses_the_new_one() {
    let mut lab = Lab::new(false);
    lab.declare("drop", &[("x-max-length", int(2))]);
    lab.declare("bytes", &[("x-max-length-bytes", int(5))]);
    lab.declare("refuse", &[("x-max-length", int(2)), ("x-overflow", text("reject-publish"))]);
    lab.confirm_select(2);
    lab.put("drop", &["a", "b", "c"]);
    lab.put("bytes", &["aa", "bb", "cc"]);
    lab.put("refuse", &["a", "b", "c"]);
    let outputs = lab.outputs();
    assert_eq!(outputs[outputs.len() - 2..], ["2.1 ack 8", "2.1 nack 9"]);
    assert_eq!(lab.empty("drop"), ["b", "c"]);
    assert_eq!(lab.empty("bytes"), ["bb", "cc"]);
    assert_eq!(lab.empty("refuse"), ["a", "b"]);
    assert_eq!((lab.queue("drop").overflowed, lab.broker.memory.used()), (1, 0));
}

#[test]
fn a_dead_letter_tells_its_story() {
    let mut lab = Lab::new(false);
    lab.declare("q", &dead_letter_to("dead"));
    lab.declare("dead", &[]);
    lab.publish("", "q", &durable().with_expiration("10".into()), "m");
    lab.wait(10);
    assert_eq!(deaths(&mut lab, "dead"), [("q".to_owned(), "expired".to_owned(), 1)]);
    lab.wait(100_000);
    assert_eq!(lab.queue("dead").ready, 1, "the expiration went with the first queue");
    lab.put("q", &["n"]);
    lab.get(1, "q", false);
    lab.outputs();
    lab.nack(1, 2, false, false);
    assert_eq!((lab.queue("dead").ready, lab.queue("q").dead_lettered), (2, 2));
}

#[test]
fn a_cycle_without_a_rejection_ends_and_one_with_a_rejection_counts() {
    let mut lab = Lab::new(false);
    let waits = [dead_letter_to("work").to_vec(), vec![("x-message-ttl", int(10))]].concat();
    lab.declare("wait", &waits);
    lab.declare("work", &dead_letter_to("wait"));
    lab.put("work", &["poison"]);
    for round in 1..=3 {
        lab.get(1, "work", false);
        lab.outputs();
        lab.nack(1, (round - 1) * 2 + 1, false, false);
        lab.wait(10);
        let count = i64::try_from(round).unwrap();
        let expected = [
            ("wait".to_owned(), "expired".to_owned(), count),
            ("work".to_owned(), "rejected".to_owned(), count),
        ];
        assert_eq!(deaths(&mut lab, "work"), expected);
    }
    lab.declare("self", &[dead_letter_to("self").to_vec(), vec![("x-message-ttl", int(10))]].concat());
    lab.put("self", &["round", "and round"]);
    lab.wait(10);
    assert_eq!((lab.queue("self").ready, lab.queue("self").dead_lettered), (0, 2));
}

#[test]
fn a_history_that_a_client_wrote_is_not_believed() {
    let mut lab = Lab::new(false);
    lab.declare("q", &[dead_letter_to("dead").to_vec(), vec![("x-message-ttl", int(10))]].concat());
    lab.declare("dead", &[]);
    let death = table(&[("queue", text("dead")), ("reason", text("expired")), ("count", int(7))]);
    let forged = table(&[("x-death", AMQPValue::FieldArray(vec![AMQPValue::FieldTable(death)].into()))]);
    lab.publish("", "q", &durable().with_headers(forged), "second, distinct");
    lab.wait(10);
    assert_eq!(deaths(&mut lab, "dead"), [("q".to_owned(), "expired".to_owned(), 1)]);
}

#[test]
fn a_poison_message_of_a_quorum_queue_comes_back_so_often_and_no_more() {
    let mut lab = Lab::new(false);
    let limited = [("x-queue-type", text("quorum")), ("x-delivery-limit", int(2))];
    lab.declare("q", &[limited.to_vec(), dead_letter_to("dead").to_vec()].concat());
    lab.declare("dead", &[]);
    lab.put("q", &["m"]);
    lab.consume(1, "q", "t", &[]);
    let mut seen = lab.outputs();
    for tag in 1..=3 {
        lab.nack(1, tag, false, true);
        seen.extend(lab.outputs());
    }
    assert_eq!(
        seen[1..],
        [
            "1.1 deliver t #1 m",
            "1.1 deliver t #2 m redelivered count=1",
            "1.1 deliver t #3 m redelivered count=2"
        ]
    );
    assert_eq!(deaths(&mut lab, "dead"), [("q".to_owned(), "delivery_limit".to_owned(), 1)]);
}

#[test]
fn a_long_chain_of_queues_is_a_loop_and_not_a_deep_call() {
    let mut lab = Lab::new(false);
    let length = 60;
    for number in 0..length {
        let next = format!("q{}", number + 1);
        lab.declare(
            &format!("q{number}"),
            &[dead_letter_to(&next).to_vec(), vec![("x-max-length", int(0))]].concat(),
        );
    }
    lab.declare(&format!("q{length}"), &[]);
    lab.put("q0", &["m"]);
    assert_eq!(lab.queue(&format!("q{length}")).ready, 1);
    let story = deaths(&mut lab, &format!("q{length}"));
    assert_eq!((story.len(), &*story[0].1), (length, "maxlen"));
}

#[test]
fn copies_go_to_more_keys_and_blind_ones_are_not_seen() {
    let mut lab = Lab::new(false);
    for queue in ["to", "cc", "bcc"] {
        lab.declare(queue, &[]);
    }
    let keys = |key: &str| AMQPValue::FieldArray(vec![text(key)].into());
    let headers = table(&[("CC", keys("cc")), ("BCC", keys("bcc")), ("other", int(1))]);
    lab.publish("", "to", &durable().with_headers(headers), "m");
    lab.get(1, "bcc", true);
    while let Some(output) = lab.broker.poll_output(lab.now) {
        let Output::GetOk { message, .. } = output else { continue };
        let headers = Properties::read(message.content.properties()).unwrap().headers().unwrap();
        let names: Vec<&str> = headers.into_iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["CC", "other"]);
    }
    assert_eq!([lab.queue("to").ready, lab.queue("cc").ready, lab.queue("bcc").enqueued], [1, 1, 1]);
    let wrong = table(&[("CC", text("cc"))]);
    lab.publish("", "to", &durable().with_headers(wrong), "m");
    assert!(lab.outputs()[0].starts_with("2.1 406"));
}
