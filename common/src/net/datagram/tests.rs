//! The endpoint on loopback: what is sent together arrives apart, and nobody's death disturbs a server.

use super::*;

const PATIENCE: Option<Duration> = Some(Duration::from_secs(10));

fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Everything that comes until so many datagrams are there.
fn collect(endpoint: &mut Endpoint, wanted: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let (mut arrivals, mut got) = (Arrivals::default(), Vec::new());
    while got.len() < wanted {
        match endpoint.receive(&mut arrivals) {
            Ok(()) => got.extend(arrivals.iter().flat_map(|arrival| {
                arrival.datagrams().map(move |datagram| (arrival.from, datagram.to_vec())).collect::<Vec<_>>()
            })),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                let woken = wait(endpoint, PollFlags::POLLIN, None, PATIENCE).unwrap();
                assert_eq!(woken, Woken::Ready, "{} of {wanted} came", got.len());
            }
            Err(error) => panic!("{error}"),
        }
    }
    got
}

#[test]
fn what_is_sent_in_one_call_arrives_as_the_datagrams_it_was() {
    let mut server = Endpoint::bind(here(0)).unwrap();
    let client = Endpoint::connect(server.address().unwrap()).unwrap();
    let message: Vec<u8> = (0..200_000u32).map(|number| (number % 251) as u8).collect();
    server.resize_buffers(1 << 21).unwrap();
    client.send(server.address().unwrap(), 1400, &message).unwrap();
    let got = collect(&mut server, message.len().div_ceil(1400));
    assert!(got.iter().all(|(from, _)| *from == client.address().unwrap()));
    let got: Vec<&[u8]> = got.iter().map(|(_, datagram)| datagram.as_slice()).collect();
    assert_eq!(got, message.chunks(1400).collect::<Vec<_>>());
}

#[test]
fn the_shortest_and_the_longest_datagram_pass() {
    for address in [here(0), SocketAddr::from(([0u16, 0, 0, 0, 0, 0, 0, 1], 0))] {
        let mut server = Endpoint::bind(address).unwrap();
        let to = server.address().unwrap();
        let client = Endpoint::connect(to).unwrap();
        for length in [0, 1, 65_504] {
            let datagram = vec![7; length];
            client.send(to, 65_504, &datagram).unwrap();
            assert_eq!(collect(&mut server, 1), [(client.address().unwrap(), datagram)]);
        }
    }
}

#[test]
fn a_client_hears_that_nobody_listens_and_a_server_that_a_client_has_left_does_not() {
    let free = Endpoint::bind(here(0)).unwrap().address().unwrap();
    let mut client = Endpoint::connect(free).unwrap();
    client.send(free, 9, b"anyone?").unwrap();
    assert_eq!(wait(&client, PollFlags::POLLIN, None, PATIENCE).unwrap(), Woken::Ready);
    let error = client.receive(&mut Arrivals::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);

    let mut server = Endpoint::bind(here(0)).unwrap();
    server.send(free, 9, b"anyone?").unwrap();
    let client = Endpoint::connect(server.address().unwrap()).unwrap();
    client.send(server.address().unwrap(), 9, b"me").unwrap();
    assert_eq!(collect(&mut server, 1), [(client.address().unwrap(), b"me".to_vec())]);
}

#[test]
fn a_connected_socket_hears_nobody_else() {
    let server = Endpoint::bind(here(0)).unwrap();
    let mut client = Endpoint::connect(server.address().unwrap()).unwrap();
    let stranger = Endpoint::bind(here(0)).unwrap();
    stranger.send(client.address().unwrap(), 9, b"psst").unwrap();
    server.send(client.address().unwrap(), 9, b"hello").unwrap();
    assert_eq!(collect(&mut client, 1), [(server.address().unwrap(), b"hello".to_vec())]);
}

#[test]
fn a_server_at_all_addresses_answers_from_the_one_it_was_asked_at() {
    let mut server = Endpoint::bind(SocketAddr::from(([0, 0, 0, 0], 0))).unwrap();
    let asked = SocketAddr::from(([127, 0, 0, 2], server.address().unwrap().port()));
    let mut client = Endpoint::connect(asked).unwrap();
    client.send(asked, 9, b"who?").unwrap();
    let (from, _) = collect(&mut server, 1).remove(0);
    server.send(from, 9, b"me").unwrap();
    assert_eq!(collect(&mut client, 1), [(asked, b"me".to_vec())]);
}

#[test]
fn a_wait_ends_at_its_time_and_at_the_stop() {
    let endpoint = Endpoint::bind(here(0)).unwrap();
    let brief = Some(Duration::from_micros(200));
    assert_eq!(wait(&endpoint, PollFlags::POLLIN, None, brief).unwrap(), Woken::Timeout);
    let (read, write) = nix::unistd::pipe().unwrap();
    assert_eq!(wait(&endpoint, PollFlags::POLLIN, Some(read.as_fd()), brief).unwrap(), Woken::Timeout);
    nix::unistd::write(&write, b"!").unwrap();
    assert_eq!(wait(&endpoint, PollFlags::POLLIN, Some(read.as_fd()), PATIENCE).unwrap(), Woken::Stopped);
}

#[test]
fn the_size_of_the_buffers_is_what_the_system_says() {
    let endpoint = Endpoint::bind(here(0)).unwrap();
    let small = endpoint.resize_buffers(10_000).unwrap();
    let large = endpoint.resize_buffers(100_000).unwrap();
    assert!(small.receive < large.receive && small.send < large.send, "{small:?} {large:?}");
}
