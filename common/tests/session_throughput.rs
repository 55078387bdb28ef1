//! How fast the two state machines are without a kernel between them. Run it by hand, in release:
//!
//! ```text
//! cargo test --release -p common --test session_throughput -- --ignored --nocapture
//! ```

use std::time::{Duration, Instant};

use common::protocol::session::{Batch, Client, Config, Limits, Server};

#[test]
#[ignore = "a measurement"]
fn a_request_of_100_mebibytes_from_memory_to_memory() {
    let (from, to) = ("192.0.2.1:1000".parse().unwrap(), "192.0.2.2:7777".parse().unwrap());
    let config = Config::default();
    let message = vec![7u8; 100 << 20];
    let mut server = Server::new(Limits::default(), config, [1; 32]);
    let mut client = Client::new(config, to);
    let (mut batch, mut now) = (Batch::new(), Duration::ZERO);
    for round in 0..8 {
        let request = message.clone();
        let start = Instant::now();
        client.request(now, request);
        let response = loop {
            if let Some(response) = client.poll_response() {
                break response;
            }
            now += Duration::from_micros(20);
            while client.transmit(now, &mut batch) {
                server.receive(now, from, batch.segment, &batch.bytes);
            }
            if let Some(delivered) = server.poll_request() {
                server.answer(
                    now,
                    delivered.exchange,
                    if round % 2 == 0 { b"0".to_vec() } else { delivered.request },
                );
            }
            while server.transmit(now, &mut batch) {
                client.receive(now, to, batch.segment, &batch.bytes);
            }
        };
        let bytes = message.len() * if round % 2 == 0 { 1 } else { 2 };
        let rate = bytes as f64 / start.elapsed().as_secs_f64();
        println!("{:.2} GB/s, response {} bytes", rate / 1e9, response.unwrap().len());
    }
}
