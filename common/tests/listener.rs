//! The stop closes the listening socket: who waits in `accept` is told so, and so is who comes later. One test, because a process has
//! only one stop.

use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::core::listener::{AcceptOutcome, Listener};
use common::core::stop::Stop;
use socket2::SockRef;

#[test]
fn the_stop_closes_the_door_for_who_waits_and_for_who_comes() {
    let stop = Stop::install().expect("a descriptor is left");
    let any = "127.0.0.1:0".parse().expect("an address");
    let listener = Listener::open(any, 8, false, stop).expect("a free port");
    listener.keep_alive(Duration::from_secs(12)).expect("Linux has the options");
    let address = listener.address().ip().unwrap();
    let (said, says) = channel();
    let waiting = thread::spawn(move || {
        loop {
            let outcome = listener.accept().expect("no failure, whatever happens");
            let closed = matches!(outcome, AcceptOutcome::Closed);
            said.send(outcome).expect("the test listens");
            if closed {
                return listener;
            }
        }
    });
    let patience = Duration::from_secs(20);
    let client = TcpStream::connect(address).expect("it listens");
    let accepted_one = says.recv_timeout(patience).expect("it accepts");
    let from = client.local_addr().expect("it is connected");
    let AcceptOutcome::Accepted(accepted, who) = accepted_one else { panic!("{accepted_one:?}") };
    assert_eq!(who.address, from.into());
    let socket = SockRef::from(&accepted);
    assert!(socket.keepalive().expect("an option"), "handed down from the listening socket");
    assert_eq!(socket.tcp_keepalive_time().expect("an option"), Duration::from_secs(12));
    assert_eq!(socket.tcp_keepalive_interval().expect("an option"), Duration::from_secs(2));
    assert_eq!(socket.tcp_user_timeout().expect("an option"), Some(Duration::from_secs(24)));

    stop.request();
    assert!(matches!(says.recv_timeout(patience).expect("it is woken"), AcceptOutcome::Closed));
    let listener = waiting.join().expect("no panic");
    assert!(matches!(listener.accept().expect("no failure"), AcceptOutcome::Closed));
    let late = Listener::open(any, 8, false, stop).expect("a free port");
    assert!(matches!(late.accept().expect("no failure"), AcceptOutcome::Closed), "opened after the stop");
}
