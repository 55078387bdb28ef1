//! TLS below a conversation, with `rustls`: no service and no model knows of it.
//!
//! A process of its own, because a process has only one stop.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ch3_threads::model::{Model, Settings};
use common::core::conversation::{Conversation, Layer, Next};
use common::core::counters::Counters;
use common::core::framing::Delimited;
use common::core::limits::Limits;
use common::core::listener::Listener;
use common::core::outbox::{Outbox, OutboxLimit, WhenFull};
use common::core::server::Server;
use common::core::service::{Answer, Peer, Protocol, Service};
use common::core::stop::Stop;
use common::core::work::AnyService;
use proptest::prelude::*;
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// The adapter: all that it takes.
struct Tls {
    connection: ServerConnection,
    has_ended: bool,
}

impl Layer for Tls {
    fn handle_bytes(&mut self, mut bytes: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.connection.read_tls(&mut bytes)? == 0 {
                return Err(io::Error::other("bytes after the end"));
            }
            let state = self.connection.process_new_packets().map_err(io::Error::other)?;
            self.has_ended |= state.peer_has_closed();
            let before = plain.len();
            plain.resize(before + state.plaintext_bytes_to_read(), 0);
            self.connection.reader().read_exact(&mut plain[before..])?;
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        self.has_ended
    }

    fn seal(&mut self, plain: &[u8]) -> io::Result<usize> {
        if self.connection.is_handshaking() {
            return Ok(0);
        }
        self.connection.writer().write(plain)
    }

    fn close(&mut self) {
        self.connection.send_close_notify();
    }

    fn poll_transmit(&mut self, sealed: &mut Vec<u8>) -> io::Result<()> {
        while self.connection.wants_write() {
            self.connection.write_tls(sealed)?;
        }
        Ok(())
    }
}

/// A certificate for `localhost`, and who trusts it.
fn configurations() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
    let issued = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let certificate = issued.cert.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let server =
        ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

fn layer(configuration: &Arc<ServerConfig>) -> Box<dyn Layer> {
    let connection = ServerConnection::new(Arc::clone(configuration)).unwrap();
    Box::new(Tls { connection, has_ended: false })
}

fn client(configuration: &Arc<ClientConfig>) -> ClientConnection {
    ClientConnection::new(Arc::clone(configuration), ServerName::try_from("localhost").unwrap()).unwrap()
}

/// Answers a line in capitals, and pushes a word to everybody who is connected; `long` is answered with a megabyte.
#[derive(Default)]
struct Upper {
    connected: Mutex<Vec<Outbox>>,
}

const LONG: usize = 1 << 20;

impl Service for Upper {
    type Request = Vec<u8>;

    fn name(&self) -> &'static str {
        "upper"
    }

    fn protocol(&self) -> impl Protocol<Request = Vec<u8>> {
        Delimited::new(b'\n', 80)
    }

    fn outbox(&self) -> Option<OutboxLimit> {
        Some(OutboxLimit { bytes: 1 << 20, when_full: WhenFull::Disconnect })
    }

    fn arrive(&self, _peer: &Peer, outbox: &Outbox) {
        self.connected.lock().unwrap().push(outbox.clone());
    }

    fn handle(&self, _peer: &Peer, request: Vec<u8>) -> Answer {
        if request.starts_with(b"long") {
            return Answer::new(vec![b'L'; LONG]);
        }
        for outbox in self.connected.lock().unwrap().iter() {
            let _ = outbox.push(Arc::from(&b"!"[..]));
        }
        Answer::new(request.to_ascii_uppercase())
    }
}

/// What a client of a conversation does, and how: in which pieces its bytes come, how it ends.
struct Script<'a> {
    says: &'a [u8],
    piece: usize,
    /// Whether it says that it ends, or its connection is cut.
    says_end: bool,
}

/// Runs a client against a conversation, without a socket: what the client has heard, whether the server has said its end, and how
/// the conversation ended.
fn run(script: &Script) -> (Vec<u8>, bool, io::Result<()>) {
    let (server, trusting) = configurations();
    let service: Arc<dyn AnyService> = Arc::new(Upper::default());
    let peer = Peer::new("127.0.0.1:4711".parse().unwrap());
    let mut conversation = Conversation::open(&service, &Limits::default(), peer).over(layer(&server));
    let (mut client, mut heard, mut ends, now) = (client(&trusting), Vec::new(), false, Instant::now());
    client.writer().write_all(script.says).unwrap();
    let (mut wire, mut is_to_say) = (Vec::new(), script.says_end);
    loop {
        while conversation.poll_request(now) {
            let answer = conversation.handle_request();
            conversation.answer(answer);
        }
        match conversation.next(now) {
            Next::Send => {
                let count = conversation.transmit().len().min(script.piece);
                assert!(conversation.unsent() >= count);
                let mut bytes = &conversation.transmit()[..count];
                while !bytes.is_empty() {
                    client.read_tls(&mut bytes).unwrap();
                    let state = client.process_new_packets().unwrap();
                    ends |= state.peer_has_closed();
                    let mut plain = vec![0; state.plaintext_bytes_to_read()];
                    client.reader().read_exact(&mut plain).unwrap();
                    heard.append(&mut plain);
                }
                conversation.handle_sent(count);
            }
            Next::Receive => {
                if is_to_say && !client.is_handshaking() {
                    client.send_close_notify();
                    is_to_say = false;
                }
                while client.wants_write() {
                    client.write_tls(&mut wire).unwrap();
                }
                let count = wire.len().min(script.piece);
                match count {
                    0 => conversation.handle_end(),
                    _ => conversation.handle_bytes(&wire.drain(..count).collect::<Vec<_>>(), now),
                }
            }
            Next::HalfClose => conversation.handle_half_close(),
            Next::Poll => {}
            Next::Wait | Next::WaitUntil(_) => panic!("all is answered at once"),
            Next::Close => return (heard, ends, conversation.outcome()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_pushes_and_the_end_come_through_in_every_split(piece in 1usize..3000) {
        let (heard, ends, outcome) = run(&Script { says: b"one\ntwo\n", piece, says_end: true });
        prop_assert_eq!(String::from_utf8(heard).unwrap(), "!ONE!TWO");
        prop_assert!(ends && outcome.is_ok());
    }
}

#[test]
fn a_long_answer_comes_whole() {
    let (heard, ends, _) = run(&Script { says: b"long\n", piece: 5000, says_end: true });
    assert_eq!((heard.len(), ends), (LONG, true));
    assert!(heard.iter().all(|&byte| byte == b'L'));
}

/// Anybody on the way can cut a connection. Half a request is then no request.
#[test]
fn a_connection_that_is_cut_in_a_request_is_an_error() {
    let (heard, _, outcome) = run(&Script { says: b"one\ntw", piece: 100, says_end: false });
    assert_eq!(heard, b"!ONE");
    assert!(outcome.unwrap_err().to_string().contains("cut"));
    let (heard, _, outcome) = run(&Script { says: b"one\n", piece: 100, says_end: false });
    assert!(heard == b"!ONE" && outcome.is_ok(), "between two requests it is an end like any other");
}

#[test]
fn what_is_no_tls_gets_an_alert_and_the_end() {
    let (server, _) = configurations();
    let service: Arc<dyn AnyService> = Arc::new(Upper::default());
    let peer = Peer::new("127.0.0.1:4711".parse().unwrap());
    let mut conversation = Conversation::open(&service, &Limits::default(), peer).over(layer(&server));
    let now = Instant::now();
    assert!(!conversation.poll_request(now));
    assert_eq!(conversation.next(now), Next::Receive);
    conversation.handle_bytes(b"GET / HTTP/1.1\r\n\r\n", now);
    assert!(!conversation.poll_request(now));
    assert_eq!(conversation.next(now), Next::Send);
    const ALERT: u8 = 21; // RFC 8446, section 5.1
    assert_eq!(conversation.transmit()[0], ALERT);
    conversation.handle_sent(conversation.transmit().len());
    assert_eq!(conversation.next(now), Next::HalfClose);
}

#[test]
fn every_model_with_one_memory_serves_it() {
    let (secret, trusting) = configurations();
    let stop = Stop::install().unwrap();
    let models = Model::ALL.into_iter().filter(|model| !model.copies_memory() && model.available().is_ok());
    let running: Vec<_> = models
        .map(|model| {
            let mut server = Server::new(Arc::new(Upper::default()), stop, Counters::shared().unwrap());
            let secret = Arc::clone(&secret);
            server.layer = Some(Arc::new(move || layer(&secret)));
            let listener = Listener::open(([127, 0, 0, 1], 0).into(), 64, false, stop).unwrap();
            let address = listener.address().ip().unwrap();
            let workers = model.default_workers();
            let running = thread::spawn(move || {
                model.run(&server, listener, &Settings { workers, backlog: 64, worker_command: None })
            });
            (model, address, running)
        })
        .collect();
    for (model, address, _) in &running {
        println!("{}", model.name());
        speak(*address, &trusting);
    }
    stop.request();
    for (model, _, running) in running {
        println!("{} ends", model.name());
        running.join().unwrap().unwrap();
    }
}

/// A word, an answer of a megabyte, and both ends.
fn speak(address: SocketAddr, trusting: &Arc<ClientConfig>) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = StreamOwned::new(client(trusting), stream);
    stream.write_all(b"hello\n").unwrap();
    let mut heard = [0; 6];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"!HELLO");
    stream.write_all(b"long\n").unwrap();
    let mut long = vec![0; LONG];
    stream.read_exact(&mut long).unwrap();
    assert!(long.iter().all(|&byte| byte == b'L'));
    stream.conn.send_close_notify();
    stream.flush().unwrap();
    // rustls calls an end without the server's last word an error.
    assert_eq!(stream.read(&mut heard).unwrap(), 0);
}
