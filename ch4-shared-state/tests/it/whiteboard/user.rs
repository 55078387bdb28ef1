//! A user without a browser: a WebSocket and nothing else.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use ch4_shared_state::whiteboard::clock::Replica;
use ch4_shared_state::whiteboard::protocol::{FromBrowser, FromServer, Key, Painted};
use tungstenite::protocol::CloseFrame;
use tungstenite::{Message, WebSocket, client};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(15);

pub struct User {
    pub socket: WebSocket<TcpStream>,
}

/// What a welcome says.
pub struct Welcome {
    pub time: u64,
    pub writes: Vec<Painted>,
    pub people: Vec<(Replica, String)>,
}

impl User {
    /// Connected, and not yet introduced.
    pub fn connect(address: SocketAddr, room: &str) -> User {
        User::over(TcpStream::connect(address).unwrap(), room)
    }

    /// The same over a connection that is there.
    pub fn over(stream: TcpStream, room: &str) -> User {
        stream.set_nodelay(true).unwrap();
        let url = format!("ws://{}/{room}", stream.peer_addr().unwrap());
        let (socket, _) = client(url, stream).unwrap();
        socket.get_ref().set_read_timeout(Some(PATIENCE)).unwrap(); // after the handshake: see `read`
        User { socket }
    }

    /// In the room.
    pub fn join(address: SocketAddr, room: &str, name: &str, replica: u32) -> (User, Welcome) {
        let mut user = User::connect(address, room);
        let welcome = user.hello(name, replica);
        (user, welcome)
    }

    pub fn hello(&mut self, name: &str, replica: u32) -> Welcome {
        self.introduce(name, replica);
        match self.next() {
            FromServer::Welcome { time, writes, people, .. } => Welcome { time, writes, people },
            other => panic!("{other:?}"),
        }
    }

    /// Says hello, without waiting for what comes of it. The key is the number again: the same for who comes again.
    pub fn introduce(&mut self, name: &str, replica: u32) {
        let key = Key([replica; 4]);
        self.send(&FromBrowser::Hello { name: name.to_owned(), replica: Replica(replica), key });
    }

    pub fn send(&mut self, message: &FromBrowser) {
        self.socket.send(Message::text(serde_json::to_string(message).unwrap())).unwrap();
    }

    /// These pixels, in the server's room.
    pub fn paint(&mut self, seen: u64, pixels: impl IntoIterator<Item = (u16, u8)>) {
        let pixels =
            pixels.into_iter().map(|(cell, colour)| (cell.try_into().unwrap(), colour.try_into().unwrap()));
        self.send(&FromBrowser::Paint { seen, pixels: pixels.collect() });
    }

    /// The next message that is not a ping.
    pub fn next(&mut self) -> FromServer {
        let since = Instant::now(); // pings keep the read from running into its own timeout
        loop {
            assert!(since.elapsed() < PATIENCE, "nothing but pings");
            match read(&mut self.socket).unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The next news of pixels: the writes, and winner and loser of each collision. Who comes and goes is passed over.
    pub fn painted(&mut self) -> (Vec<Painted>, Vec<(Painted, Painted)>) {
        loop {
            match self.next() {
                FromServer::Painted { writes, collisions } => return (writes, collisions),
                FromServer::Came { .. } | FromServer::Left { .. } | FromServer::Cursor { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads on to the server's close frame: its code and its reason.
    pub fn closed(&mut self) -> (u16, String) {
        loop {
            match read(&mut self.socket) {
                Ok(Message::Close(Some(CloseFrame { code, reason }))) => {
                    return (code.into(), reason.to_string());
                }
                Ok(Message::Text(_) | Message::Ping(_)) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The next message. A read that has a timeout may be interrupted without any signal: the kernel clears away an io_uring in
/// the thread that had it, and `Model::available` tries one.
pub fn read(socket: &mut WebSocket<TcpStream>) -> tungstenite::Result<Message> {
    loop {
        match socket.read() {
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
