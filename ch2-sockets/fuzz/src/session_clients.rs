//! The clients of the sessions as machines, with a server that says anything at any time.
//!
//! Whatever comes, and however long it takes:
//! - a response is no longer than the bytes that came for it, so a server cannot make a client take memory by a word;
//! - who is not the server is not heard;
//! - a client comes to rest: sending ends, and when the server is silent, so does the exchange.

use std::net::SocketAddr;
use std::time::Duration;

use ch2_sockets::session::datagram::{Ack, Data, Reason, Refusal, Side};
use ch2_sockets::session::pdu::ResponsePdu;
use ch2_sockets::session::{Batch, BlockClient, Client, ClientMachine, Config, Congestion, ExchangeError};

use super::tape::Tape;

/// Sending that has not ended by then does not end.
const STEPS: usize = 10_000;
const TOKENS: [u64; 2] = [0x1111_2222_3333_4444, 7];

fn server() -> SocketAddr {
    ([192, 0, 2, 1], 7777).into()
}

/// A script for the client of the extension.
pub fn session_client(script: &[u8]) {
    let mut tape = Tape(script);
    let config = config(&mut tape);
    run(&mut tape, config, Client::new(config, server()));
}

/// A script for the client of the original protocol.
pub fn block_client(script: &[u8]) {
    let mut tape = Tape(script);
    let config = config(&mut tape);
    run(&mut tape, config, BlockClient::new(config, server()));
}

fn config(tape: &mut Tape<'_>) -> Config {
    Config {
        datagram: tape.pick(&[1400, 288, 65_000]),
        window: tape.pick(&[None, Some(1), Some(40)]),
        congestion: tape.pick(&[Congestion::Tolerant, Congestion::Reno]),
        ..Config::default()
    }
}

fn run(tape: &mut Tape<'_>, config: Config, mut client: impl ClientMachine) {
    let (mut now, mut batch) = (Duration::ZERO, Batch::new());
    // Of responses, since the script began.
    let mut came = 0;
    client.request(now, vec![b'q'; 3000].into());
    while !tape.is_over() {
        let step = tape.byte();
        match step % 16 {
            0 => client.request(now, vec![b'q'; 3 * usize::from(tape.byte()).pow(2)].into()),
            1 => now += Duration::from_millis(u64::from(tape.byte()).pow(2)),
            2 => now = now.max(client.deadline().unwrap_or(now)),
            3 => {
                let before = client.statistics().datagrams_received;
                let datagram = answer(tape, &mut 0);
                client.handle_datagram(now, ([192, 0, 2, 1], 7778).into(), datagram.len(), &datagram);
                assert_eq!(client.statistics().datagrams_received, before, "a stranger is heard");
            }
            4..=6 => transmit(&mut client, now, &mut batch),
            7 => {
                let (segment, bytes) = (tape.byte(), tape.bytes());
                came += bytes.len();
                client.handle_datagram(now, server(), segment.into(), bytes);
            }
            _ => {
                let datagram = answer(tape, &mut came);
                client.handle_datagram(now, server(), datagram.len(), &datagram);
            }
        }
        client.handle_timeout(now);
        let progress = client.progress();
        assert!(progress.sent <= progress.to_send, "{progress:?}");
        assert!(progress.to_receive.is_none_or(|all| progress.received <= all), "{progress:?}");
        if let Some(Ok(response)) = client.poll_response() {
            assert!(response.len() <= came, "{} bytes of {came}", response.len());
        }
    }
    end(client, now, config.give_up);
}

/// What a server might say.
fn answer(tape: &mut Tape<'_>, came: &mut usize) -> Vec<u8> {
    let mut out = Vec::new();
    let kind = tape.byte();
    let token = TOKENS[usize::from(kind >> 7)];
    match kind % 8 {
        0 => ResponsePdu::Token(token).encode(&mut out),
        1 => ResponsePdu::Done(tape.byte().into()).encode(&mut out),
        2 => tape.pick(&[ResponsePdu::WrongLength, ResponsePdu::NotUnderstood]).encode(&mut out),
        3 | 4 => {
            let ack = Ack {
                side: tape.pick(&[Side::Request, Side::Response]),
                token,
                exchange: tape.byte().into(),
                largest: tape.byte().into(),
                delay: u32::from(tape.byte()).pow(4),
                cumulative: tape.byte().into(),
                window: u32::from(tape.byte()).pow(4),
            };
            let ranges = tape.bytes().chunks_exact(2).map(|pair| (pair[0].into(), pair[1].into()));
            ack.encode(ranges, &mut out);
        }
        5 | 6 => {
            let (exchange, sequence) = (tape.byte().into(), tape.byte().into());
            let (length, block) = (u32::from(tape.byte()).pow(3), u32::from(tape.byte()));
            let block_size = tape.pick(&[1368, 256, 255, 20_000]);
            let side = tape.pick(&[Side::Response, Side::Request]);
            let left = length.saturating_sub(block * u32::from(block_size));
            let payload = vec![7; left.min(block_size.into()) as usize];
            let data = Data { side, block_size, token, exchange, sequence, length, block };
            *came += payload.len();
            out.extend_from_slice(&data.encode(&payload));
            out.extend_from_slice(&payload);
        }
        _ => {
            let reason =
                tape.pick(&[Reason::Unknown, Reason::TooLong, Reason::NoRoom, Reason::NotUnderstood]);
            out.extend_from_slice(&Refusal { reason, token, exchange: tape.byte().into() }.encode());
        }
    }
    out
}

fn transmit(client: &mut impl ClientMachine, now: Duration, batch: &mut Batch) {
    for _ in 0..STEPS {
        if !client.poll_transmit(now, batch) {
            return;
        }
        assert_eq!(batch.to, server());
        assert!(!batch.bytes.is_empty() && batch.datagrams().all(|datagram| datagram.len() <= 65_504));
    }
    panic!("sending does not end");
}

/// The server says nothing more: the exchange ends in time, and with the right words.
fn end(mut client: impl ClientMachine, mut now: Duration, give_up: Duration) {
    let mut batch = Batch::new();
    client.request(now, vec![b'q'; 10_000].into());
    let began = now;
    for _ in 0..STEPS {
        transmit(&mut client, now, &mut batch);
        if let Some(outcome) = client.poll_response() {
            assert!(matches!(outcome, Err(ExchangeError::NoAnswer { .. })), "{outcome:?}");
            assert_eq!(client.deadline(), None);
            return;
        }
        now = now.max(client.deadline().expect("somebody is waited for"));
        assert!(now <= began + give_up, "it waits too long");
        client.handle_timeout(now);
    }
    panic!("its timers do not end");
}
