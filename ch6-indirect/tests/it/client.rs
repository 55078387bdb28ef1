//! A client of AMQP for tests: it says what it is told, right or wrong, and hears everything.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use ch6_indirect::amqp::assembly::{Assembly, ContentBudget};
use ch6_indirect::amqp::command::{Command, Content};
use ch6_indirect::amqp::frame::{Frame, HEARTBEAT, PROTOCOL_HEADER, write_content, write_method};
use ch6_indirect::amqp::{AMQPClass, AMQPValue, FieldTable, basic, channel, confirm, connection, queue};

/// How long a client waits for something that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client. Methods that say `hear` wait, and fail the test when nothing comes.
pub struct Client {
    pub stream: TcpStream,
    received: Vec<u8>,
    assembly: Assembly,
    pub frame_max: usize,
    /// Heartbeats that have come.
    pub heartbeats: u32,
}

/// How a client introduces itself.
pub struct Introduction {
    pub user: &'static str,
    pub password: &'static str,
    pub vhost: &'static str,
    pub channel_max: u16,
    pub frame_max: u32,
    pub heartbeat: u16,
    pub capabilities: &'static [&'static str],
}

impl Default for Introduction {
    fn default() -> Introduction {
        Introduction {
            user: "guest",
            password: "guest",
            vhost: "/",
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat: 0,
            capabilities: &["authentication_failure_close", "connection.blocked", "consumer_cancel_notify"],
        }
    }
}

impl Client {
    /// Connects, and says nothing.
    pub fn silent(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        let budget = Arc::new(ContentBudget::new(u64::MAX / 2));
        let assembly = Assembly::new(u16::MAX, budget);
        Client { stream, received: Vec::new(), assembly, frame_max: 131_072, heartbeats: 0 }
    }

    /// Connects, and opens the virtual host.
    pub fn connect(address: SocketAddr) -> Client {
        Client::introduce(address, &Introduction::default())
    }

    /// The same, and opens channel 1.
    pub fn with_channel(address: SocketAddr) -> Client {
        let mut client = Client::connect(address);
        client.open_channel(1);
        client
    }

    /// Connects as it is told to.
    pub fn introduce(address: SocketAddr, introduction: &Introduction) -> Client {
        let mut client = Client::silent(address);
        client.begin(introduction);
        let tune = connection::TuneOk {
            channel_max: introduction.channel_max,
            frame_max: introduction.frame_max,
            heartbeat: introduction.heartbeat,
        };
        client.open_vhost(tune, introduction.vhost);
        let ok = client.hear();
        assert!(is_method(&ok, 10, 41), "{ok:?}");
        client
    }

    /// To where Tune has come, or a refusal.
    pub fn begin(&mut self, introduction: &Introduction) -> Command {
        self.send(&PROTOCOL_HEADER);
        let start = self.hear();
        assert!(is_method(&start, 10, 10), "{start:?}");
        self.method(0, start_ok(introduction));
        self.hear()
    }

    /// TuneOk and Open.
    pub fn open_vhost(&mut self, tune: connection::TuneOk, vhost: &str) {
        if tune.frame_max > 0 {
            self.frame_max = tune.frame_max as usize;
        }
        self.method(0, AMQPClass::Connection(connection::AMQPMethod::TuneOk(tune)));
        let open = connection::Open { virtual_host: vhost.into() };
        self.method(0, AMQPClass::Connection(connection::AMQPMethod::Open(open)));
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    #[allow(clippy::needless_pass_by_value, reason = "a method is mostly made to be sent")]
    pub fn method(&mut self, channel: u16, method: AMQPClass) {
        let mut bytes = Vec::new();
        write_method(&mut bytes, channel, &method);
        self.send(&bytes);
    }

    /// Sends a method, and hears the answer to it.
    pub fn ask(&mut self, channel: u16, method: AMQPClass) -> Command {
        self.method(channel, method);
        self.hear()
    }

    pub fn open_channel(&mut self, channel: u16) {
        let ok = self.ask(channel, open_channel());
        assert!(is_method(&ok, 20, 11), "{ok:?}");
    }

    /// Declares a queue with these flags: `durable`, `exclusive`, `auto_delete`; its name.
    pub fn declare(&mut self, queue: &str, flags: [bool; 3], arguments: FieldTable) -> String {
        let ok = self.ask(1, declare(queue, flags, arguments));
        let AMQPClass::Queue(queue::AMQPMethod::DeclareOk(ok)) = ok.method else { panic!("{ok:?}") };
        ok.queue.to_string()
    }

    pub fn bind(&mut self, queue: &str, exchange: &str) {
        let bind = queue::Bind {
            queue: queue.into(),
            exchange: exchange.into(),
            routing_key: "".into(),
            nowait: false,
            arguments: FieldTable::default(),
        };
        let ok = self.ask(1, AMQPClass::Queue(queue::AMQPMethod::Bind(bind)));
        assert!(is_method(&ok, 50, 21), "{ok:?}");
    }

    pub fn publish(&mut self, exchange: &str, key: &str, body: &[u8]) {
        let frames = self.publishing(exchange, key, false, b"\0\0", body);
        self.send(&frames);
    }

    /// The frames of a publish on channel 1.
    pub fn publishing(
        &self,
        exchange: &str,
        key: &str,
        mandatory: bool,
        properties: &[u8],
        body: &[u8],
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let publish = basic::Publish {
            exchange: exchange.into(),
            routing_key: key.into(),
            mandatory,
            immediate: false,
        };
        write_method(&mut bytes, 1, &AMQPClass::Basic(basic::AMQPMethod::Publish(publish)));
        let content = Content::new([properties, body].concat().into(), properties.len());
        write_content(&mut bytes, 1, properties, &content, self.frame_max);
        bytes
    }

    /// Consumes on channel 1; the tag is `tag`.
    pub fn consume(&mut self, queue: &str, no_ack: bool) {
        let consume = basic::Consume {
            queue: queue.into(),
            consumer_tag: "tag".into(),
            no_local: false,
            no_ack,
            exclusive: false,
            nowait: false,
            arguments: FieldTable::default(),
        };
        let ok = self.ask(1, AMQPClass::Basic(basic::AMQPMethod::Consume(consume)));
        assert!(is_method(&ok, 60, 21), "{ok:?}");
    }

    pub fn select_confirms(&mut self) {
        let select = confirm::AMQPMethod::Select(confirm::Select { nowait: false });
        let ok = self.ask(1, AMQPClass::Confirm(select));
        assert!(is_method(&ok, 85, 11), "{ok:?}");
    }

    pub fn qos(&mut self, prefetch_count: u16) {
        let qos = basic::AMQPMethod::Qos(basic::Qos { prefetch_count, global: false });
        let ok = self.ask(1, AMQPClass::Basic(qos));
        assert!(is_method(&ok, 60, 11), "{ok:?}");
    }

    pub fn ack(&mut self, delivery_tag: u64, multiple: bool) {
        let ack = basic::AMQPMethod::Ack(basic::Ack { delivery_tag, multiple });
        self.method(1, AMQPClass::Basic(ack));
    }

    /// Gets a message on channel 1: its method and content, if there is one.
    pub fn get(&mut self, queue: &str, no_ack: bool) -> Option<(basic::GetOk, Content)> {
        let get = basic::AMQPMethod::Get(basic::Get { queue: queue.into(), no_ack });
        let got = self.ask(1, AMQPClass::Basic(get));
        match got.method {
            AMQPClass::Basic(basic::AMQPMethod::GetOk(ok)) => Some((ok, got.content.unwrap())),
            AMQPClass::Basic(basic::AMQPMethod::GetEmpty(_)) => None,
            other => panic!("{other:?}"),
        }
    }

    /// The next command; heartbeats are counted and passed over.
    pub fn hear(&mut self) -> Command {
        self.try_hear().unwrap_or_else(|why| panic!("nothing comes: {why}"))
    }

    /// The next command, or why there is none: the end, or nothing for 20 s.
    pub fn try_hear(&mut self) -> Result<Command, String> {
        loop {
            while let Some(frame) = Frame::read(&self.received, self.frame_max).unwrap() {
                let length = frame.length();
                self.heartbeats += u32::from(frame.kind == HEARTBEAT);
                let command = self.assembly.handle_frame(frame).unwrap();
                self.received.drain(..length);
                if let Some(command) = command {
                    return Ok(command);
                }
            }
            self.receive()?;
        }
    }

    /// Waits for bytes.
    fn receive(&mut self) -> Result<(), String> {
        let mut chunk = [0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err("the end".into()),
            Ok(count) => {
                self.received.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err("the end".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Everything up to the end, as bytes.
    pub fn bytes_to_the_end(&mut self) -> Vec<u8> {
        while self.receive().is_ok() {}
        std::mem::take(&mut self.received)
    }

    /// The code and the text of `connection.close`; then the broker ends.
    pub fn hear_close(&mut self) -> (u16, String) {
        let (code, text) = connection_closed(&self.hear());
        let ok = AMQPClass::Connection(connection::AMQPMethod::CloseOk(connection::CloseOk {}));
        let mut bytes = Vec::new();
        write_method(&mut bytes, 0, &ok);
        let _ = self.stream.write_all(&bytes); // where nothing can be read any more, it may be closed already
        assert_eq!(self.try_hear().unwrap_err(), "the end");
        (code, text)
    }

    /// The code and the text of `channel.close` on channel 1, which is then open again.
    pub fn hear_channel_close(&mut self) -> (u16, String) {
        let (code, text) = channel_closed(&self.hear());
        self.method(1, AMQPClass::Channel(channel::AMQPMethod::CloseOk(channel::CloseOk {})));
        self.open_channel(1);
        (code, text)
    }

    /// Whether nothing has come: what it asks next is answered next.
    pub fn hears_nothing_else(&mut self) {
        let flow = channel::AMQPMethod::Flow(channel::Flow { active: true });
        let ok = self.ask(1, AMQPClass::Channel(flow));
        assert!(is_method(&ok, 20, 21), "{ok:?}");
    }

    /// Closes the connection as a client does; its socket may stay open.
    pub fn close(mut self) -> TcpStream {
        let close =
            connection::Close { reply_code: 200, reply_text: "bye".into(), class_id: 0, method_id: 0 };
        let ok = self.ask(0, AMQPClass::Connection(connection::AMQPMethod::Close(close)));
        assert!(is_method(&ok, 10, 51), "{ok:?}");
        assert_eq!(self.try_hear().unwrap_err(), "the end");
        self.stream
    }
}

pub fn start_ok(introduction: &Introduction) -> AMQPClass {
    let mut capabilities = FieldTable::default();
    for capability in introduction.capabilities {
        capabilities.insert((*capability).into(), AMQPValue::Boolean(true));
    }
    let mut properties = FieldTable::default();
    properties.insert("capabilities".into(), AMQPValue::FieldTable(capabilities));
    let start = connection::StartOk {
        client_properties: properties,
        mechanism: "PLAIN".into(),
        response: format!("\0{}\0{}", introduction.user, introduction.password).into_bytes().into(),
        locale: "en_US".into(),
    };
    AMQPClass::Connection(connection::AMQPMethod::StartOk(start))
}

pub fn open_channel() -> AMQPClass {
    AMQPClass::Channel(channel::AMQPMethod::Open(channel::Open {}))
}

pub fn declare(
    queue: &str,
    [durable, exclusive, auto_delete]: [bool; 3],
    arguments: FieldTable,
) -> AMQPClass {
    AMQPClass::Queue(queue::AMQPMethod::Declare(queue::Declare {
        queue: queue.into(),
        passive: false,
        durable,
        exclusive,
        auto_delete,
        nowait: false,
        arguments,
    }))
}

/// Whether it is this method.
pub fn is_method(command: &Command, class: u16, method: u16) -> bool {
    (command.method.get_amqp_class_id(), command.method.get_amqp_method_id()) == (class, method)
}

pub fn connection_closed(command: &Command) -> (u16, String) {
    match &command.method {
        AMQPClass::Connection(connection::AMQPMethod::Close(close)) => {
            (close.reply_code, close.reply_text.to_string())
        }
        other => panic!("no connection.close: {other:?}"),
    }
}

pub fn channel_closed(command: &Command) -> (u16, String) {
    match &command.method {
        AMQPClass::Channel(channel::AMQPMethod::Close(close)) => {
            (close.reply_code, close.reply_text.to_string())
        }
        other => panic!("no channel.close: {other:?}"),
    }
}

/// The tag and the body of a delivery, and whether it is a redelivery.
pub fn delivered(command: Command) -> (u64, bool, Content) {
    match command.method {
        AMQPClass::Basic(basic::AMQPMethod::Deliver(deliver)) => {
            (deliver.delivery_tag, deliver.redelivered, command.content.unwrap())
        }
        other => panic!("no delivery: {other:?}"),
    }
}
