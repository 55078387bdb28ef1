//! Where the page cannot be served the broker goes on; and no site in a browser can use it.

use std::net::TcpListener;
use std::process::Stdio;

use common::support::child_server::ChildServer;
use serde_json::{Value, json};

use crate::client::Client;
use crate::support::{ch6, run, text};
use crate::watching::{PATIENCE, Watched};

#[test]
fn a_port_that_is_taken_is_a_warning() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = ch6(&["broker", "-p", "0", "--http", &address]);
    let broker = ChildServer::start(command.stderr(Stdio::piped())).unwrap();
    let warning = |log: &str| log.contains("WARN").then(|| log.to_owned());
    let log = broker.process.stderr.wait(PATIENCE, warning).unwrap();
    let line = log.lines().find(|line| line.contains("WARN")).unwrap();
    assert!(line.contains(&format!("cannot listen on {address}")) && line.contains("--no-http"), "{line}");
    Client::connect(broker.address).close();
    assert!(broker.stop().success());
}

#[test]
fn it_is_on_this_machine_only_and_can_be_left_out() {
    let far = run(&mut ch6(&["broker", "-p", "0", "--http", "0.0.0.0:0"]));
    assert!(far.status.code() == Some(1) && text(&far.stderr).contains("ssh -L"), "{}", text(&far.stderr));
    let mut command = ch6(&["broker", "-p", "0", "--no-http", "--log", "warn"]);
    let mut broker = ChildServer::start(command.stderr(Stdio::piped())).unwrap();
    while let Some(line) = broker.process.next_line(std::time::Duration::from_millis(300)) {
        assert!(!line.starts_with("HTTP"), "{line}");
    }
    assert!(broker.stop().success());
}

#[test]
fn a_page_of_another_site_is_refused() {
    let broker = Watched::start(&[]);
    let right = "Authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n";
    let publish = |fields: &str| {
        let path = "/api/exchanges/%2F/amq.default/publish";
        broker.send("POST", path, &format!("{right}{fields}"), r#"{"payload": "x", "routing_key": "k"}"#).0
    };
    assert_eq!(publish("Content-Type: application/json\r\n"), 200);
    assert_eq!(publish("Content-Type: application/json\r\nOrigin: http://evil.example\r\n"), 403);
    assert_eq!(publish("Content-Type: text/plain\r\n"), 415);
    assert_eq!(broker.send("GET", "/api/overview", "", "").0, 401);
    assert_eq!(broker.send("GET", "/", "", "").0, 200);
}

#[test]
fn users_of_a_file_see_what_is_theirs() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("users.json");
    let file = file.to_str().unwrap();
    for (name, vhost) in [("ann", "/"), ("ann", "second"), ("bob", "second")] {
        let mut child = ch6(&["user", "add", name, "--users", file, "--vhost", vhost])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"secret\n").unwrap();
        assert!(child.wait().unwrap().success());
    }
    let broker = Watched::start(&["--users", file]);
    let ask = |user: &str, method: &str, path: &str, content: &str| -> (u16, Value) {
        use base64::Engine as _;
        let login = base64::engine::general_purpose::STANDARD.encode(format!("{user}:secret"));
        let fields = format!("Authorization: Basic {login}\r\nContent-Type: application/json\r\n");
        let (status, body) = broker.send(method, &format!("/api{path}"), &fields, content);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    };
    assert_eq!(ask("ann", "PUT", "/queues/%2F/first", "{}").0, 201);
    assert_eq!(ask("bob", "PUT", "/queues/second/own", "{}").0, 201);
    assert_eq!(ask("bob", "PUT", "/queues/%2F/other", "{}").0, 401);
    assert_eq!(ask("bob", "GET", "/queues?columns=name", ""), (200, json!([{"name": "own"}])));
    assert_eq!(ask("ann", "GET", "/queues?columns=name", "").1.as_array().unwrap().len(), 2);
    assert_eq!(ask("bob", "GET", "/whoami?columns=tags", ""), (200, json!({"tags": ["management"]})));
    assert_eq!(ask("ann", "GET", "/whoami?columns=tags", ""), (200, json!({"tags": ["administrator"]})));
    assert_eq!(ask("guest", "GET", "/whoami", "").0, 401);
}
