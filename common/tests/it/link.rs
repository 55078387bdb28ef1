//! The lossy link on real sockets does what the same seed says in virtual time.
//!
//! Nothing here waits for a time to pass: a test ends when the datagram it asked for has come, and a read that gets nothing fails
//! after [`PATIENCE`].

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::netem::{
    Blocked, Cut, Direction, Outcome, Profile, Recorder, Relay, RunningRelay, Settings, Span, Wire, fate,
};

const PATIENCE: Duration = Duration::from_secs(10);
const SEED: u64 = 42;

fn start(to: SocketAddr, profile: Profile) -> (RunningRelay, Arc<Recorder>) {
    let recorder = Arc::new(Recorder::new(None, true));
    let relay = Relay::bind(&Settings::new(to, profile, SEED)).unwrap();
    (relay.start(Arc::clone(&recorder)).unwrap(), recorder)
}

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    // What overflows a receive buffer would be lost outside the seed's hands; the usual 208 KiB hold 277 small datagrams.
    socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20).unwrap();
    socket
}

fn send_numbered(client: &UdpSocket, count: u32) {
    for number in 0..count {
        client.send(&number.to_be_bytes()).unwrap();
    }
}

/// How many copies of each datagram arrive, until there are as many as expected.
fn receive_numbered(server: &UdpSocket, expected: usize) -> (BTreeMap<u32, usize>, SocketAddr) {
    let mut copies = BTreeMap::new();
    let mut buffer = [0; 16];
    let mut client = None;
    for _ in 0..expected {
        let (length, from) = server.recv_from(&mut buffer).expect("as many as the fates say");
        assert_eq!(length, 4);
        client = Some(from);
        *copies.entry(u32::from_be_bytes(buffer[..4].try_into().unwrap())).or_default() += 1;
    }
    (copies, client.unwrap())
}

fn predicted(profile: &Profile, link: u64, count: u32) -> BTreeMap<u32, usize> {
    (0..count)
        .map(|number| (number, fate(profile, SEED, link, u64::from(number)).copies().count()))
        .filter(|(_, copies)| *copies > 0)
        .collect()
}

#[test]
fn the_relay_and_the_wire_lose_and_double_the_same_datagrams_in_both_directions() {
    const COUNT: u32 = 200; // few enough for a receive buffer that the kernel does not enlarge
    let profile = Profile {
        loss: 0.2,
        duplicate: 0.1,
        reorder: 0.1,
        reorder_by: Duration::from_millis(2),
        delay: Duration::from_millis(1),
        ..Profile::default()
    };
    let server = socket();
    let (relay, recorder) = start(server.local_addr().unwrap(), profile.clone());
    let client = socket();
    client.connect(relay.address()).unwrap();

    send_numbered(&client, COUNT);
    let up = predicted(&profile, 0, COUNT);
    let (arrived, address) = receive_numbered(&server, up.values().sum());
    assert_eq!(arrived, up);

    server.connect(address).unwrap();
    send_numbered(&server, COUNT);
    let down = predicted(&profile, 1, COUNT);
    assert_eq!(receive_numbered(&client, down.values().sum()).0, down);
    assert_ne!(up, down);

    // The virtual wire, fed alike, says the same.
    let mut wire = Wire::new(profile, SEED, 0, Direction::Up);
    for number in 0..COUNT {
        wire.send(Duration::ZERO, number.to_be_bytes().to_vec());
    }
    let udp = relay.stop().unwrap().udp.unwrap();
    assert_eq!((udp.up.lost, udp.up.duplicated), (wire.counts().lost, wire.counts().duplicated));
    assert_eq!(udp.up.delivered, up.values().sum::<usize>() as u64);
    let (events, left_out) = recorder.finish().unwrap();
    assert_eq!((events.len(), left_out), (2 * COUNT as usize, 0));
    let lost = events.iter().filter(|event| event.outcome == Outcome::Lost).count() as u64;
    assert_eq!(lost, udp.up.lost + udp.down.lost);
}

#[test]
fn every_client_has_its_own_flow_and_gets_its_own_answers() {
    let server = socket();
    let (relay, _) = start(server.local_addr().unwrap(), Profile::default());
    let clients: Vec<UdpSocket> = (0..20).map(|_| socket()).collect();
    for (number, client) in clients.iter().enumerate() {
        client.send_to(&[number as u8], relay.address()).unwrap();
    }
    let mut buffer = [0; 16];
    for _ in 0..20 {
        let (length, from) = server.recv_from(&mut buffer).unwrap();
        server.send_to(&buffer[..length], from).unwrap();
    }
    for (number, client) in clients.iter().enumerate() {
        let (length, from) = client.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..length], from), ([number as u8].as_slice(), relay.address()));
    }
    assert_eq!(relay.stop().unwrap().udp.unwrap().flows, 20);
}

#[test]
fn a_client_beyond_the_limit_is_turned_away_and_the_others_are_served() {
    const LIMIT: usize = 256;
    let server = socket();
    let (relay, _) = start(server.local_addr().unwrap(), Profile::default());
    let clients: Vec<UdpSocket> = (0..=LIMIT).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
    let mut buffer = [0; 16];
    for client in &clients[..LIMIT] {
        client.send_to(b"in", relay.address()).unwrap();
        server.recv(&mut buffer).unwrap();
    }
    clients[LIMIT].send_to(b"out", relay.address()).unwrap();
    clients[0].send_to(b"again", relay.address()).unwrap();
    assert_eq!(server.recv(&mut buffer).unwrap(), 5);
    let udp = relay.stop().unwrap().udp.unwrap();
    assert_eq!((udp.flows, udp.turned_away), (LIMIT as u64, 1));
}

#[test]
fn a_silent_client_is_forgotten_and_what_it_did_is_counted() {
    let server = socket();
    let to = server.local_addr().unwrap();
    let settings = Settings { idle: Duration::ZERO, ..Settings::new(to, Profile::default(), SEED) };
    let relay = Relay::bind(&settings).unwrap().start(Arc::default()).unwrap();
    let client = socket();
    for _ in 0..3 {
        client.send_to(b"x", relay.address()).unwrap();
        server.recv(&mut [0; 16]).unwrap();
    }
    let udp = relay.stop().unwrap().udp.unwrap();
    assert_eq!((udp.flows, udp.up.delivered), (3, 3));
}

#[test]
fn a_one_way_cut_stops_requests_and_not_answers() {
    let cut = Cut { blocked: Blocked::Up, span: Span::Index { from: 1, to: Some(5) } };
    let server = socket();
    let (relay, _) = start(server.local_addr().unwrap(), Profile { cuts: vec![cut], ..Profile::default() });
    let client = socket();
    client.connect(relay.address()).unwrap();
    for number in 0..8u8 {
        client.send(&[number]).unwrap();
    }
    let mut buffer = [0; 16];
    let mut arrived = Vec::new();
    for _ in 0..4 {
        let (_, from) = server.recv_from(&mut buffer).unwrap();
        arrived.push(buffer[0]);
        server.send_to(&buffer[..1], from).unwrap();
    }
    assert_eq!(arrived, [0, 5, 6, 7]);
    for number in arrived {
        client.recv(&mut buffer).unwrap();
        assert_eq!(buffer[0], number);
    }
    let udp = relay.stop().unwrap().udp.unwrap();
    assert_eq!((udp.up.cut, udp.down.cut), (4, 0));
}

#[test]
fn a_corrupted_datagram_has_one_bit_flipped_and_a_good_checksum() {
    let server = socket();
    let (relay, _) = start(server.local_addr().unwrap(), Profile { corrupt: 1.0, ..Profile::default() });
    let client = socket();
    client.send_to(&[0; 100], relay.address()).unwrap();
    let mut buffer = [0; 200];
    assert_eq!(server.recv(&mut buffer).unwrap(), 100);
    assert_eq!(buffer.iter().map(|byte| byte.count_ones()).sum::<u32>(), 1);
}

#[test]
fn a_datagram_takes_no_less_than_the_delay() {
    let delay = Duration::from_millis(30);
    let server = socket();
    let (relay, recorder) = start(server.local_addr().unwrap(), Profile { delay, ..Profile::default() });
    let begun = std::time::Instant::now();
    socket().send_to(b"slowly", relay.address()).unwrap();
    server.recv(&mut [0; 16]).unwrap();
    assert!(begun.elapsed() >= delay);
    relay.stop().unwrap();
    let (events, _) = recorder.finish().unwrap();
    assert_eq!(events[0].arrivals[0].at - events[0].at, delay);
    assert_eq!(events[0].label, "slowly");
}

/// Accepts one connection and hands it to `serve`.
fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = thread::spawn(move || {
        let (connection, _) = listener.accept().unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        serve(connection);
    });
    (address, thread)
}

fn connect(relay: &RunningRelay) -> TcpStream {
    let client = TcpStream::connect(relay.address()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client
}

#[test]
fn a_stream_is_byte_exact_through_splits_merges_and_stalls_and_half_close_is_passed_on() {
    let sent: Vec<u8> = (0..300_000u32).map(|number| (number % 251) as u8).collect();
    let expected = sent.clone();
    let (address, thread) = server(move |mut connection| {
        // The answer begins after the end of the request: without half-close nobody would ever say anything.
        let mut received = Vec::new();
        connection.read_to_end(&mut received).unwrap();
        assert!(received == expected, "{} bytes", received.len());
        connection.write_all(&received).unwrap();
    });
    let profile = Profile {
        split: 0.3,
        merge: 0.3,
        stall: 0.02,
        stall_for: Duration::from_millis(5),
        ..Profile::default()
    };
    let (relay, _) = start(address, profile);
    let mut client = connect(&relay);
    client.write_all(&sent).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).unwrap();
    assert!(answer == sent, "{} bytes", answer.len());
    thread.join().unwrap();
    let tcp = relay.stop().unwrap().tcp.unwrap();
    assert!(tcp.up.split > 0 && tcp.up.merged > 0 && tcp.up.stalled > 0, "{:?}", tcp.up);
    assert_eq!((tcp.up.delivered_bytes, tcp.down.delivered_bytes), (300_000, 300_000));
}

#[test]
fn a_reset_by_the_link_is_seen_on_both_sides() {
    let (address, thread) = server(|mut connection| {
        let error = connection.read(&mut [0; 16]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
    let (relay, recorder) = start(address, Profile { reset: 1.0, ..Profile::default() });
    let mut client = connect(&relay);
    client.write_all(b"hello").unwrap();
    assert_eq!(client.read(&mut [0; 16]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    thread.join().unwrap();
    assert_eq!(relay.stop().unwrap().tcp.unwrap().up.resets, 1);
    assert_eq!(recorder.finish().unwrap().0[0].outcome, Outcome::Reset);
}

#[test]
fn a_reset_by_the_client_reaches_the_server() {
    let (address, thread) = server(|mut connection| {
        assert_eq!(connection.read(&mut [0; 1]).unwrap(), 1);
        connection.write_all(b"a").unwrap();
        assert_eq!(connection.read(&mut [0; 1]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    });
    let (relay, _) = start(address, Profile::default());
    let mut client = connect(&relay);
    client.write_all(b"q").unwrap();
    client.read_exact(&mut [0; 1]).unwrap();
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    thread.join().unwrap();
}

#[test]
fn a_server_that_is_not_there_is_a_reset() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (relay, _) = start(nobody, Profile::default());
    let error = connect(&relay).read(&mut [0; 16]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_reader_that_does_not_read_stops_the_writer_and_the_relays_memory_is_bounded() {
    let (continue_reading, may_read) = std::sync::mpsc::channel::<()>();
    let (address, thread) = server(move |mut connection| {
        may_read.recv().unwrap();
        let mut received = 0;
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = connection.read(&mut buffer) {
            received += length;
        }
        assert_eq!(received % 65_536, 0);
        assert!(received > 0);
    });
    let (relay, _) = start(address, Profile::default());
    let mut client = connect(&relay);
    client.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut written = 0;
    let mut rest = 65_536;
    let block = [0; 65_536];
    // Until the buffers of two kernels' worth of sockets and of the relay are full: far less than a hundred MiB.
    while let Ok(length) = client.write(&block[..rest]) {
        written += length;
        rest = if rest == length { 65_536 } else { rest - length };
        assert!(written < 100 << 20, "{written} bytes were taken, and nobody read");
    }
    continue_reading.send(()).unwrap();
    client.set_write_timeout(Some(PATIENCE)).unwrap();
    client.write_all(&block[..rest]).unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    thread.join().unwrap();
}

#[test]
fn both_carriers_share_a_port_over_ipv4_and_ipv6() {
    for host in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(server) = UdpSocket::bind(host) else { continue }; // a machine without IPv6
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        let to = server.local_addr().unwrap();
        let settings =
            Settings { listen: host.parse().unwrap(), ..Settings::new(to, Profile::default(), SEED) };
        let relay = Relay::bind(&settings).unwrap().start(Arc::default()).unwrap();
        assert_ne!(relay.address().port(), 0);
        assert!(TcpStream::connect(relay.address()).is_ok());
        UdpSocket::bind(host).unwrap().send_to(b"x", relay.address()).unwrap();
        assert_eq!(server.recv(&mut [0; 16]).unwrap(), 1);
    }
}

#[test]
fn a_link_at_all_addresses_answers_from_the_one_that_was_asked() {
    let server = socket();
    let to = server.local_addr().unwrap();
    for (listen, asked) in [("0.0.0.0:0", "127.0.0.2"), ("[::]:0", "127.0.0.2"), ("[::]:0", "::1")] {
        let settings = Settings {
            listen: listen.parse().unwrap(),
            tcp: false,
            ..Settings::new(to, Profile::default(), SEED)
        };
        let relay = Relay::bind(&settings).unwrap().start(Arc::new(Recorder::new(None, false))).unwrap();
        let asked = SocketAddr::new(asked.parse().unwrap(), relay.address().port());
        let client = UdpSocket::bind(if asked.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.connect(asked).unwrap(); // hears no other address
        client.send(b"question").unwrap();
        let mut buffer = [0; 16];
        let (_, flow) = server.recv_from(&mut buffer).unwrap();
        server.send_to(b"answer", flow).unwrap();
        let length = client.recv(&mut buffer).expect("the answer, from the address that was asked");
        assert_eq!(&buffer[..length], b"answer");
        relay.stop().unwrap();
    }
}
