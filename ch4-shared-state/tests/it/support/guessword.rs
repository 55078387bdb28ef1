//! The guess-word game's frames as text, a raw connection for them, and the models that the game is tried under.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use ch3_threads::model::Model;

use crate::support::Server;

/// How long an answer may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The models that are tried, those that this system forbids left out.
pub fn models() -> impl Iterator<Item = String> {
    let models = [
        Model::ThreadPerConnection,
        Model::ThreadPool,
        Model::Epoll,
        Model::ThreadPerRequest,
        Model::Tokio,
        Model::IoUring,
    ];
    models.into_iter().filter_map(|model| match model.available() {
        Ok(()) => Some(model.name()),
        Err(error) => {
            println!("skipped: {}: {error}", model.name());
            None
        }
    })
}

/// A server of the game under this model.
pub fn serve(model: &str) -> Server {
    println!("model {model}");
    Server::start(&["guessword-server", "--model", model])
}

/// A frame with a payload in base64.
pub fn coded(code: char, text: &str) -> String {
    format!("{code}:{};", BASE64_STANDARD.encode(text))
}

/// What a frame with a payload in base64 says.
pub fn text(frame: &str) -> String {
    let payload = frame[2..].strip_suffix(';').expect("a whole frame");
    String::from_utf8(BASE64_STANDARD.decode(payload).expect("base64")).expect("text")
}

/// The notification that says this.
pub fn notice(text: &str) -> String {
    coded('e', text)
}

/// A player who has joined, and has read that.
pub fn join(server: &Server, name: &str) -> Raw {
    let mut player = Raw::connect(server);
    player.ask(&coded('D', name), &[&notice(&format!("{name} joined")), "d:1;"]);
    player
}

/// Players who have joined one after the other, each of whom has read that.
pub fn join_all<const N: usize>(server: &Server, names: [&str; N]) -> [Raw; N] {
    let mut players: Vec<Raw> = Vec::new();
    for name in names {
        let player = join(server, name);
        for other in &mut players {
            other.expect(&[&notice(&format!("{name} joined"))]);
        }
        players.push(player);
    }
    players.try_into().unwrap_or_else(|_| unreachable!("as many as names"))
}

/// A raw connection that reads frame by frame, bytes as they are.
pub struct Raw {
    /// The connection itself.
    pub stream: TcpStream,
    received: Vec<u8>,
}

impl Raw {
    /// Connects.
    pub fn connect(server: &Server) -> Raw {
        Raw::to(server.address)
    }

    /// Connects to a server that this test has started in its own way.
    pub fn to(address: SocketAddr) -> Raw {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        Raw { stream, received: Vec::new() }
    }

    /// Sends bytes.
    pub fn send(&mut self, bytes: &str) {
        self.stream.write_all(bytes.as_bytes()).expect("the server is there");
    }

    /// The next frame with its `;`; nothing at the server's end.
    pub fn frame(&mut self) -> String {
        loop {
            if let Some(end) = self.received.iter().position(|&byte| byte == b';') {
                let frame = self.received.drain(..=end).collect();
                return String::from_utf8(frame).expect("text");
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => return String::new(),
                Ok(count) => self.received.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the server answers in time: {error}"),
            }
        }
    }

    /// Reads up to a frame of a kind: those before it, and it.
    #[track_caller]
    pub fn up_to(&mut self, last: impl Fn(&str) -> bool) -> (Vec<String>, String) {
        let mut before = Vec::new();
        loop {
            let frame = self.frame();
            assert!(!frame.is_empty(), "the server has hung up");
            if last(&frame) {
                return (before, frame);
            }
            before.push(frame);
        }
    }

    /// Sends bytes and expects exactly these frames, in this order.
    #[track_caller]
    pub fn ask(&mut self, bytes: &str, frames: &[&str]) {
        self.send(bytes);
        self.expect(frames);
    }

    /// Expects exactly these frames next, in this order.
    #[track_caller]
    pub fn expect(&mut self, frames: &[&str]) {
        for expected in frames {
            assert_eq!(self.frame(), *expected);
        }
    }
}
