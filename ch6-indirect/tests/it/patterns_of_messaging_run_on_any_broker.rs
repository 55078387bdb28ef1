//! `tour`, `publish` and `subscribe`: the same on a broker of their own, on ours and on RabbitMQ.

use std::process::Stdio;
use std::time::Duration;

use common::support::child_server::ChildProcess;

use crate::support::{Broker, ch6, run, text};

#[test]
fn the_tour_sees_the_same_everywhere() {
    let tour = |url: &str| {
        let output = run(&mut ch6(&["tour", "--broker", url]));
        assert!(output.status.success(), "{url}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    let own = tour("embedded:");
    assert!(own.contains("6 × [tasks] ────► worker 2"), "{own}");
    let broker = Broker::start(&[]);
    assert_eq!(tour(&format!("amqp://{}", broker.address)), own);
    match std::env::var("CH6_RABBITMQ") {
        Ok(url) => assert_eq!(tour(&url), own),
        Err(_) => eprintln!("\nSKIPPED, the tour is NOT made on RabbitMQ: CH6_RABBITMQ names none\n"),
    }
}

#[test]
fn events_come_by_their_subject_and_wait_for_a_name() {
    let broker = Broker::start(&[]);
    let url = format!("amqp://{}", broker.address);
    let subscriber = |arguments: &[&str]| {
        let mut command = ch6(&["subscribe", "--broker", &url]);
        let command = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut subscriber = ChildProcess::spawn(command).unwrap();
        let line = subscriber.next_line(Duration::from_secs(20)).unwrap();
        assert!(line.starts_with("SUBSCRIBED"), "{line}");
        subscriber
    };
    let publish = |subject: &str, event: &str| {
        run(&mut ch6(&["publish", "--broker", &url, subject, event])).status.code().unwrap()
    };
    assert_eq!(publish("sensor.kitchen", "lost"), 3, "nobody has subscribed");
    let mut all = subscriber(&["--count", "3"]);
    let mut kitchen = subscriber(&["*.kitchen", "--name", "cook", "--count", "1"]);
    assert_eq!((publish("sensor.kitchen", "21"), publish("sensor.cellar", "9")), (0, 0));
    assert!(kitchen.wait(Duration::from_secs(20)).unwrap().success());
    assert_eq!(publish("sensor.kitchen", "22"), 0); // while the cook is away
    assert!(all.wait(Duration::from_secs(20)).unwrap().success());
    let mut again = subscriber(&["*.kitchen", "--name", "cook", "--count", "1"]);
    assert!(again.wait(Duration::from_secs(20)).unwrap().success());
    let lines = |subscriber: &ChildProcess| {
        text(&subscriber.stdout.bytes()).lines().skip(1).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(lines(&all), "sensor.kitchen: 21, sensor.cellar: 9, sensor.kitchen: 22");
    assert_eq!(lines(&kitchen), "sensor.kitchen: 21");
    assert_eq!(lines(&again), "sensor.kitchen: 22");
}

#[test]
fn no_broker_is_a_sentence() {
    for command in [&["publish", "x"][..], &["subscribe"], &["board-client"], &["board-server"], &["tour"]] {
        let output = run(ch6(command).args(["--broker", "amqp://127.0.0.1:1"]));
        let said = text(&output.stderr);
        assert!(
            said.contains("no broker at 127.0.0.1:1: start one with `cargo ch6 broker`"),
            "{command:?}: {said}"
        );
        assert_eq!(output.status.code(), Some(1));
    }
}
