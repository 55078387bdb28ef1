//! The whole engine against small servers, good and broken ones. What they assert are counts, bytes and orders.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::*;
use crate::report::ClientOutcome;

/// A server in a thread, one thread per connection; dropping it stops it and waits for all of them.
struct Server {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    fn threaded(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Server {
        let serve = Arc::new(serve);
        Server::accepting(move |stream, threads: &mut Vec<JoinHandle<()>>| {
            let serve = Arc::clone(&serve);
            threads.push(thread::spawn(move || serve(stream)));
        })
    }

    fn sequential(serve: impl Fn(TcpStream) + Send + 'static) -> Server {
        Server::accepting(move |stream, _| serve(stream))
    }

    fn accepting(handle: impl Fn(TcpStream, &mut Vec<JoinHandle<()>>) + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let accepting = thread::spawn(move || {
            let mut threads = Vec::new();
            for stream in listener.incoming() {
                if stopped.load(SeqCst) {
                    break;
                }
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                handle(stream, &mut threads);
            }
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        Server { address, stop, accepting: Some(accepting) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().unwrap().join();
    }
}

fn hold(mut stream: TcpStream) {
    if stream.write_all(b"1").is_ok() {
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read(&mut [0; 1]);
    }
}

fn echo(stream: TcpStream) {
    alter(stream, |_| {});
}

/// Echoes what `change` makes of each read.
fn alter(mut stream: TcpStream, change: impl Fn(&mut Vec<u8>)) {
    let mut buffer = [0; 4096];
    while let Ok(bytes @ 1..) = stream.read(&mut buffer) {
        let mut answer = buffer[..bytes].to_vec();
        change(&mut answer);
        if stream.write_all(&answer).is_err() {
            break;
        }
    }
}

fn bytes(mut stream: TcpStream) {
    let mut buffer = [0; 64];
    let length = stream.read(&mut buffer).unwrap_or(0);
    if let Ok(number) = std::str::from_utf8(&buffer[..length]).unwrap().trim().parse() {
        let _ = stream.write_all(&vec![b'x'; number]);
    }
}

fn short_echo(address: SocketAddr) -> Plan {
    Plan {
        clients: 8,
        duration: Duration::from_millis(200),
        warm_up: Duration::from_millis(20),
        seed: 42,
        ..Plan::new(Scenario::Echo, address)
    }
}

fn simulate(plan: &Plan) -> Run {
    run(plan, &Unobserved, &AtomicBool::new(false)).unwrap()
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_sequential_server_serves_four_of_the_notes_five() {
    let server = Server::sequential(hold);
    let run = simulate(&Plan { time_scale: 0.05, ..Plan::new(Scenario::Patience, server.address) });
    assert_eq!((run.served, run.gave_up, run.refused), (4, 1, 0));
    assert_eq!(
        run.timelines
            .iter()
            .filter(|timeline| timeline.outcome == ClientOutcome::GaveUp && timeline.served_ns.is_none())
            .count(),
        1
    );
    for timeline in &run.timelines {
        assert!(timeline.connected_ns.unwrap() >= timeline.began_ns && timeline.port != 0);
        assert!(timeline.served_ns.unwrap_or(timeline.ended_ns) <= timeline.ended_ns);
    }
    let names: Vec<_> = run.timelines.iter().map(ClientTimeline::name).collect();
    assert_eq!(names, ["client-1", "client-2", "client-3", "client-4", "client-5"]);
}

#[test]
fn a_threaded_server_serves_all_five_of_the_long_stay() {
    let server = Server::threaded(hold);
    let run = simulate(&Plan { time_scale: 0.02, ..Plan::new(Scenario::Stay, server.address) });
    assert_eq!((run.served, run.gave_up, run.refused, run.requests), (5, 0, 0, 5));
    assert_eq!(run.wait.len(), 5);
}

#[test]
fn two_of_five_heavy_requests_are_answered_in_sequence() {
    let server = Server::sequential(|mut stream| {
        let mut request = [0; 36];
        if stream.read_exact(&mut request).is_ok() {
            thread::sleep(Duration::from_millis(400));
            let _ = stream.write_all(&request);
        }
    });
    // They wait for a second: the second answer comes 200 ms before its end, the third would come 200 ms after it.
    let run = simulate(&Plan { time_scale: 0.1, ..Plan::new(Scenario::Heavy, server.address) });
    assert_eq!((run.served, run.gave_up, run.refused), (2, 3, 0));
    assert_eq!(run.latency.len(), 2);
}

#[test]
fn a_wrong_answer_is_wrong_and_an_early_end_is_a_refusal() {
    let server = Server::threaded(|stream| alter(stream, |bytes| bytes[20] ^= 1));
    let run = simulate(&Plan { time_scale: 0.05, ..Plan::new(Scenario::Heavy, server.address) });
    assert_eq!((run.served, run.refused, run.wrong), (0, 5, 5));

    let server = Server::threaded(|stream| drop(stream.shutdown(Shutdown::Both)));
    let run = simulate(&Plan { time_scale: 0.05, ..Plan::new(Scenario::Patience, server.address) });
    assert_eq!((run.served, run.refused, run.wrong), (0, 5, 0));
    assert!(run.first_error.is_some());
}

#[test]
fn a_server_that_is_not_there_refuses_everyone_in_every_scenario() {
    for scenario in Scenario::ALL {
        for threads in [1, 3] {
            let run =
                simulate(&Plan { clients: 5, connections: 3, threads, ..Plan::new(scenario, nobody()) });
            assert_eq!((run.clients, run.refused, run.connected), (5, 5, 0), "{scenario}");
            assert!(run.first_error.unwrap().contains("refused"));
        }
    }
}

#[test]
fn every_message_of_the_closed_loop_comes_back() {
    let server = Server::threaded(echo);
    for (window, bytes, threads) in [(1, 128, 1), (16, 16, 1), (5, 100_000, 2)] {
        let run = simulate(&Plan { window, bytes, threads, ..short_echo(server.address) });
        assert_eq!((run.served, run.refused, run.wrong, run.unanswered), (8, 0, 0, 0), "window {window}");
        assert!(run.requests > 0 && !run.latency.is_empty());
        assert_eq!(run.elapsed, Duration::from_millis(200));
    }
}

#[test]
fn the_open_loop_sends_what_its_seed_decides() {
    let server = Server::threaded(echo);
    let plan = Plan { rate: Some(2000.0), ..short_echo(server.address) };
    let (from, to) = (plan.warm_up.as_nanos() as u64, (plan.warm_up + plan.duration).as_nanos() as u64);
    let meant = Arrivals::new(plan.seed, 0, 2000.0, 8)
        .take_while(|arrival| arrival.at_ns < to)
        .filter(|arrival| arrival.at_ns >= from)
        .count();
    for _ in 0..2 {
        let run = simulate(&plan);
        assert_eq!((run.served, run.wrong, run.unanswered), (8, 0, 0));
        assert_eq!(run.latency.len(), meant as u64);
    }
}

#[test]
fn what_a_server_that_dies_was_never_sent_counts_and_the_rate_is_over_the_asked_time() {
    for (threads, answers) in [(1, 20), (2, 20), (2, 0)] {
        // Each connection ends after so many answers.
        let server = Server::threaded(move |mut stream| {
            let mut message = [0; 128];
            for _ in 0..answers {
                if stream.read_exact(&mut message).and_then(|()| stream.write_all(&message)).is_err() {
                    return;
                }
            }
        });
        let plan = Plan { threads, warm_up: Duration::ZERO, ..short_echo(server.address) };
        let run = simulate(&Plan { rate: Some(2000.0), ..plan.clone() });
        let due: usize = (0..threads as u64)
            .map(|index| Arrivals::new(plan.seed, index, 2000.0 / threads as f64, 8 / threads))
            .map(|due| due.take_while(|arrival| arrival.at_ns < plan.duration.as_nanos() as u64).count())
            .sum();
        // On a busy machine answers come after the end of the measured time: they are requests no more.
        let accounted = run.requests + run.unanswered + run.never_sent;
        let late = (due as u64).checked_sub(accounted).expect("nothing is counted twice");
        let most = 8 * answers;
        assert!(run.refused == 8 && late <= most, "{threads} threads: {due} due, {accounted} accounted for");
        assert!(run.never_sent >= due as u64 - 8 * 30, "{threads} threads: {}", run.never_sent);
        let rate = run.requests as f64 / plan.duration.as_secs_f64();
        assert_eq!((run.elapsed, run.throughput_per_s()), (plan.duration, rate), "{threads} threads");
        let closed = simulate(&plan);
        assert_eq!((closed.elapsed, closed.never_sent), (plan.duration, 0), "{threads} threads");
    }
}

#[test]
fn what_a_stalled_server_did_not_take_was_never_sent() {
    let server = Server::threaded(|mut stream| {
        let _ = stream.read(&mut [0; 1000]);
        thread::sleep(Duration::from_millis(700));
    });
    let plan = Plan { clients: 1, bytes: 1_000_000, time_scale: 0.02, ..short_echo(server.address) };
    let run = simulate(&Plan { rate: Some(500.0), warm_up: Duration::ZERO, ..plan });
    assert!(run.never_sent > 10 && run.unanswered > 0, "{} and {}", run.never_sent, run.unanswered);
}

#[test]
fn swapped_lost_and_doubled_bytes_are_noticed() {
    let broken: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.swap(0, 9),
        |bytes| bytes.truncate(bytes.len() - 16),
        |bytes| bytes.extend_from_within(..16),
        |bytes| bytes.rotate_left(16),
    ];
    for change in broken {
        let server = Server::threaded(move |stream| alter(stream, change));
        let run = simulate(&Plan { bytes: 16, window: 4, ..short_echo(server.address) });
        assert_eq!((run.served, run.refused, run.wrong), (0, 8, 8));
    }
}

#[test]
fn an_answer_for_somebody_else_is_noticed() {
    let last: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    let server = Server::threaded(move |stream| {
        alter(stream, |bytes| {
            let mine = bytes.clone();
            if let Some(theirs) = last.lock().unwrap().replace(mine) {
                *bytes = theirs;
            }
        });
    });
    assert!(simulate(&short_echo(server.address)).wrong >= 7);
}

#[test]
fn clients_of_a_server_that_never_answers_give_up() {
    let server = Server::threaded(|mut stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let run = simulate(&Plan { time_scale: 0.02, ..short_echo(server.address) });
    assert_eq!((run.served, run.gave_up, run.requests, run.unanswered), (0, 8, 0, 8));
}

#[test]
fn a_stall_is_seen_by_the_open_loop_and_hidden_by_the_closed_one() {
    // 100 ms of silence in every 400 ms.
    let began = Instant::now();
    let server = Server::threaded(move |stream| {
        alter(stream, |_| {
            let phase_ms = began.elapsed().as_millis() as u64 % 400;
            if phase_ms < 100 {
                thread::sleep(Duration::from_millis(100 - phase_ms));
            }
        });
    });
    let plan = Plan { clients: 1, duration: Duration::from_millis(1200), ..short_echo(server.address) };
    let slow = |run: &Run| run.latency.count_between(30_000_000, u64::MAX) as f64 / run.latency.len() as f64;

    let closed = simulate(&plan);
    let open = simulate(&Plan { rate: Some(1000.0), ..plan });
    assert!(slow(&open) > 0.05, "the open loop saw {:.4}", slow(&open));
    assert!(slow(&closed) < 0.02, "the closed loop saw {:.4}", slow(&closed));
    assert!(open.latency.value_at_quantile(0.99) > 30_000_000);
    assert!(closed.latency.max() > 30_000_000, "the worst is shown all the same");
}

#[test]
fn a_fixed_exchange_measures_another_protocol() {
    let server = Server::threaded(|stream| {
        alter(stream, |bytes| {
            *bytes = b"+PONG\r\n".repeat(bytes.iter().filter(|byte| **byte == b'\n').count());
        });
    });
    let ping = |answer: &[u8]| Exchange::exactly(b"PING\r\n".to_vec(), answer.to_vec());
    let run = simulate(&Plan { exchange: ping(b"+PONG\r\n"), ..short_echo(server.address) });
    assert_eq!((run.served, run.wrong), (8, 0));
    let run = simulate(&Plan { exchange: ping(b"+POND\r\n"), ..short_echo(server.address) });
    assert_eq!((run.served, run.wrong), (0, 8));

    // The same with a connection per request.
    let calls = Plan { connections: 3, ..Plan::new(Scenario::Connect, server.address) };
    let run = simulate(&Plan { exchange: ping(b"+PONG\r\n"), ..calls.clone() });
    assert_eq!((run.served, run.requests, run.wrong), (5, 15, 0));
    let run = simulate(&Plan { exchange: ping(b"+POND\r\n"), ..calls });
    assert_eq!((run.served, run.requests, run.wrong, run.broken), (0, 0, 15, 15));
}

#[test]
fn children_open_one_connection_after_another() {
    let server = Server::threaded(bytes);
    let plan = Plan { connections: 20, bytes: 100_000, ..Plan::new(Scenario::Connect, server.address) };
    let run = simulate(&plan);
    assert_eq!((run.served, run.requests, run.broken, run.latency.len()), (5, 100, 0, 100));

    // Enough of them that source addresses are taken in turn.
    let run = simulate(&Plan { clients: 2, connections: 10_001, bytes: 1, ..plan.clone() });
    assert_eq!((run.served, run.requests), (2, 20_002));

    let server = Server::threaded(|mut stream| {
        let _ = stream.read(&mut [0; 64]);
        let _ = stream.write_all(b"too much");
    });
    let run = simulate(&Plan { connections: 2, bytes: 3, ..Plan::new(Scenario::Connect, server.address) });
    assert_eq!((run.served, run.refused, run.wrong, run.broken), (0, 5, 10, 10));
}

#[test]
fn a_crowd_is_served_and_stays() {
    let server = Server::threaded(echo);
    let run = simulate(&Plan {
        clients: 200,
        threads: 2,
        time_scale: 0.05,
        // 10 s: the listener's backlog is shorter than the crowd, and who finds it full comes again after a second.
        timeout: Duration::from_secs(200),
        ..Plan::new(Scenario::Crowd, server.address)
    });
    assert_eq!((run.served, run.connected, run.wrong), (200, 200, 0));
    assert!(run.timelines.windows(2).all(|pair| pair[0].client + 1 == pair[1].client));
    assert!(
        run.timelines.iter().all(|timeline| timeline.ended_ns - timeline.served_ns.unwrap() >= 250_000_000)
    );
}

#[test]
fn faulty_clients_do_their_deeds_and_go_when_the_others_have_gone() {
    let server = Server::threaded(echo);
    let faulty = "slow-reader=1,never-reader=1,half-open=1,rst=2,garbage=1".parse().unwrap();
    let run = simulate(&Plan { faulty, ..short_echo(server.address) });
    assert_eq!((run.clients, run.served, run.wrong), (8, 8, 0));
    assert!(run.faulty.resets >= 4 && run.faulty.connections > 6, "{:?}", run.faulty);
    assert!(run.faulty.bytes_sent > run.faulty.bytes_received && run.faulty.bytes_received > 0);
}

#[test]
fn an_interruption_returns_what_was_found() {
    struct Interrupter(AtomicBool, AtomicUsize);
    impl Observer for Interrupter {
        fn happened(&self, _client: usize, event: &Event<'_>) {
            if matches!(event, Event::Served) && self.1.fetch_add(1, SeqCst) == 2 {
                self.0.store(true, SeqCst);
            }
        }
    }
    let server = Server::threaded(hold);
    let watch = Interrupter(AtomicBool::new(false), AtomicUsize::new(0));
    let run = run(&Plan::new(Scenario::Patience, server.address), &watch, &watch.0).unwrap();
    assert!(run.interrupted);
    assert_eq!((run.served, run.unfinished, run.clients), (0, 5, 5));
    assert!(run.requests >= 3);
}

#[test]
fn a_watcher_hears_the_life_of_every_client_in_its_order() {
    #[derive(Default)]
    struct Log(Mutex<Vec<(usize, &'static str)>>, AtomicU64);
    impl Observer for Log {
        fn progress(&self, done: u64, total: u64) {
            assert!(done <= total);
            self.1.fetch_add(1, SeqCst);
        }
        fn happened(&self, client: usize, event: &Event<'_>) {
            let word = match event {
                Event::Connecting => "connecting",
                Event::Connected => "connected",
                Event::Served => "served",
                Event::Finished => "finished",
                Event::TimedOut => "timed out",
                Event::Refused(_) => "refused",
                Event::WrongBytes => "wrong",
                Event::Disconnected => "disconnected",
            };
            self.0.lock().unwrap().push((client, word));
        }
    }
    let server = Server::threaded(hold);
    let log = Log::default();
    let plan = Plan { time_scale: 0.04, ..Plan::new(Scenario::Patience, server.address) };
    run(&plan, &log, &AtomicBool::new(false)).unwrap();
    let heard = log.0.into_inner().unwrap();
    for client in 1..=5 {
        let life: Vec<_> = heard.iter().filter(|(who, _)| *who == client).map(|(_, what)| *what).collect();
        assert_eq!(life, ["connecting", "connected", "served", "finished", "disconnected"]);
    }
    assert!(log.1.into_inner() > 0, "200 ms are two looks at the progress");
}

#[test]
fn an_impossible_plan_is_an_error_and_no_run() {
    let plan = Plan { clients: 0, ..short_echo(nobody()) };
    assert!(matches!(run(&plan, &Unobserved, &AtomicBool::new(false)), Err(SimError::Plan(_))));
    let plan = Plan { clients: 4_000_000_000, ..short_echo(nobody()) };
    assert!(matches!(run(&plan, &Unobserved, &AtomicBool::new(false)), Err(SimError::TooFewFiles { .. })));
}
