//! The steps of a message, from its publish to its end, in the API and on the page.

use serde_json::{Value, json};

use crate::watching::Watched;
use crate::watching::browser::Browser;

/// A queue whose rejected messages go to another one.
fn broker() -> Watched {
    let broker = Watched::start(&[]);
    broker.done("PUT", "/exchanges/%2F/dead", &json!({"type": "fanout"}));
    broker.done("PUT", "/queues/%2F/tasks", &json!({"arguments": {"x-dead-letter-exchange": "dead"}}));
    broker.done("PUT", "/queues/%2F/failed", &json!({}));
    broker.done("POST", "/bindings/%2F/e/dead/q/failed", &json!({}));
    broker
}

/// A message is published, looked at, and rejected.
fn reject_one(broker: &Watched) {
    let publish = json!({"payload": "x", "routing_key": "tasks"});
    broker.done("POST", "/exchanges/%2F/amq.default/publish", &publish);
    for ackmode in ["ack_requeue_true", "reject_requeue_false"] {
        broker.done("POST", "/queues/%2F/tasks/get", &json!({"ackmode": ackmode}));
    }
}

#[test]
fn every_step_is_told_while_somebody_asks() {
    let broker = broker();
    reject_one(&broker);
    let ask =
        |since: u64| broker.done("GET", &format!("/snapshot?events={since}"), &Value::Null)["events"].clone();
    assert_eq!(ask(0), json!([]), "nobody had asked");
    reject_one(&broker);
    let events = ask(0);
    let steps: Vec<(&str, &str)> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|event| (event["what"].as_str().unwrap(), event["queue"].as_str().unwrap_or("")))
        .collect();
    let expected = [
        ("published", ""),
        ("routed", "tasks"),
        ("got", "tasks"),
        ("requeued", "tasks"),
        ("got", "tasks"),
        ("rejected", "tasks"),
        ("dead_lettered", "tasks"),
        ("routed", "failed"),
    ];
    assert_eq!(steps, expected, "{events}");
    assert_eq!((&events[6]["next"], &events[6]["exchange"]), (&events[7]["message"], &json!("dead")));
    assert_eq!(ask(events[6]["number"].as_u64().unwrap()).as_array().unwrap().len(), 1);
}

#[test]
fn the_page_shows_the_way_in_words_and_in_the_graph() {
    let Some(mut browser) = Browser::start() else { return };
    let broker = broker();
    let page = browser.open(&broker.url(), (1280, 900), &[]);
    reject_one(&broker);
    browser.until(&page, "document.querySelectorAll('#ways details').length === 1");
    browser.until(&page, "document.querySelectorAll('#ways li').length === 8");
    let words = browser.value(&page, "[...document.querySelectorAll('#ways li')].map(one => one.textContent.replace(/^.*ms /, '')).join('; ')");
    assert_eq!(
        words,
        "published to (default) with key tasks; put into tasks; got by hand from tasks; back in tasks; got by hand from tasks; \
         rejected in tasks; sent on from tasks to dead; put into failed"
    );
    browser.value(&page, "document.querySelector('#ways details').open = true");
    browser.until(&page, "document.querySelectorAll('.node.path').length === 4 && document.querySelectorAll('.edge.path').length >= 3");
}
