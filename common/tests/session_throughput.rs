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
        client.request(now, request);
        let response = loop {
            if let Some(response) = client.poll_response() {
                break response.unwrap();
            }
            now += Duration::from_micros(20);
            while client.transmit(now, &mut batch) {
                server.receive(now, from, batch.segment, &batch.bytes);
            }
            if let Some(delivered) = server.poll_request() {
                server.answer(now, delivered.exchange, std::mem::take(&mut answer));
                server.recycle(delivered.request);
            }
            while server.transmit(now, &mut batch) {
                client.receive(now, to, batch.segment, &batch.bytes);
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
