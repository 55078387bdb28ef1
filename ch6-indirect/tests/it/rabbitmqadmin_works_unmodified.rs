//! RabbitMQ's own program for its API, as Debian installs it, on this broker.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::client::Client;
use crate::support::{eventually, run, text};
use crate::watching::Watched;

struct Tool {
    program: PathBuf,
    port: String,
}

impl Tool {
    /// `None` where the program is not there, which is said loudly.
    fn of(broker: &Watched) -> Option<Tool> {
        let path = std::env::var_os("PATH")?;
        let program = std::env::split_paths(&path)
            .map(|folder| folder.join("rabbitmqadmin"))
            .find(|file| is_python(file));
        if program.is_none() {
            eprintln!("\n!! skipped: there is no rabbitmqadmin here, so it is NOT tested with the broker\n");
        }
        Some(Tool { program: program?, port: broker.http.port().to_string() })
    }

    fn run(&self, args: &[&str]) -> Output {
        run(Command::new(&self.program)
            .args(["-P", &self.port, "--host", "127.0.0.1"])
            .args(args)
            .env("HOME", "/nonexistent"))
    }

    /// What it prints, when it succeeds.
    #[track_caller]
    fn says(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {} {}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }

    /// What it prints when it fails.
    #[track_caller]
    fn fails(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(!output.status.success(), "{args:?}: {}", text(&output.stdout));
        text(&output.stderr)
    }
}

/// A later version of it is another program, in Rust.
fn is_python(file: &Path) -> bool {
    std::fs::read(file).is_ok_and(|bytes| {
        bytes.starts_with(b"#!") && bytes[..40.min(bytes.len())].windows(6).any(|at| at == b"python")
    })
}

#[test]
fn what_it_declares_is_there_and_what_it_deletes_is_gone() {
    let broker = Watched::start(&[]);
    let Some(tool) = Tool::of(&broker) else { return };
    assert_eq!(
        tool.says(&["declare", "exchange", "name=logs", "type=topic", "durable=false"]),
        "exchange declared\n"
    );
    assert_eq!(tool.says(&["declare", "queue", "name=a/b", "queue_type=quorum"]), "queue declared\n");
    assert_eq!(
        tool.says(&["declare", "queue", "name=short", "durable=false", r#"arguments={"x-max-length": 2}"#]),
        "queue declared\n"
    );
    assert_eq!(
        tool.says(&["declare", "binding", "source=logs", "destination=a/b", "routing_key=k.#"]),
        "binding declared\n"
    );
    assert_eq!(
        tool.says(&["-f", "tsv", "-q", "list", "queues", "name", "type", "durable"]),
        "a/b\tquorum\tTrue\nshort\tclassic\tFalse\n"
    );
    let exchanges = tool.says(&["list", "exchanges"]);
    for name in ["amq.direct", "amq.fanout", "amq.topic", "amq.headers", "logs"] {
        assert!(exchanges.contains(&format!(" {name} ")), "{exchanges}");
    }
    let bindings = tool.says(&["-f", "kvp", "list", "bindings"]);
    assert!(bindings.contains(r#"source="logs" destination="a/b" routing_key="k.#""#), "{bindings}");
    assert!(bindings.contains(r#"source="" destination="short" routing_key="short""#), "{bindings}");

    let refused = tool.fails(&["declare", "queue", "name=short", "durable=true"]);
    assert!(refused.contains("PRECONDITION_FAILED - inequivalent arg"), "{refused}");
    assert!(tool.fails(&["delete", "queue", "name=none"]).contains("Not found"));
    assert!(tool.fails(&["declare", "user", "name=ann", "password=x", "tags="]).contains("--users"));
    assert!(tool.fails(&["-u", "ann", "list", "queues"]).contains("Access refused"));

    let key = "properties_key=k.%23";
    assert_eq!(
        tool.says(&["delete", "binding", "source=logs", "destination_type=queue", "destination=a/b", key]),
        "binding deleted\n"
    );
    assert_eq!(tool.says(&["delete", "queue", "name=a/b"]), "queue deleted\n");
    assert_eq!(tool.says(&["delete", "exchange", "name=logs"]), "exchange deleted\n");
    assert_eq!(tool.says(&["-f", "tsv", "-q", "list", "queues", "name"]), "short\n");
    assert!(broker.broker.stop().success());
}

#[test]
fn what_it_publishes_is_got() {
    let broker = Watched::start(&[]);
    let Some(tool) = Tool::of(&broker) else { return };
    tool.says(&["declare", "queue", "name=tasks"]);
    let properties = r#"properties={"delivery_mode": 2, "headers": {"n": 1}}"#;
    assert_eq!(
        tool.says(&["publish", "routing_key=tasks", "payload=first", properties]),
        "Message published\n"
    );
    assert_eq!(tool.says(&["publish", "routing_key=tasks", "payload=second"]), "Message published\n");
    assert_eq!(
        tool.says(&["publish", "routing_key=none", "payload=x"]),
        "Message published but NOT routed\n"
    );
    assert!(tool.fails(&["publish", "exchange=none", "routing_key=x", "payload=x"]).contains("Not found"));

    let both = tool.says(&["-f", "raw_json", "get", "queue=tasks", "count=5"]);
    let both: serde_json::Value = serde_json::from_str(&both).unwrap();
    assert_eq!(
        (both[0]["payload"].as_str(), both[1]["payload"].as_str(), both[2].is_null()),
        (Some("first"), Some("second"), true)
    );
    assert_eq!((&both[0]["message_count"], &both[0]["redelivered"]), (&1.into(), &false.into()));
    assert_eq!(both[0]["properties"], serde_json::json!({"delivery_mode": 2, "headers": {"n": 1}}));
    let again = tool.says(&["get", "queue=tasks", "ackmode=ack_requeue_false"]);
    assert!(again.contains("first") && again.contains("True"), "it went back, and is redelivered: {again}");

    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("payload");
    tool.says(&["get", "queue=tasks", &format!("payload_file={}", path.display())]);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "second");
    assert_eq!(tool.says(&["-f", "tsv", "-q", "list", "queues", "name", "messages"]), "tasks\t1\n");
    assert_eq!(tool.says(&["purge", "queue", "name=tasks"]), "queue purged\n");
    assert_eq!(tool.says(&["-f", "tsv", "-q", "list", "queues", "name", "messages"]), "tasks\t0\n");
    assert!(broker.broker.stop().success());
}

#[test]
fn it_lists_everything_closes_a_connection_and_exports_what_it_can_import() {
    let broker = Watched::start(&[]);
    let Some(tool) = Tool::of(&broker) else { return };
    tool.says(&["declare", "exchange", "name=logs", "type=fanout"]);
    tool.says(&["declare", "queue", "name=lasting"]);
    tool.says(&["declare", "queue", "name=passing", "durable=false"]);
    tool.says(&["declare", "binding", "source=logs", "destination=lasting"]);
    let mut client = Client::with_channel(broker.broker.address);
    client.consume("lasting", false);
    for kind in [
        "exchanges",
        "queues",
        "bindings",
        "connections",
        "channels",
        "consumers",
        "vhosts",
        "users",
        "permissions",
        "nodes",
    ] {
        for format in ["table", "long", "pretty_json", "bash"] {
            let said = tool.says(&["-f", format, "list", kind]);
            assert!(!said.contains("No items"), "{kind}: {said}");
        }
    }
    for kind in ["policies", "operator_policies", "parameters", "vhost_limits"] {
        assert_eq!(tool.says(&["list", kind]), "No items\n", "{kind}");
    }
    assert!(tool.says(&["show", "overview"]).contains("3.10.8"));
    assert!(tool.says(&["-f", "long", "-d", "3", "list", "consumers"]).contains("lasting"));

    let name = client.stream.local_addr().unwrap().to_string();
    assert!(tool.says(&["list", "connections"]).contains(&name));
    assert_eq!(tool.says(&["close", "connection", &format!("name={name}")]), "connection closed\n");
    let (code, _) = client.hear_close();
    assert_eq!(code, 320);
    eventually("it is gone", || tool.says(&["list", "connections"]) == "No items\n");
    assert!(tool.fails(&["close", "connection", &format!("name={name}")]).contains("Not found"));

    let file = tempfile::tempdir().unwrap();
    let path = file.path().join("definitions.json");
    let path = path.to_str().unwrap();
    tool.says(&["export", path]);
    let exported = std::fs::read_to_string(path).unwrap();
    assert!(exported.contains("lasting") && !exported.contains("passing"), "{exported}");
    assert!(broker.broker.stop().success());

    let other = Watched::start(&[]);
    let tool = Tool::of(&other).unwrap();
    tool.says(&["import", path]);
    assert_eq!(tool.says(&["-f", "tsv", "-q", "list", "queues", "name"]), "lasting\n");
    assert!(tool.says(&["list", "bindings"]).contains("logs"));
}
