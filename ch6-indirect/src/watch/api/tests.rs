//! The API over a broker that is not there: what it is asked, and how its state is told.

use std::borrow::Borrow;
use std::sync::{Arc, Mutex};

use common::core::service::{PeerAddress, PeerId};
use serde_json::{Value, json};

use super::*;
use crate::amqp::command::Command;
use crate::amqp::exception::{Exception, ReplyCode};
use crate::amqp::{AMQPClass, basic};
use crate::broker::snapshot::ConnectionSnapshot;
use crate::broker::snapshot::{
    BindingSnapshot, ChannelSnapshot, ConsumerSnapshot, ExchangeSnapshot, QueueSnapshot,
};
use crate::broker::{Login, Message, MessageId, Output, Pattern, Permissions, Snapshot};
use crate::watch::api::reply::Content;
use crate::watch::http::ACCEPTS;
use crate::watch::{User, Watched, properties};

/// A broker that shows one state, notes what it is asked, and answers what it was told to.
#[derive(Default)]
pub(crate) struct Fake {
    pub asked: Mutex<Vec<Command>>,
    pub says: Mutex<Vec<Output>>,
    pub closed: Mutex<Vec<(u64, String)>>,
    pub alarm: Option<&'static str>,
}

fn queue(vhost: &str, name: &str, durable: bool, exclusive: Option<u64>) -> QueueSnapshot {
    QueueSnapshot {
        vhost: vhost.into(),
        name: name.into(),
        kind: "classic",
        durable,
        auto_delete: false,
        exclusive,
        arguments: json!({}),
        ready: 5,
        unacknowledged: 2,
        bytes: 70,
        consumers: 1,
        enqueued: 10,
        delivered: 4,
        redelivered: 1,
        acknowledged: 3,
        expired: 0,
        overflowed: 0,
        dead_lettered: 0,
    }
}

fn exchange(vhost: &str, name: &str, kind: &'static str) -> ExchangeSnapshot {
    ExchangeSnapshot {
        vhost: vhost.into(),
        name: name.into(),
        kind,
        durable: true,
        auto_delete: false,
        internal: false,
        arguments: json!({}),
        published: 10,
        routed: 9,
    }
}

fn binding(key: &str, arguments: Value) -> BindingSnapshot {
    BindingSnapshot {
        vhost: "/".into(),
        source: "logs".into(),
        destination: "a/b".into(),
        to_queue: true,
        routing_key: key.into(),
        arguments,
        routed: 9,
    }
}

/// The state that the fake shows.
pub(crate) fn state() -> Snapshot {
    Snapshot {
        exchanges: vec![
            exchange("/", "", "direct"),
            exchange("/", "logs", "topic"),
            exchange("other", "x", "fanout"),
        ],
        queues: vec![
            queue("/", "<img src=x onerror=alert(1)>", false, None),
            queue("/", "a/b", true, None),
            queue("/", "reply", true, Some(7)),
            queue("other", "secret", true, None),
        ],
        bindings: vec![
            binding("", json!({})),
            binding("k/#", json!({})),
            binding("k/#", json!({"x-match": "all"})),
        ],
        channels: vec![ChannelSnapshot {
            connection: 7,
            number: 1,
            mode: "confirm",
            prefetch: 10,
            consumers: 1,
            unacknowledged: 2,
            unconfirmed: 0,
            published: 10,
        }],
        consumers: vec![ConsumerSnapshot {
            vhost: "/".into(),
            queue: "a/b".into(),
            connection: 7,
            channel: 1,
            tag: "ctag1".into(),
            prefetch: 10,
            automatic: false,
            exclusive: false,
            priority: 0,
            active: true,
            unacknowledged: 2,
        }],
        memory: (70, 1000),
        alarm: None,
    }
}

fn user(name: &str, is_administrator: bool, vhost: &str) -> User {
    User {
        name: name.into(),
        is_administrator,
        permissions: vec![(vhost.into(), [".*", ".*", ".*"].map(str::to_owned))],
    }
}

impl Watched for Fake {
    fn snapshot(&self) -> Snapshot {
        Snapshot { alarm: self.alarm, ..state() }
    }

    fn connections(&self) -> Vec<ConnectionSnapshot> {
        vec![ConnectionSnapshot {
            id: 7,
            address: "127.0.0.1:40001".into(),
            user: "guest".into(),
            vhost: "/".into(),
            client: json!({"product": "pika"}),
            channels: 1,
            frames_in: 10,
            frames_out: 20,
            bytes_in: 100,
            bytes_out: 200,
            waiting: 0,
            heartbeat: 60,
            tls: false,
            blocked: None,
        }]
    }

    fn users(&self) -> Vec<User> {
        vec![user("guest", true, "/"), user("ann", false, "other")]
    }

    fn authenticate(&self, name: &str, password: &[u8], _from: PeerAddress) -> Option<User> {
        self.users().into_iter().find(|user| user.name == name && password == name.as_bytes())
    }

    fn login(&self, user: &str, vhost: &str) -> Option<Login> {
        let permissions = Permissions { configure: Pattern::All, write: Pattern::All, read: Pattern::All };
        let is_allowed = (user == "guest") == (vhost == "/");
        is_allowed.then(|| Login { user: user.into(), vhost: vhost.into(), permissions })
    }

    fn call(&self, _login: Login, commands: Vec<Command>) -> Vec<Output> {
        self.asked.lock().unwrap().extend(commands);
        std::mem::take(&mut self.says.lock().unwrap())
    }

    fn close(&self, connection: u64, why: &str) -> bool {
        self.closed.lock().unwrap().push((connection, why.into()));
        true
    }

    fn events(&self, since: u64) -> Vec<Value> {
        vec![json!({"number": since + 1, "vhost": "/"}), json!({"number": since + 2, "vhost": "other"})]
    }
}

/// Asks as a user: the status, and the content as JSON.
fn ask_as(user: &User, fake: &Fake, line: &str, content: impl Borrow<Value>) -> (u16, Value) {
    let bytes = format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n");
    let (_, head) = RequestHead::parse(bytes.as_bytes(), &ACCEPTS).unwrap().unwrap();
    let path: Vec<String> = head.segments().collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let content = content.borrow();
    let content = if content.is_null() { Vec::new() } else { content.to_string().into_bytes() };
    let reply = reply(&Asker { broker: fake, user }, &head, &path, &content);
    let value = match reply.content {
        Content::Json(value) => value,
        Content::None | Content::Page(_) => Value::Null,
        Content::Stream(stream) => {
            let bytes = common::core::service::Body::Stream(Box::new(stream)).into_bytes();
            let mut body = Vec::new();
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let mut exchange = common::protocol::http::Exchange::new(1 << 20);
            exchange.receive(&[&head[..], &bytes].concat(), &mut body).unwrap();
            exchange.finish().unwrap();
            serde_json::from_slice(&body).unwrap()
        }
    };
    (reply.status as u16, value)
}

fn ask(fake: &Fake, line: &str, content: impl Borrow<Value>) -> (u16, Value) {
    ask_as(&user("guest", true, "/"), fake, line, content)
}

fn list(line: &str) -> Value {
    let (status, value) = ask(&Fake::default(), line, Value::Null);
    assert_eq!(status, 200, "{line}: {value}");
    value
}

/// What the broker was asked.
fn asked(fake: &Fake) -> Vec<AMQPClass> {
    fake.asked.lock().unwrap().drain(..).map(|command| command.method).collect()
}

#[test]
fn lists_have_the_names_that_rabbitmqadmin_reads() {
    assert_eq!(list("GET /queues?columns=name,messages&sort=name")[1], json!({"name": "a/b", "messages": 7}));
    assert_eq!(list("GET /exchanges/%2F?columns=name,type")[1], json!({"name": "logs", "type": "topic"}));
    let bound = list("GET /bindings/%2F/e/logs/q/a%2Fb?columns=routing_key,properties_key");
    assert_eq!(bound[0], json!({"routing_key": "", "properties_key": "~"}));
    assert_eq!(bound[1], json!({"routing_key": "k/#", "properties_key": "k%2F%23"}));
    assert!(bound[2]["properties_key"].as_str().unwrap().starts_with("k%2F%23~"), "{bound}");
    assert_eq!(list("GET /bindings/%2F/e/amq.default/q/reply")[0]["routing_key"], "reply");
    let name = "127.0.0.1:40001";
    let connection = list("GET /connections?columns=name,user,channels,peer_port");
    assert_eq!(connection[0], json!({"name": name, "user": "guest", "channels": 1, "peer_port": 40001}));
    assert_eq!(
        list("GET /channels?columns=name,confirm")[0],
        json!({"name": format!("{name} (1)"), "confirm": true})
    );
    assert_eq!(list("GET /consumers/%2F")[0]["channel_details"]["connection_name"], name);
    assert_eq!(list("GET /queues/%2F/reply")["owner_pid_details"]["name"], name);
    assert_eq!(
        list("GET /vhosts?columns=name,messages"),
        json!([{"name": "/", "messages": 21}, {"name": "other", "messages": 7}])
    );
    assert_eq!(list("GET /overview?columns=object_totals.queues,cluster_name")["object_totals"]["queues"], 4);
    for empty in ["policies", "operator-policies", "parameters", "vhost-limits"] {
        assert_eq!(list(&format!("GET /{empty}")), json!([]));
    }
    assert_eq!(list("GET /users?columns=name"), json!([{"name": "guest"}, {"name": "ann"}]));
    assert_eq!(list("GET /permissions")[1]["vhost"], "other");
    assert_eq!(ask(&Fake::default(), "GET /queues/%2F/none", Value::Null).0, 404);
    assert_eq!(ask(&Fake::default(), "GET /none", Value::Null).0, 404);
}

#[test]
fn a_user_sees_its_virtual_hosts_and_its_connections_only() {
    let (ann, fake) = (user("ann", false, "other"), Fake::default());
    let ask = |line: &str| ask_as(&ann, &fake, line, Value::Null);
    assert_eq!(ask("GET /queues?columns=name"), (200, json!([{"name": "secret"}])));
    assert_eq!(ask("GET /exchanges?columns=name"), (200, json!([{"name": "x"}])));
    for mine in ["connections", "channels", "consumers"] {
        assert_eq!(ask(&format!("GET /{mine}")), (200, json!([])), "{mine}");
    }
    assert_eq!(ask("GET /users?columns=name"), (200, json!([{"name": "ann"}])));
    assert_eq!(ask("GET /vhosts?columns=name"), (200, json!([{"name": "other"}])));
    for refused in ["GET /queues/%2F", "GET /definitions/%2F", "GET /bindings/%2F/e/logs/q/a"] {
        assert_eq!(ask(refused).0, 401, "{refused}");
    }
    assert_eq!(ask("DELETE /connections/127.0.0.1:40001").0, 404);
    assert_eq!(ask("DELETE /queues/%2F/a%2Fb").0, 404);
    assert_eq!(ask_as(&ann, &fake, "PUT /queues/%2F/new", json!({})).0, 401);
    let (_, snapshot) = ask("GET /snapshot?events=3");
    assert_eq!((&snapshot["queues"][0]["name"], &snapshot["queues"][1]), (&json!("secret"), &Value::Null));
    assert_eq!(snapshot["events"], json!([{"number": 5, "vhost": "other"}]));
    assert!(fake.asked.lock().unwrap().is_empty() && fake.closed.lock().unwrap().is_empty());
}

#[test]
fn a_change_is_the_command_that_a_program_would_send() {
    let fake = Fake::default();
    let queue = json!({"durable": "true", "auto_delete": "false", "arguments": {"x-queue-type": "quorum"}, "name": "q", "vhost": "/"});
    assert_eq!(ask(&fake, "PUT /queues/%2F/q%2F1", queue).0, 201);
    let declare = format!("{:?}", asked(&fake));
    assert!(
        declare.contains("\"q/1\"") && declare.contains("durable: true") && declare.contains("x-queue-type"),
        "{declare}"
    );

    assert_eq!(ask(&fake, "PUT /exchanges/%2F/e", json!({"type": "topic", "internal": true})).0, 201);
    let declare = format!("{:?}", asked(&fake));
    assert!(declare.contains("\"topic\"") && declare.contains("internal: true"), "{declare}");

    assert_eq!(ask(&fake, "POST /bindings/%2F/e/logs/e/e", json!({"routing_key": "a.*"})).0, 201);
    assert!(format!("{:?}", asked(&fake)).contains("destination: ShortString(\"e\")"));

    assert_eq!(ask(&fake, "DELETE /queues/%2F/a%2Fb?if-empty=true", Value::Null).0, 204);
    let delete = format!("{:?}", asked(&fake));
    assert!(delete.contains("if_empty: true") && delete.contains("if_unused: false"), "{delete}");

    assert_eq!(ask(&fake, "DELETE /queues/%2F/a%2Fb/contents", Value::Null).0, 204);
    assert!(format!("{:?}", asked(&fake)).contains("Purge"));
    assert_eq!(ask(&fake, "DELETE /queues/%2F/none", Value::Null).0, 404);

    let bound = list("GET /bindings/%2F/e/logs/q/a%2Fb");
    let key = bound[2]["properties_key"].as_str().unwrap().replace('%', "%25");
    assert_eq!(ask(&fake, &format!("DELETE /bindings/%2F/e/logs/q/a%2Fb/{key}"), Value::Null).0, 204);
    let unbind = format!("{:?}", asked(&fake));
    assert!(unbind.contains("\"k/#\"") && unbind.contains("x-match"), "{unbind}");
    assert_eq!(ask(&fake, "DELETE /bindings/%2F/e/logs/q/a%2Fb/none", Value::Null).0, 404);

    assert_eq!(ask(&fake, "DELETE /connections/127.0.0.1:40001", Value::Null).0, 204);
    assert_eq!(fake.closed.lock().unwrap()[0], (7, "Closed via management plugin".into()));
}

#[test]
fn an_exception_of_the_broker_is_told() {
    for (code, status) in
        [(ReplyCode::NotFound, 404), (ReplyCode::AccessRefused, 401), (ReplyCode::PreconditionFailed, 400)]
    {
        let fake = Fake::default();
        let exception = Exception::new(code, "not so");
        *fake.says.lock().unwrap() = vec![Output::Exception { connection: PeerId(1), channel: 1, exception }];
        let (told, value) = ask(&fake, "PUT /queues/%2F/q", json!({}));
        assert_eq!(told, status, "{value}");
        assert!(status != 400 || value["reason"] == "PRECONDITION_FAILED - not so", "{value}");
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_the_broker_is_asked() {
    let fake = Fake::default();
    for (line, content) in [
        ("PUT /queues/%2F/q", json!({"durable": "perhaps"})),
        ("PUT /queues/%2F/q", json!({"arguments": [1]})),
        ("PUT /queues/%2F/q", json!([])),
        ("PUT /exchanges/%2F/e", json!({})),
        ("PUT /users/ann", json!({})),
        ("PUT /policies/%2F/p", json!({})),
        ("POST /exchanges/%2F/e/publish", json!({"routing_key": "a"})),
        ("POST /exchanges/%2F/e/publish", json!({"payload": "!", "payload_encoding": "base64"})),
        ("POST /exchanges/%2F/e/publish", json!({"payload": "", "properties": {"colour": 1}})),
        ("POST /queues/%2F/q/get", json!({"count": 0})),
        ("POST /queues/%2F/q/get", json!({"count": "many"})),
        ("POST /queues/%2F/q/get", json!({"ackmode": "perhaps"})),
        ("POST /queues/%2F/q/get", json!({"encoding": "morse"})),
    ] {
        let (status, value) = ask(&fake, line, content);
        assert_eq!((status, &value["error"]), (400, &json!("bad_request")), "{line}: {value}");
    }
    let long = format!("PUT /queues/%2F/{}", "q".repeat(256));
    assert_eq!(ask(&fake, &long, json!({})).0, 400);
    assert!(fake.asked.lock().unwrap().is_empty());
}

fn message(body: &[u8]) -> Arc<Message> {
    Arc::new(Message {
        id: MessageId(1),
        exchange: "logs".into(),
        routing_key: "a.b".into(),
        is_persistent: false,
        priority: 0,
        expiration: None,
        content: properties::content(&json!({"type": "t"}), body).unwrap(),
    })
}

#[test]
fn a_message_is_published_and_it_is_told_whether_a_queue_has_it() {
    let fake = Fake::default();
    let publish = |payload: &str, encoding: &str| json!({"routing_key": "k", "payload": payload, "payload_encoding": encoding, "properties": {"priority": 3}});
    let line = "POST /exchanges/%2F/amq.default/publish";
    assert_eq!(ask(&fake, line, publish("aGk=", "base64")), (200, json!({"routed": true})));
    let command = fake.asked.lock().unwrap().pop().unwrap();
    let AMQPClass::Basic(basic::AMQPMethod::Publish(publish_method)) = &command.method else { panic!() };
    assert_eq!((publish_method.exchange.as_str(), publish_method.routing_key.as_str()), ("", "k"));
    let content = command.content.unwrap();
    assert_eq!((content.body(), properties::to_object(&content)), (&b"hi"[..], json!({"priority": 3})));

    *fake.says.lock().unwrap() =
        vec![Output::Return { connection: PeerId(1), channel: 1, message: message(b"") }];
    assert_eq!(ask(&fake, line, publish("hi", "string")), (200, json!({"routed": false})));

    let fake = Fake { alarm: Some("memory"), ..Fake::default() };
    assert_eq!(ask(&fake, line, publish("hi", "string")).0, 400);
    assert!(fake.asked.lock().unwrap().is_empty());
}

#[test]
fn messages_are_got_and_go_back_or_not_as_was_asked() {
    let got = |left, body: &[u8]| Output::GetOk {
        connection: PeerId(1),
        channel: 1,
        delivery_tag: 1,
        redelivered: false,
        delivery_count: None,
        message_count: left,
        message: message(body),
    };
    for (ackmode, no_ack, back) in [
        ("ack_requeue_true", false, Some(true)),
        ("reject_requeue_true", false, Some(true)),
        ("reject_requeue_false", false, Some(false)),
        ("ack_requeue_false", true, None),
    ] {
        let fake = Fake::default();
        *fake.says.lock().unwrap() = vec![got(1, b"text"), got(0, &[0xff, 0])];
        let wanted = json!({"count": "3", "ackmode": ackmode, "encoding": "auto", "truncate": 3});
        let (status, messages) = ask(&fake, "POST /queues/%2F/q/get", wanted);
        assert_eq!(status, 200);
        assert_eq!(
            messages[0],
            json!({"payload_bytes": 4, "redelivered": false, "exchange": "logs", "routing_key": "a.b",
            "message_count": 1, "properties": {"type": "t"}, "payload": "tex", "payload_encoding": "string"})
        );
        assert_eq!(
            (&messages[1]["payload"], &messages[1]["payload_encoding"]),
            (&json!("/wA="), &json!("base64"))
        );
        let commands = asked(&fake);
        let gets = commands.iter().filter(
            |method| matches!(method, AMQPClass::Basic(basic::AMQPMethod::Get(get)) if get.no_ack == no_ack),
        );
        assert_eq!(gets.count(), 3);
        let nack = commands.last().and_then(|method| match method {
            AMQPClass::Basic(basic::AMQPMethod::Nack(nack)) if nack.multiple && nack.delivery_tag == 0 => {
                Some(nack.requeue)
            }
            _ => None,
        });
        assert_eq!(nack, back, "{ackmode}");
    }
    assert_eq!(ask(&Fake::default(), "POST /queues/%2F/q/get", json!({})), (200, json!([])));
}

#[test]
fn definitions_are_what_lasts_and_can_be_read_again() {
    let all = list("GET /definitions");
    let names =
        |kind: &str| all[kind].as_array().unwrap().iter().map(|one| one["name"].clone()).collect::<Vec<_>>();
    assert_eq!(names("exchanges"), ["logs", "x"]);
    assert_eq!(names("queues"), ["a/b", "secret"], "exclusive and transient ones do not last");
    assert_eq!(all["bindings"].as_array().unwrap().len(), 3, "{all}");
    let own = list("GET /definitions/%2F");
    assert_eq!((own["queues"][0].get("vhost"), own.get("vhosts")), (None, None));

    let fake = Fake::default();
    assert_eq!(ask(&fake, "POST /definitions/%2F", own).0, 204);
    assert_eq!(fake.asked.lock().unwrap().len(), 5, "an exchange, a queue, three bindings");
}
