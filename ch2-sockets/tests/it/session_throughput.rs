//! How fast the two state machines are without a kernel between them. Run it by hand, in release:
//!
//! ```text
//! cargo test --release -p ch2-sockets --test it session_throughput -- --ignored --nocapture
//! ```

use std::time::{Duration, Instant};

use ch2_sockets::session::{Batch, Client, ClientMachine, Config, Limits, Server};

#[test]
#[ignore = "a measurement"]
fn a_request_of_100_mebibytes_from_memory_to_memory() {
    let (from, to) = ("192.0.2.1:1000".parse().unwrap(), "192.0.2.2:7777".parse().unwrap());
    let config = Config::default();
    let request_length = 100 << 20;
    let message = vec![7u8; request_length];
    let mut server = Server::new(Limits::default(), config, [1; 32]);
    let mut client = Client::new(config, to);
    let (mut batch, mut now) = (Batch::new(), Duration::ZERO);
    for round in 0..8 {
        let upload = round < 4;
        let (request, mut answer) = (message.clone(), message.clone());
        if upload {
            answer.truncate(1);
        }
        let request = if upload { request } else { b"x".to_vec() };
        let start = Instant::now();
        client.request(now, request.into());
        let response = loop {
            if let Some(response) = client.poll_response() {
                break response.unwrap();
            }
            now += Duration::from_micros(20);
            while client.poll_transmit(now, &mut batch) {
                server.handle_datagram(now, from, batch.segment, &batch.bytes);
            }
            if let Some(delivered) = server.poll_request() {
                server.respond(now, delivered.exchange, std::mem::take(&mut answer));
                server.recycle(delivered.request);
            }
            while server.poll_transmit(now, &mut batch) {
                client.handle_datagram(now, to, batch.segment, &batch.bytes);
            }
        };
        println!(
            "{:.2} GB/s, response {} bytes",
            request_length as f64 / start.elapsed().as_secs_f64() / 1e9,
            response.len()
        );
        client.recycle(response);
    }
}

#[test]
#[ignore = "a measurement"]
fn the_same_with_one_datagram_in_a_hundred_lost() {
    let (from, to) = ("192.0.2.1:1000".parse().unwrap(), "192.0.2.2:7777".parse().unwrap());
    let config = Config::default();
    let mut server = Server::new(Limits::default(), config, [1; 32]);
    let mut client = Client::new(config, to);
    let (mut batch, mut now, mut dice) = (Batch::new(), Duration::ZERO, 1u64);
    for _ in 0..4 {
        let request = vec![7u8; 100 << 20];
        let (start, began) = (Instant::now(), now);
        client.request(now, request.into());
        while client.poll_response().is_none() {
            // Time passes as it does: 600 ns per datagram, and whatever a timer asks for.
            let mut quiet = true;
            while client.poll_transmit(now, &mut batch) {
                quiet = false;
                now += Duration::from_nanos(600) * batch.datagrams().count() as u32;
                let kept: Vec<u8> =
                    batch.datagrams().filter(|_| !is_lost(&mut dice)).flatten().copied().collect();
                server.handle_datagram(now, from, batch.segment, &kept);
                while server.poll_transmit(now, &mut batch) {
                    client.handle_datagram(now, to, batch.segment, &batch.bytes);
                }
            }
            while let Some(delivered) = server.poll_request() {
                server.respond(now, delivered.exchange, b"0".to_vec());
                server.recycle(delivered.request);
            }
            while server.poll_transmit(now, &mut batch) {
                quiet = false;
                client.handle_datagram(now, to, batch.segment, &batch.bytes);
            }
            if quiet {
                let next = [client.deadline(), server.deadline()].into_iter().flatten().min();
                now = now.max(next.unwrap());
                client.handle_timeout(now);
                server.handle_timeout(now);
            }
        }
        println!("virtual {:?}, processor {:?}, {:?}", now - began, start.elapsed(), client.statistics());
    }
}

fn is_lost(dice: &mut u64) -> bool {
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    dice.is_multiple_of(100)
}
