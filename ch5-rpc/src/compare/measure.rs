//! One measurement: a server that has just started, clients that warm up and then call as fast as they can, and the question whether
//! everything that was answered has happened.
//!
//! ```text
//!   1 in flight                 one client, in this thread
//!   64, multiplexed             one connection, 64 loops in one thread
//!   64, one call at a time      64 threads, each with a connection (or a connection a call)
//!   prepared                    64 connections of the load generator, in this thread
//! ```

use std::sync::Barrier;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use common::bench::machine::Pins;
use common::support::interrupt;
use futures_util::future::try_join_all;
use serde::Serialize;

use super::client::Client;
use super::contestant::{Contestant, Wanted};
use super::generator;
use super::load::{Asked, Load};
use super::parts::Parts;
use super::relay::Recorded;
use super::run::{Run, Setting, Used, runtime};
use super::tally::Tally;

/// What one measurement found. Times are of one operation.
#[derive(Debug, Clone, Serialize)]
pub struct Sample {
    /// Operations that were answered, without those of the warm-up.
    pub answered: u64,
    /// Messages on the board at the end: one for each publish that was answered, warm-up included.
    pub on_board: u64,
    /// Operations a second.
    pub per_s: f64,
    /// Half of them took no longer than this, µs.
    pub p50_us: f64,
    /// Nine of ten, µs.
    pub p90_us: f64,
    /// 99 of 100, µs.
    pub p99_us: f64,
    /// The longest, µs.
    pub max_us: f64,
    /// Processor time of the server for one operation, µs.
    pub server_us: f64,
    /// Processor time of this program for one operation, µs.
    pub client_us: f64,
    /// Operations that were meant to begin in the measured time, and for which nobody was free before its end. Their waiting is in the
    /// times above.
    pub waiting: u64,
    /// Context switches of server and client for one operation, where they were counted.
    pub switches: [f64; 2],
    /// Where the time goes, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parts: Option<Parts>,
}

/// Measures.
pub fn measure(
    contestant: Contestant,
    Asked { load, rate }: Asked,
    time: Duration,
    wanted: &Wanted,
    pins: Pins,
) -> anyhow::Result<Sample> {
    pins.go_to_servers()?;
    let server = contestant.start(wanted);
    pins.go_to_generator()?;
    let server = server?;
    let text = load.text();
    let setting = Setting {
        contestant,
        load,
        text: &text,
        server: server.address,
        id: server.id(),
        warm_up: time / 5,
        time: if load == Load::Where { time / 2 } else { time },
        interrupted: interrupt::flag()?,
    };
    let run = match load.in_flight() {
        _ if load.is_prepared() => {
            let recorded = Recorded::of(contestant, setting.server)?;
            generator::run(&setting, &recorded, rate.map(f64::from), wanted.seed)
        }
        1 => alone(&setting),
        many if contestant.is_multiplexed() => multiplexed(&setting, many),
        many => side_by_side(&setting, many),
    }?;
    let answered = run.tally.count();
    // In an open loop those that have waited in vain are a result, too.
    let is_known = answered > 0 || run.waiting.count() > 0;
    ensure!(is_known || setting.interrupted.load(Ordering::SeqCst), "no operation was answered");
    let published = (run.warm + answered) * load.publishes() + load.before();
    let on_board = if contestant == Contestant::HttpEcho { published } else { setting.on_board()? };
    ensure!(on_board == published, "{published} publishes were answered, and {on_board} are on the board");
    drop(server);
    let parts = (load == Load::Where).then(|| Parts::measure(contestant, time / 4, pins)).transpose()?;
    let each = |value: f64| value / answered.max(1) as f64;
    let [server_us, client_us] = run.used.ms.map(|ms| each(ms * 1e3));
    let us = |nanos: u64| nanos as f64 / 1e3;
    let mut times = run.tally;
    times.join(&run.waiting);
    let at = |part: f64| us(times.0.value_at_quantile(part));
    Ok(Sample {
        answered,
        on_board,
        per_s: run.per_s.unwrap_or(answered as f64 / run.seconds),
        p50_us: at(0.5),
        p90_us: at(0.9),
        p99_us: at(0.99),
        max_us: us(times.0.max()),
        server_us,
        client_us,
        waiting: run.waiting.count(),
        switches: run.used.switches.map(each),
        parts,
    })
}

/// A client in this thread.
fn alone(setting: &Setting<'_>) -> anyhow::Result<Run> {
    runtime()?.block_on(async {
        let client = setting.client().await?;
        setting.timed(async |until| setting.calls(&client, until).await).await
    })
}

/// Many loops in this thread share a connection.
fn multiplexed(setting: &Setting<'_>, many: usize) -> anyhow::Result<Run> {
    runtime()?.block_on(async {
        let client = setting.client().await?;
        let at_once = async |until: Instant| {
            // The baseline has no ids: its one loop sends ahead.
            if let Client::Framed(framed) = &client {
                return framed.publish_many(setting.text, many, until, setting.interrupted).await;
            }
            let mut tally = Tally::default();
            for one in try_join_all((0..many).map(|_| setting.calls(&client, until))).await? {
                tally.join(&one);
            }
            Ok(tally)
        };
        setting.timed(at_once).await
    })
}

/// Many threads, each with a client. They begin and end together, also where one has failed: nobody waits for it. The processor time is
/// read while all connections are open, for a server may have a thread for each.
fn side_by_side(setting: &Setting<'_>, many: usize) -> anyhow::Result<Run> {
    let all = Barrier::new(many + 1);
    let one = || -> anyhow::Result<(u64, Tally)> {
        let prepared = runtime().and_then(|runtime| {
            let (client, warm) = runtime.block_on(async {
                let client = setting.client().await?;
                let warm = setting.calls(&client, Instant::now() + setting.warm_up).await?;
                anyhow::Ok((client, warm))
            })?;
            Ok((runtime, client, warm))
        });
        all.wait(); // begin
        let until = Instant::now() + setting.time;
        let called = prepared.map(|(runtime, client, warm)| {
            let tally = runtime.block_on(setting.calls(&client, until));
            (runtime, client, warm, tally)
        });
        all.wait(); // the end
        all.wait(); // the processor time has been read
        let (_runtime, _client, warm, tally) = called?;
        Ok((warm.count(), tally?))
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..many).map(|_| scope.spawn(one)).collect();
        all.wait();
        let (began, used) = (Instant::now(), Used::now(setting.id));
        all.wait();
        let (seconds, used) = (began.elapsed().as_secs_f64(), used.since(setting.id));
        all.wait();
        let mut run = Run { seconds, used, ..Run::default() };
        for thread in threads {
            let (warm, tally) = thread.join().expect("a client does not panic")?;
            run.warm += warm;
            run.tally.join(&tally);
        }
        Ok(run)
    })
}

impl Setting<'_> {
    /// A client, and on the board what it wants to read.
    async fn client(&self) -> anyhow::Result<Client> {
        let client = Client::connect(self.contestant, self.server).await?;
        for _ in 0..self.load.before() {
            client.publish(self.text).await?;
        }
        Ok(client)
    }

    /// Warms up, and measures.
    async fn timed(&self, calls: impl AsyncFn(Instant) -> anyhow::Result<Tally>) -> anyhow::Result<Run> {
        let warm = calls(Instant::now() + self.warm_up).await?.count();
        let (began, used) = (Instant::now(), Used::now(self.id));
        let tally = calls(began + self.time).await?;
        let (seconds, used) = (began.elapsed().as_secs_f64(), used.since(self.id));
        Ok(Run { tally, warm, seconds, used, ..Run::default() })
    }

    /// One operation after the other until then, and at least one.
    async fn calls(&self, client: &Client, until: Instant) -> anyhow::Result<Tally> {
        let mut tally = Tally::default();
        loop {
            let sent = Instant::now();
            client.run(self.load, self.text).await.context(self.load.about())?;
            let now = Instant::now();
            tally.add(now - sent);
            if now >= until || self.interrupted.load(Ordering::Relaxed) {
                return Ok(tally);
            }
        }
    }

    /// How many messages there are: ids count from 0.
    fn on_board(&self) -> anyhow::Result<u64> {
        let last = runtime()?
            .block_on(async { Client::connect(self.contestant, self.server).await?.last(1).await })?;
        Ok(last.last().map_or(0, |id| id + 1))
    }
}
