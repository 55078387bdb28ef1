//! `socket`: descriptor, address and row, step by step, and a sentence when the system refuses.

use std::net::{TcpListener, UdpSocket};

use crate::support::{run_line, start_line};

#[test]
fn a_udp_socket_is_in_the_table_once_it_is_bound() {
    let ended = run_line("socket udp --bind 127.0.0.1:0");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let steps: Vec<_> = ended.stdout.split("\n2. ").collect();
    assert!(steps[0].contains("<- the new socket") && steps[0].contains("(not in the table)"), "{ended:?}");
    let (bound, closed) = steps[1].split_once("\n3. ").unwrap();
    assert!(bound.contains("UNCONNECTED") && bound.contains("the system chose"), "{bound}");
    assert!(closed.starts_with("close(") && closed.contains("(not in the table)"), "{closed}");
}

#[test]
fn a_tcp_socket_is_in_the_table_once_it_listens() {
    for address in ["127.0.0.1:0", "[::]:0", "0.0.0.0:0"] {
        let ended = run_line(&format!("socket tcp --bind {address}"));
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let (before, after) = ended.stdout.split_once("\n3. listen").unwrap();
        assert!(!before.contains(" LISTEN "), "{before}");
        assert!(after.contains(" LISTEN "), "{after}");
    }
}

#[test]
fn hold_lets_another_program_look() {
    let mut running = start_line("socket udp --bind 127.0.0.1:0 --hold");
    running.line("not in the table");
    running.enter();
    let line = running.line("2. bind(");
    let address = line.rsplit(' ').next().unwrap().to_owned();
    running.line("UNCONNECTED");
    let refused = run_line(&format!("socket udp --bind {address}"));
    assert_eq!(refused.status, Some(1));
    assert!(refused.stderr.contains("EADDRINUSE") && refused.stderr.contains("(ch2-sockets)"), "{refused:?}");
    assert_eq!(running.interrupt().status, Some(130));
}

#[test]
fn a_refused_bind_says_whose_the_address_is() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = [("udp", udp.local_addr().unwrap()), ("tcp", tcp.local_addr().unwrap())];
    for (kind, address) in taken {
        let ended = run_line(&format!("socket {kind} --bind {address}"));
        assert_eq!(ended.status, Some(1), "{ended:?}");
        let who = format!("process {} ", std::process::id());
        assert!(ended.stderr.contains(&who) && ended.stderr.contains(&address.to_string()), "{ended:?}");
    }
    let ended = run_line("socket udp --bind 203.0.113.7:0");
    assert_eq!(ended.status, Some(1));
    assert!(ended.stderr.contains("EADDRNOTAVAIL") && ended.stderr.contains("127.0.0.1"), "{ended:?}");
}
