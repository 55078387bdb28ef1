//! What is seen of a broker, in the room that there is.

use std::time::Duration;

use serde_json::{Value, json};

use super::*;

fn queue(name: &str, count: u64) -> Value {
    json!({"vhost": "/", "name": name, "kind": "classic", "ready": count, "unacknowledged": 1, "consumers": 2, "enqueued": count,
        "delivered": 3, "acknowledged": 2})
}

fn observed(queues: &[Value]) -> Observed {
    let state = json!({
        "exchanges": [{"vhost": "/", "name": "", "kind": "direct", "published": 10, "routed": 9},
            {"vhost": "/", "name": "amq.topic", "kind": "topic", "published": 0, "routed": 0},
            {"vhost": "other", "name": "logs", "kind": "topic", "published": 0, "routed": 0}],
        "queues": queues,
        "connections": [{"id": 1, "address": "127.0.0.1:40001", "user": "guest", "vhost": "/", "channels": 1, "bytes_in": 100,
            "bytes_out": 4096, "blocked": null, "client": {"product": "pika\u{1b}[2J"}}],
        "channels": [{}], "consumers": [{}, {}], "memory": [70, 1000], "alarm": null,
    });
    Observed::read(&state.to_string()).unwrap()
}

#[test]
fn the_first_look_has_counts_and_the_second_has_rates() {
    let mut before = observed(&[queue("a", 10), queue("b", 10)]);
    let first = table(&before, None, 100, usize::MAX);
    assert!(
        first.starts_with("  published 10   delivered 6   acknowledged 4\n  20 ready   2 unacknowledged"),
        "{first}"
    );
    assert!(first.contains("1 connection   1 channel   2 consumers   70 B of messages"), "{first}");
    let now = observed(&[queue("a", 10), queue("b", 30)]);
    before.at = now.at - Duration::from_secs(2);
    let second = table(&now, Some(&before), 100, usize::MAX);
    assert!(second.starts_with("  published 0/s"), "{second}");
    let rows: Vec<Vec<&str>> = second.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        rows[4],
        ["b", "classic", "30", "1", "2", "10", "0", "0"],
        "the busiest is the first: {second}"
    );
    assert!(
        second.contains("(default)") && second.contains("other: logs") && !second.contains("amq.topic"),
        "{second}"
    );
}

#[test]
fn names_do_not_reach_the_terminal_as_they_are() {
    let shown = table(&observed(&[queue("red\u{1b}[31m\nline", 1)]), None, 200, usize::MAX);
    assert!(
        !shown.contains('\u{1b}')
            && shown.contains("red\u{fffd}[31m\\nline")
            && shown.contains("pika\u{fffd}"),
        "{shown}"
    );
}

#[test]
fn five_hundred_queues_and_long_names_fit_into_a_small_terminal() {
    let queues: Vec<Value> = (0..500)
        .map(|number| queue(&format!("a very long name of a queue, in which 漢字 stand: {number}"), number))
        .collect();
    let state = observed(&queues);
    for (columns, rows) in [(80, 23), (40, 12), (200, 50)] {
        let shown = table(&state, None, columns, rows);
        assert!(shown.lines().count() <= rows, "{rows}: {shown}");
        assert!(shown.lines().all(|line| line.width() <= columns), "{columns}: {shown}");
        assert!(shown.contains("more\n") && shown.contains("127.0.0.1"), "{shown}");
    }
    assert!(table(&observed(&[]), None, 80, 23).lines().count() < 10);
}
