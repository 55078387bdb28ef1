//! A message of the log is handed over only when the log knows that it may have been: the API waits for that.

use serde_json::json;

use crate::watching::Watched;

#[test]
fn what_is_durable_is_got_at_once_and_is_there_after_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().to_str().unwrap();
    let broker = Watched::start(&["--data", data]);
    broker.done("PUT", "/queues/%2F/tasks", &json!({"durable": true}));
    for number in 0..3 {
        let message = json!({"payload": format!("{number}"), "routing_key": "tasks", "properties": {"delivery_mode": 2}});
        assert_eq!(
            broker.done("POST", "/exchanges/%2F/amq.default/publish", &message),
            json!({"routed": true})
        );
    }
    let payloads = |broker: &Watched, ackmode: &str| -> Vec<String> {
        let got = broker.done("POST", "/queues/%2F/tasks/get", &json!({"count": 2, "ackmode": ackmode}));
        got.as_array().unwrap().iter().map(|one| one["payload"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(payloads(&broker, "ack_requeue_true"), ["0", "1"]);
    assert_eq!(payloads(&broker, "ack_requeue_false"), ["0", "1"]);
    assert!(broker.broker.stop().success());
    let broker = Watched::start(&["--data", data]);
    assert_eq!(payloads(&broker, "ack_requeue_false"), ["2"]);
    assert!(payloads(&broker, "ack_requeue_false").is_empty());
    assert!(broker.broker.stop().success());
}
