//! The stop closes the door: who waits in `accept` is told so, and so is who comes later. One test, because a process has
//! only one stop.

use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::door::{Admission, Door};
use common::stop::Stop;

#[test]
fn the_stop_closes_the_door_for_who_waits_and_for_who_comes() {
    let stop = Stop::install().expect("a descriptor is left");
    let any = "127.0.0.1:0".parse().expect("an address");
    let door = Door::open(any, 8, false, stop).expect("a free port");
    let address = door.address();
    let (said, says) = channel();
    let waiting = thread::spawn(move || {
        loop {
            let admission = door.accept().expect("no failure, whatever happens");
            let closed = matches!(admission, Admission::Closed);
            said.send(admission).expect("the test listens");
            if closed {
                return door;
            }
        }
    });
    let patience = Duration::from_secs(20);
    let client = TcpStream::connect(address).expect("it listens");
    let admitted = says.recv_timeout(patience).expect("it accepts");
    let from = client.local_addr().expect("it is connected");
    assert!(matches!(admitted, Admission::Client(_, who) if who.address == from));

    stop.request();
    assert!(matches!(says.recv_timeout(patience).expect("it is woken"), Admission::Closed));
    let door = waiting.join().expect("no panic");
    assert!(matches!(door.accept().expect("no failure"), Admission::Closed));
    let late = Door::open(any, 8, false, stop).expect("a free port");
    assert!(matches!(late.accept().expect("no failure"), Admission::Closed), "opened after the stop");
}
