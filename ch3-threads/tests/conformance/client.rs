//! A client that never waits for ever: every read and write has a bound.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use crate::server::PATIENCE;

/// Long enough for a server that would answer to have answered: the negative check "it is not served".
pub const A_MOMENT: Duration = Duration::from_millis(250);

/// One connection.
pub struct Client {
    stream: TcpStream,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect_timeout(&address, PATIENCE).expect("the server listens"))
    }

    /// Connects with a receive buffer of so many bytes, which is what the peer may send unread.
    pub fn connect_with_buffer(address: SocketAddr, bytes: usize) -> Client {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(bytes).expect("a buffer size");
        socket.connect(&address.into()).expect("the server listens");
        Client::over(socket.into())
    }

    fn over(stream: TcpStream) -> Client {
        stream.set_nodelay(true).expect("an option of every TCP socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Client { stream }
    }

    /// Our end, as the server names us in its log.
    pub fn address(&self) -> SocketAddr {
        self.stream.local_addr().expect("a connected socket has an address")
    }

    /// Sends all of it.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("the server takes it");
    }

    /// Sends as much as the server takes, or ends the attempt when it has hung up. Returns how much it was.
    pub fn send_what_fits(&mut self, bytes: &[u8]) -> usize {
        self.stream.set_write_timeout(Some(A_MOMENT)).expect("a timeout");
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.write(&bytes[sent..]) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        sent
    }

    /// Sends until the server has closed the connection; `false` when it takes no more for some seconds and does not close.
    pub fn send_until_closed(&mut self, bytes: &[u8]) -> bool {
        self.stream.set_write_timeout(Some(PATIENCE / 4)).expect("a timeout");
        let closed = [ErrorKind::BrokenPipe, ErrorKind::ConnectionReset];
        self.stream.write_all(bytes).is_err_and(|error| closed.contains(&error.kind()))
    }

    /// Reads exactly these bytes.
    #[track_caller]
    pub fn expect(&mut self, bytes: impl AsRef<[u8]>) {
        let expected = bytes.as_ref();
        let mut got = vec![0; expected.len()];
        if let Err(error) = self.stream.read_exact(&mut got) {
            panic!("instead of {:?}: {error}", String::from_utf8_lossy(&expected[..expected.len().min(99)]));
        }
        assert!(
            got == expected,
            "{:?} instead of {:?}",
            String::from_utf8_lossy(&got[..got.len().min(999)]),
            String::from_utf8_lossy(&expected[..expected.len().min(999)]),
        );
    }

    /// Reads a little, after a while; `false` when there was nothing more.
    pub fn take_a_drip(&mut self) -> bool {
        std::thread::sleep(Duration::from_millis(20)); // this client is slow: that is what it is for
        matches!(self.stream.read(&mut [0; 4096]), Ok(1..))
    }

    /// Reads to the server's end of the stream.
    #[track_caller]
    pub fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("the stream ends well");
        bytes
    }

    /// Sends the request and reads its answer; `false` when the server ended the connection meanwhile.
    pub fn try_exchange(&mut self, request: &[u8], answer: &[u8]) -> bool {
        let mut got = vec![0; answer.len()];
        let done = self.stream.write_all(request).and_then(|()| self.stream.read_exact(&mut got));
        assert!(done.is_err() || got == answer, "a wrong answer: {:?}", String::from_utf8_lossy(&got));
        done.is_ok()
    }

    /// The server has hung up, well or with a reset.
    #[track_caller]
    pub fn expect_hung_up(&mut self) {
        let mut bytes = Vec::new();
        match self.stream.read_to_end(&mut bytes) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => {
                panic!("it is not hung up on: {error}")
            }
            _ => assert_eq!(bytes, b""),
        }
    }

    /// The server has taken all that was sent out of its socket's queue: the kernel tells (proc_pid_net(5), `net/tcp`).
    #[track_caller]
    pub fn wait_until_read(&self) {
        let server = self.stream.peer_addr().expect("a connected socket has a peer").port();
        let ends = [self.address().port(), server].map(|port| format!(":{port:04X}"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux has a table of sockets");
            let queues = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
            let queues =
                queues.filter(|line| [1, 2].iter().all(|&at| ends.iter().any(|end| line[at].ends_with(end))));
            let queues: Vec<String> = queues.map(|line| line[4].to_owned()).collect();
            // Ours and theirs: nothing to be acknowledged, nothing to be read.
            if queues.len() == 2 && queues.iter().all(|queues| queues == "00000000:00000000") {
                return;
            }
            assert!(Instant::now() < deadline, "the server does not read: {queues:?}");
            std::thread::yield_now();
        }
    }

    /// Nothing comes for a moment: it is not served now.
    #[track_caller]
    pub fn expect_nothing_yet(&mut self) {
        self.stream.set_read_timeout(Some(A_MOMENT)).expect("a timeout");
        let read = self.stream.read(&mut [0]).map_err(|error| error.kind());
        assert_eq!(read, Err(ErrorKind::WouldBlock), "it is served although it should wait");
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    }

    /// Ends its sending half; it can still read.
    pub fn half_close(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("it is connected");
    }

    /// Vanishes with a reset instead of an end (`SO_LINGER` 0, socket(7)).
    pub fn reset(self) {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("an option of every socket");
    }

    /// A second handle, for a thread that sends while this one reads.
    pub fn sender(&self) -> Client {
        Client { stream: self.stream.try_clone().expect("a descriptor is left") }
    }
}
