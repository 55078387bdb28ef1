//! A client that ends in the middle of what it sends resets the connection: nobody takes the part for the whole. And one whose bytes
//! are on their way does not give up.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use common::net::abort;
use nix::sys::signal::Signal;

use crate::support::{PATIENCE, Running, Server, succeed};

/// More than both kernels keep.
const LONG: usize = 48 << 20;

fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (listener, port)
}

/// A client that has sent a part of its message.
fn in_the_middle(listener: &TcpListener) -> TcpStream {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    stream
}

#[track_caller]
fn is_reset(mut stream: TcpStream) {
    let error = stream.read_to_end(&mut Vec::new()).expect_err("a part is no whole");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_board_client_that_is_interrupted_or_killed_resets() {
    for (signal, status) in [(Signal::SIGINT, Some(130)), (Signal::SIGKILL, None)] {
        let (listener, port) = listener();
        let arguments = ["board-client", "-t", "tcp", "-p", &port, "-m", "-", "--timeout", "60s"];
        let client = Running::start(&arguments, &vec![b'x'; LONG]);
        let stream = in_the_middle(&listener);
        client.signal(signal);
        let ended = client.end();
        assert_eq!(ended.status, status, "{ended:?}");
        is_reset(stream);
    }
}

#[test]
fn a_sender_that_is_interrupted_resets() {
    let (listener, port) = listener();
    let repeat = (LONG / 12).to_string();
    let client =
        Running::start(&["stream", "send", "-p", &port, "--repeat", &repeat, "--timeout", "60s"], b"");
    let stream = in_the_middle(&listener);
    client.signal(Signal::SIGINT);
    assert_eq!(client.end().status, Some(130));
    is_reset(stream);
}

#[test]
fn a_link_that_ends_in_the_middle_resets() {
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let (listener, _) = listener();
        let to = listener.local_addr().unwrap().to_string();
        let link = Server::start(&["link", "--listen", "127.0.0.1:0", "--to", &to]);
        let mut client = TcpStream::connect(link.address).unwrap();
        client.write_all(&[b'x'; 1000]).unwrap();
        let stream = in_the_middle(&listener);
        link.signal(signal);
        is_reset(stream);
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        is_reset(client);
    }
}

/// The client has ended its half and waits for the answer; then it gives up.
#[test]
fn a_reset_after_the_end_of_a_half_goes_through_the_link() {
    let (listener, _) = listener();
    let to = listener.local_addr().unwrap().to_string();
    let link = Server::start(&["link", "--listen", "127.0.0.1:0", "--to", &to]);
    let mut client = TcpStream::connect(link.address).unwrap();
    client.write_all(&[b'x'; 1000]).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut stream = in_the_middle(&listener);
    assert_eq!(stream.read(&mut [0; 9]).unwrap(), 0, "its half has ended");
    abort::unless_finished(&client).unwrap();
    drop(client);
    let began = Instant::now();
    // Nothing is written: the link has to see it by itself.
    while stream.take_error().unwrap().is_none() {
        assert!(began.elapsed() < PATIENCE, "the link does not pass it on");
        thread::sleep(Duration::from_millis(5)); // the kernel has no event for it that a blocking socket could wait for
    }
}

#[test]
fn bytes_that_move_are_no_silence() {
    let server = Server::start(&["board-server", "-t", "tcp", "-p", "0"]);
    let to = server.address.to_string();
    let slow =
        ["link", "--listen", "127.0.0.1:0", "--to", &to, "--rate", "1MB/s", "--loss", "1%", "--seed", "1"];
    let link = Server::start(&slow);
    let port = link.address.port().to_string();
    let arguments = ["board-client", "-t", "tcp", "-p", &port, "-m", "-", "-l", "1", "--timeout", "250ms"];
    let said = succeed(&arguments, &vec![b'x'; 1 << 20]); // more than a second, which is what --timeout allows for
    assert_eq!(said.lines().next(), Some("Message published"));
}
