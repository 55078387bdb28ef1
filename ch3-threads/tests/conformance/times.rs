//! Time: a client that keeps its server waiting is disconnected in its time, and the next one is served.
//!
//! ```text
//!   slow client ──► begins ───────────── limit ──────────── told why, end of stream
//!   honest client      └──► served at once, or after the limit where the slow one has the only worker
//! ```
//!
//! These checks wait for real time: that is what they are about. So all slow clients of a server wait beside each other, and where
//! a worker has time for one client only, each has a server of its own.

use std::thread;
use std::time::{Duration, Instant};

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;

use crate::client::Client;
use crate::dialogue::exchange;
use crate::server::{Launch, Running};
use crate::{Case, Suite, checks, goes_on};

/// Every limit of time in these checks. Not much more than a tick, and no multiple of it.
const LIMIT: Duration = Duration::from_millis(600);
/// How much later than its limit a client may be disconnected: two ticks, and a busy machine.
const LATE: Duration = Duration::from_secs(4);
/// One model of each kind, for what the core decides alone.
const ONE_OF_EACH_KIND: [Model; 5] =
    [Model::ThreadPerConnection, Model::Epoll, Model::Pipeline, Model::Tokio, Model::IoUring];

pub fn add_to(suite: &mut Suite) {
    let slow = checks![a_client_that_keeps_it_waiting_is_disconnected_in_its_time];
    suite.add(&slow, &[ServiceKind::Factor, ServiceKind::Board, ServiceKind::Bytes], goes_on);
    let some = |model| ONE_OF_EACH_KIND.contains(&model);
    suite.add(&checks![a_slow_upload_that_goes_on_ends_well], &[ServiceKind::Board], some);
    suite.add(&checks![a_silent_client_may_stay], &[ServiceKind::Hold], some);
    suite.add(&checks![a_client_that_reads_late_gets_everything], &[ServiceKind::Bytes], some);
}

/// A client that keeps its server waiting.
struct SlowClient {
    /// What it does.
    begin: fn(&mut Client),
    /// What it is told before the end; `None` for one that does not read.
    told: Option<&'static str>,
    /// What the log says about it.
    logged: &'static str,
}

/// The slow clients of a service.
fn slow_clients(service: ServiceKind) -> &'static [SlowClient] {
    match service {
        ServiceKind::Factor => &[
            SlowClient {
                begin: |_| {},
                told: Some(""),
                logged: "is disconnected: it has not asked in its time",
            },
            SlowClient {
                begin: |client| client.send("12"),
                told: Some(""),
                logged: "is disconnected: its request does not come in its time",
            },
            SlowClient {
                begin: send_byte_by_byte,
                told: Some(""),
                logged: "is disconnected: its request does not come in its time",
            },
            SlowClient {
                begin: |client| {
                    client.send("2\n");
                    client.expect("2: 2\n");
                },
                told: Some(""),
                logged: "is disconnected: it was idle for too long",
            },
        ],
        ServiceKind::Board => &[SlowClient {
            begin: |client| client.send(["1:", &"x".repeat(100_000)].concat()),
            told: Some("1"),
            logged: "is disconnected: its request does not come in its time",
        }],
        ServiceKind::Bytes => &[SlowClient {
            begin: |client| {
                client.send(format!("{}\n", 8 << 20));
                client.expect("*"); // its answer is made
            },
            told: None,
            logged: "lost: it does not read its answer",
        }],
        _ => unreachable!("it is not asked here"),
    }
}

/// Ten bytes a second, where a thousand are wanted: to send something is not yet to go on.
fn send_byte_by_byte(client: &mut Client) {
    let mut sender = client.sender();
    thread::spawn(move || {
        while sender.send_what_fits(b"1") == 1 {
            thread::sleep(Duration::from_millis(100)); // it is slow: that is what it is for
        }
    });
}

/// A slow client that has begun.
struct Begun {
    client: Client,
    /// Its time begins between these two.
    began: [Instant; 2],
    slow: &'static SlowClient,
}

impl SlowClient {
    fn begin(&'static self, server: &Running) -> Begun {
        let before = Instant::now();
        let mut client = Client::connect_with_buffer(server.address, 32 * 1024);
        (self.begin)(&mut client);
        Begun { client, began: [before, Instant::now()], slow: self }
    }
}

impl Begun {
    /// It is disconnected, and neither before its time nor long after it.
    fn expect_end(mut self, server: &Running) {
        let said = format!("{} {}", self.client.address(), self.slow.logged);
        if let Some(told) = self.slow.told {
            assert_eq!(String::from_utf8_lossy(&self.client.read_to_end()), told);
        } else {
            server.says(&said);
        }
        let [most, least] = self.began.map(|began| began.elapsed());
        assert!(most >= LIMIT && least < LIMIT + LATE, "after {most:?}: {said}");
        if self.slow.told.is_some() {
            self.client.half_close();
            server.says(&said);
        }
    }
}

fn a_client_that_keeps_it_waiting_is_disconnected_in_its_time(case: Case) {
    let slow_clients = slow_clients(case.service);
    if case.model.seats(1).is_none_or(|seats| seats > slow_clients.len()) {
        let server = impatient(case).start();
        let begun: Vec<Begun> = slow_clients.iter().map(|slow| slow.begin(&server)).collect();
        expect_service(case.service, &mut ask(case.service, &server));
        thread::scope(|scope| {
            for slow in begun {
                let server = &server;
                scope.spawn(|| slow.expect_end(server));
            }
        });
        expect_service(case.service, &mut ask(case.service, &server));
        server.stop();
    } else {
        thread::scope(|scope| {
            for slow in slow_clients {
                scope.spawn(|| {
                    let server = impatient(case).workers(1).start();
                    let begun = slow.begin(&server);
                    let mut next = ask(case.service, &server);
                    begun.expect_end(&server);
                    expect_service(case.service, &mut next);
                    server.stop();
                });
            }
        });
    }
}

/// It sends four times as fast as it must, for three times the grace.
fn a_slow_upload_that_goes_on_ends_well(case: Case) {
    let server = case.launch().and(&["--grace", "1s", "--min-rate", "100kB/s"]).start();
    let mut client = Client::connect(server.address);
    client.send("1:");
    for _ in 0..30 {
        client.send([b'x'; 40_000]);
        thread::sleep(Duration::from_millis(100)); // it is slow: that is what it is for
    }
    client.half_close();
    assert_eq!(client.read_to_end(), b"0");
    server.stop();
}

/// It asks for everything at once and ends, and reads later than any time to ask allows: it has no more to ask.
fn a_client_that_reads_late_gets_everything(case: Case) {
    let server = impatient(case).and(&["--stall", "30s"]).start();
    let mut client = Client::connect_with_buffer(server.address, 32 * 1024);
    client.send("65536\n".repeat(100)); // more than the kernel keeps for one connection
    client.half_close();
    thread::sleep(3 * LIMIT); // it does not read: that is what it is for
    client.expect(vec![b'*'; 100 * 65536]);
    assert_eq!(client.read_to_end(), b"");
    server.stop();
}

/// Its service is to wait for the client.
fn a_silent_client_may_stay(case: Case) {
    let server = impatient(case).start();
    let mut client = Client::connect(server.address);
    assert_eq!(client.read_to_end(), b"1");
    thread::sleep(3 * LIMIT); // it stays: that is what it is for
    let gone = format!("Client {} disconnected", client.address());
    assert!(!server.said().contains(&gone), "{}", server.said());
    client.half_close();
    server.says(&gone);
    server.stop();
}

/// A server with short limits. (A model that copies the board is told that this is meant.)
fn impatient(case: Case) -> Launch {
    let launch = if case.service == ServiceKind::Board && case.model.copies_memory() {
        case.launch().flag("--show-divergence")
    } else {
        case.launch()
    };
    ["--first-request", "--grace", "--idle", "--stall"]
        .into_iter()
        .fold(launch, |launch, limit| launch.and(&[limit, &format!("{}ms", LIMIT.as_millis())]))
}

/// An honest client that has asked.
fn ask(service: ServiceKind, server: &Running) -> Client {
    let mut client = Client::connect(server.address);
    if service == ServiceKind::Board {
        client.send("1:hello");
        client.half_close();
    } else {
        client.send(exchange(service, 1).0);
    }
    client
}

fn expect_service(service: ServiceKind, client: &mut Client) {
    client.expect(if service == ServiceKind::Board { b"0".to_vec() } else { exchange(service, 1).1 });
}
