//! Congestion control in virtual time: a bottleneck is filled and shared, random loss is told from congestion, and a window of
//! one block is stop-and-wait.

use std::time::Duration;

use ch2_sockets::session::{Batch, Client, ClientMachine, Config, Congestion, Limits, Server};
use common::netem::{Direction, Profile, Wire};

use crate::virtual_time::{SERVER, World, message, ms};

const HOUR: Duration = Duration::from_secs(3600);

fn config(congestion: Congestion) -> Config {
    Config { congestion, ..Config::default() }
}

/// Bytes per second of one upload.
fn goodput(profile: &Profile, config: Config, bytes: usize) -> f64 {
    let mut world = World::new(3, Limits::default(), config);
    world.service = Box::new(|_, _| b"0".to_vec());
    let host = world.join(profile, config);
    world.ask(host, message(bytes, 1));
    assert!(world.run(HOUR));
    assert_eq!(world.hosts[host].results, [Ok(b"0".to_vec())]);
    let statistics = world.statistics(host);
    eprintln!(
        "{config:?}: {:?}, {} blocks, {} again, {} timeouts, window {}",
        world.now, statistics.blocks_sent, statistics.retransmissions, statistics.timeouts, statistics.window
    );
    bytes as f64 / world.now.as_secs_f64()
}

/// 10 Mbit/s with a queue of 64 KiB: 52 ms of it.
fn bottleneck() -> Profile {
    Profile { rate: Some(1_250_000), queue: 64 << 10, delay: ms(10), ..Profile::default() }
}

#[test]
fn a_bottleneck_is_filled() {
    for congestion in [Congestion::Reno, Congestion::Tolerant] {
        let goodput = goodput(&bottleneck(), config(congestion), 10 << 20);
        assert!(goodput > 0.7 * 1_250_000.0, "{congestion:?}: {goodput:.0} B/s");
    }
}

#[test]
fn two_flows_share_a_bottleneck() {
    for congestion in [Congestion::Reno, Congestion::Tolerant] {
        let times = share(congestion, [5 << 20, 5 << 20]);
        eprintln!("{congestion:?}: {times:?}");
        let [first, second] = times.map(|time| time.as_secs_f64());
        // 10 MiB take 8.4 s alone. Who is done first has not had it all to itself.
        assert!(first.max(second) < 8.4 / 0.7, "{times:?}");
        assert!(first.min(second) > 8.4 * 0.55, "{times:?}");
    }
}

/// Two clients upload through one and the same wire; when each is done.
fn share(congestion: Congestion, lengths: [usize; 2]) -> [Duration; 2] {
    let config = config(congestion);
    let addresses = [1, 2].map(|port| std::net::SocketAddr::from(([10, 0, 0, 1], port)));
    let mut server = Server::new(Limits::default(), config, [1; 32]);
    let mut clients = [0, 1].map(|_| Client::new(config, SERVER));
    let mut up = Wire::new(bottleneck(), 1, 0, Direction::Up);
    let down = Profile { delay: ms(10), ..Profile::default() };
    let mut downs = [0, 1].map(|flow| Wire::new(down.clone(), 1, flow, Direction::Down));
    let (mut now, mut batch, mut done) = (Duration::ZERO, Batch::new(), [None; 2]);
    for (client, length) in clients.iter_mut().zip(lengths) {
        client.request(now, message(length, length as u64).into());
    }
    while done.contains(&None) {
        for (number, client) in clients.iter_mut().enumerate() {
            if let Some(result) = client.poll_response() {
                result.expect("a response");
                done[number] = Some(now);
            }
            while client.poll_transmit(now, &mut batch) {
                for datagram in batch.datagrams() {
                    // The wire carries one kind of thing: whose it is travels in front, and takes a byte of the rate.
                    up.send(now, [&[number as u8], datagram].concat());
                }
            }
        }
        while let Some(delivered) = server.poll_request() {
            server.respond(now, delivered.exchange, b"0".to_vec());
        }
        while server.poll_transmit(now, &mut batch) {
            let number = usize::from(batch.to == addresses[1]);
            for datagram in batch.datagrams() {
                downs[number].send(now, datagram.to_vec());
            }
        }
        let arrivals = downs.iter().map(Wire::next_arrival).chain([up.next_arrival(), server.deadline()]);
        let next = arrivals.chain(clients.iter().map(Client::deadline)).flatten().min();
        now = now.max(next.expect("something is going on"));
        while let Some(datagram) = up.arrive(now) {
            let (number, datagram) = datagram.split_first().expect("a number in front");
            server.handle_datagram(now, addresses[usize::from(*number)], datagram.len(), datagram);
        }
        for (client, down) in clients.iter_mut().zip(&mut downs) {
            while let Some(datagram) = down.arrive(now) {
                client.handle_datagram(now, SERVER, datagram.len(), &datagram);
            }
            client.handle_timeout(now);
        }
        server.handle_timeout(now);
    }
    done.map(|at| at.expect("both are done"))
}

#[test]
fn random_loss_does_not_stop_the_tolerant_rule() {
    for (loss, times) in [(0.01, 5.0), (0.05, 10.0), (0.2, 10.0)] {
        let profile = Profile { loss, delay: ms(20), ..Profile::default() };
        let reno = goodput(&profile, config(Congestion::Reno), 4 << 20);
        let tolerant = goodput(&profile, config(Congestion::Tolerant), 4 << 20);
        eprintln!("loss {loss}: Reno {reno:.0} B/s, tolerant {tolerant:.0} B/s: {:.1} ×", tolerant / reno);
        assert!(tolerant > times * reno, "loss {loss}: {tolerant:.0} B/s against {reno:.0} B/s");
    }
}

#[test]
fn a_window_is_many_times_stop_and_wait() {
    for loss in [0.0, 0.05, 0.2] {
        let profile = Profile { loss, delay: ms(20), ..Profile::default() };
        let one = Config { window: Some(1), ..Config::default() };
        let stop_and_wait = goodput(&profile, one, 200_000);
        let window = goodput(&profile, Config::default(), 4 << 20);
        assert!(window > 10.0 * stop_and_wait, "loss {loss}: {window:.0} B/s against {stop_and_wait:.0} B/s");
    }
}

#[test]
fn a_window_of_one_is_stop_and_wait_exactly() {
    // 40 ms of round trip: 147 blocks and the opening, each its own.
    let profile = Profile { delay: ms(20), ..Profile::default() };
    let one = Config { window: Some(1), ..Config::default() };
    let mut world = World::new(3, Limits::default(), one);
    world.service = Box::new(|_, request| request.to_vec());
    let host = world.join(&profile, one);
    world.ask(host, message(147 * 1368, 1));
    assert!(world.run(HOUR));
    // The last ack and the first block of the response come together.
    assert_eq!(world.now, ms(40) * (1 + 147 + 146));
}

#[test]
fn a_window_of_one_never_has_two_blocks_in_flight() {
    // Whatever is lost: a second block is never sent before the first is acknowledged or given up.
    for seed in 0..20 {
        let profile = Profile { loss: 0.3, duplicate: 0.1, delay: ms(20), ..Profile::default() };
        let one = Config { window: Some(1), give_up: Duration::from_secs(60), ..Config::default() };
        let mut world = World::new(seed, Limits::default(), one);
        let host = world.join(&profile, one);
        world.hosts[host].recorded = Some(Vec::new());
        world.ask(host, message(30 * 1368, 1));
        assert!(world.run(HOUR));
        let (mut latest, mut last) = (0, 0);
        for datagram in world.hosts[host].recorded.take().unwrap() {
            if datagram[0] == b'D' {
                let block = u32::from_be_bytes(datagram[24..28].try_into().unwrap());
                assert!(block == latest || block == latest + 1, "block {block} after {latest}");
                latest = block;
                // The blocks are shorter where the opening was lost twice.
                let block_size = u16::from_be_bytes([datagram[2], datagram[3]]);
                last = (30 * 1368u32).div_ceil(block_size.into()) - 1;
            }
        }
        assert_eq!(latest, last);
    }
}
