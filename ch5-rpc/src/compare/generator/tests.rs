//! The load generator against servers that answer, stand still and hang up: what is counted, and from when.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::AtomicBool;
use std::thread;

use super::*;
use crate::compare::contestant::Contestant;
use crate::compare::load::Load;

const TIME: Duration = Duration::from_millis(200);
const SEED: u64 = 7;
const REQUEST: &[u8] = b"\0\0\0\x01?";

static NEVER_INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// A server that reads a request from each connection, and then does this.
fn server(then: impl Fn(&mut TcpStream) + Clone + Send + 'static) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, then) = (stream.unwrap(), then.clone());
            thread::spawn(move || {
                let mut request = [0; REQUEST.len()];
                while stream.read_exact(&mut request).is_ok() && request == REQUEST {
                    then(&mut stream);
                }
            });
        }
    });
    address
}

fn generate(server: std::net::SocketAddr, rate: Option<f64>) -> anyhow::Result<Run> {
    let setting = Setting {
        contestant: Contestant::TcpLong,
        load: Load::Open,
        text: b"",
        server,
        id: std::process::id(),
        warm_up: Duration::ZERO,
        time: TIME,
        interrupted: &NEVER_INTERRUPTED,
    };
    let recorded = Recorded { greeting: Vec::new(), request: REQUEST.to_vec() };
    run(&setting, &recorded, rate, SEED)
}

/// How many calls of this rate are meant to begin in the measured time.
fn meant(rate: f64) -> u64 {
    let is_before_the_end = |at_ns: u64| u128::from(at_ns) < TIME.as_nanos();
    Arrivals::new(SEED, 0, rate, 1).take_while(|arrival| is_before_the_end(arrival.at_ns)).count() as u64
}

#[test]
fn every_call_that_was_meant_is_answered_once() {
    let server = server(|stream| stream.write_all(b"\0\0\0\x02ok").unwrap());
    let run = generate(server, Some(2000.0)).unwrap();
    assert_eq!(run.tally.count() + run.waiting.count(), meant(2000.0));
}

/// In a closed loop, a server that stands still is asked no more than once by each caller, and the rest is not seen.
#[test]
fn what_waits_for_a_server_that_stands_still_is_counted() {
    let stalled = server(|stream| {
        thread::sleep(TIME * 2);
        stream.write_all(b"\0\0\0\x02ok").unwrap();
    });
    let open = generate(stalled, Some(2000.0)).unwrap();
    assert_eq!(open.tally.count() + open.waiting.count(), meant(2000.0));
    assert!(open.waiting.count() > 0 && open.tally.count() >= CALLERS as u64, "{open:?}");
    let closed = generate(stalled, None).unwrap();
    assert_eq!((closed.tally.count(), closed.waiting.count()), (CALLERS as u64, 0));
}

#[test]
fn the_time_of_a_call_begins_when_it_was_meant_to_begin() {
    let slow = server(|stream| {
        thread::sleep(TIME / 2);
        stream.write_all(b"\0\0\0\x02ok").unwrap();
    });
    // The first call that nobody is free for begins with the first answer, half of the time after the first call, and takes as long.
    let meant: Vec<u64> =
        Arrivals::new(SEED, 0, 2000.0, 1).take(CALLERS + 1).map(|arrival| arrival.at_ns).collect();
    let least = meant[0] + TIME.as_nanos() as u64 - meant[CALLERS];
    let run = generate(slow, Some(2000.0)).unwrap();
    let longest = run.tally.0.max();
    assert!(longest >= least, "{longest} ns is less than {least}");
}

#[test]
fn a_server_that_hangs_up_is_an_error_and_no_result() {
    let server = server(|stream| {
        stream.write_all(b"\0\0\0\x02o").unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    let error = generate(server, None).unwrap_err().to_string();
    assert!(error.contains("hung up"), "{error}");
}
