//! `multicast`, on 127.0.0.1: many receivers, gaps, plain texts, and the loop switched off.

use std::net::Ipv4Addr;

use socket2::{Domain, Socket, Type};

use crate::support::{free_port, run_line, start_line};

#[test]
fn every_receiver_on_the_machine_hears_every_message() {
    let group = format!("--interface 127.0.0.1 --port {}", free_port());
    let mut receivers: Vec<_> =
        (0..3).map(|_| start_line(&format!("multicast receive {group} --count 2"))).collect();
    for receiver in &mut receivers {
        receiver.line("UNCONNECTED"); // joined, and in the table
    }
    let sent = run_line(&format!("multicast send {group} --count 2 --every 1ms --ttl 7"));
    assert!(sent.stdout.contains("Time-to-live: 7 hops") && sent.stdout.contains("Loop: on"), "{sent:?}");
    for receiver in receivers {
        let ended = receiver.end();
        assert_eq!(ended.status, Some(0));
        assert_eq!(ended.stdout.matches("Received from").count(), 2, "{ended:?}");
        assert!(ended.stdout.contains(":1]]") && ended.stdout.contains(":2]]"), "{ended:?}");
    }
}

/// On an interface other than loopback, with TTL 0: nothing leaves the machine, and the kernel's copy is all there is.
#[test]
fn without_loop_this_machine_hears_nothing() {
    let group = format!("--port {} --ttl 0 --every 1ms", free_port());
    let port = group.split(" --ttl").next().unwrap();
    let mut receiver = start_line(&format!("multicast receive {port} --count 1"));
    if receiver.line("Joined").contains("127.0.0.1") {
        eprintln!("skipped: no interface but loopback, which needs no loop");
        return;
    }
    receiver.line("UNCONNECTED");
    let sent = run_line(&format!("multicast send {group} --count 3 --no-loop -m silent"));
    assert!(sent.stdout.contains("Loop: off: receivers"), "{sent:?}");
    assert_eq!(run_line(&format!("multicast send {group} --count 1 -m loud --plain")).status, Some(0));
    let ended = receiver.end();
    assert!(ended.stdout.contains("[loud]") && !ended.stdout.contains("silent"), "{ended:?}");
}

#[test]
fn loopback_carries_datagrams_back_without_loop() {
    let group = format!("--interface 127.0.0.1 --port {}", free_port());
    let mut receiver = start_line(&format!("multicast receive {group} --count 1"));
    receiver.line("UNCONNECTED");
    let sent = run_line(&format!("multicast send {group} --count 1 --no-loop"));
    assert!(sent.stdout.contains("Loop: off, but"), "{sent:?}");
    assert_eq!(receiver.end().status, Some(0));
}

#[test]
fn gaps_are_reported_and_plain_texts_received() {
    let port = free_port();
    let mut receiver =
        start_line(&format!("multicast receive --interface 127.0.0.1 --port {port} --count 4"));
    receiver.line("UNCONNECTED");
    let sender = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    sender.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    let group = std::net::SocketAddr::from(([239, 1, 1, 1], port)).into();
    for text in ["Hello world!", "a [00000007:1]", "b [00000007:4]", "c [00000007:2]"] {
        sender.send_to(text.as_bytes(), &group).unwrap();
    }
    let ended = receiver.end();
    assert!(ended.stdout.contains("[Hello world!]"), "{ended:?}");
    assert!(ended.stdout.contains("2 before it lost"), "{ended:?}");
    assert!(ended.stdout.contains("late, or a duplicate"), "{ended:?}");
}

#[test]
fn what_is_no_group_and_what_is_no_interface_is_said() {
    for (arguments, words) in [
        ("multicast send --group 127.0.0.1", "no multicast group"),
        ("multicast receive --interface 203.0.113.9", "no interface has"),
        ("multicast receive --interface 127.0.0.1 --port 0 --timeout 10ms", "nothing came within 10ms"),
    ] {
        let ended = run_line(arguments);
        assert_eq!(ended.status, Some(1), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
}

#[test]
fn an_address_is_told_by_its_range() {
    let all = run_line("multicast ranges");
    assert_eq!(all.status, Some(0));
    for words in
        ["   224.0.0.0-224.0.0.255", " * 239.255.0.0-239.255.255.255", "RFC 4607", "GLOP", " * ff1x::"]
    {
        assert!(all.stdout.contains(words), "{words}: {all:?}");
    }
    for (address, words, fits) in [
        ("239.1.1.1", "239.0.0.0-239.191.255.255: administratively scoped", true),
        ("224.0.0.251", "link-local", false),
        ("ff15::1", "transient", true),
    ] {
        let one = run_line(&format!("multicast ranges {address}"));
        assert!(one.stdout.contains(words), "{one:?}");
        assert_eq!(one.stdout.contains("you may use it"), fits, "{one:?}");
        assert_eq!(one.stdout.contains("not for a program of your own"), !fits, "{one:?}");
    }
    let none = run_line("multicast ranges 10.0.0.1");
    assert_eq!(none.status, Some(1));
    assert!(none.stderr.contains("no multicast address"), "{none:?}");
}

#[test]
fn a_group_that_belongs_to_others_is_used_with_a_warning() {
    for (group, warns) in [("224.0.0.77", true), ("232.0.0.1", true), ("239.255.0.1", false)] {
        let group = format!("--interface 127.0.0.1 --port {} --group {group}", free_port());
        let sent = run_line(&format!("multicast send {group} --count 1"));
        assert_eq!(sent.status, Some(0), "{sent:?}");
        let mut receiver = start_line(&format!("multicast receive {group} --timeout 10ms"));
        receiver.line("Joined");
        for ended in [sent, receiver.end()] {
            assert_eq!(
                ended.stderr.contains("WARN") && ended.stderr.contains("239.0.0.0/8"),
                warns,
                "{ended:?}"
            );
        }
    }
}

#[test]
fn ctrl_c_ends_both_cleanly() {
    let port = free_port();
    let mut receiver = start_line(&format!("multicast receive --interface 127.0.0.1 --port {port}"));
    receiver.line("UNCONNECTED");
    let mut sender = start_line(&format!("multicast send --interface 127.0.0.1 --port {port}"));
    sender.line("[1] Multicast sent");
    assert_eq!(sender.interrupt().status, Some(130));
    assert_eq!(receiver.interrupt().status, Some(130));
}
