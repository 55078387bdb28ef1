//! What a server needs for connections that do nothing, and for messages that wait; and how long it takes until they are there again
//! after it was killed.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use common::support::interrupt;

use super::class::Class;
use super::connect::{Connections, connect, new_name};
use super::contestant::{Contestant, Program};
use super::measure::Sample;
use super::peers::{nats, redis};
use super::process::tree_kib;
use super::server::Servers;
use crate::client::engine::{Engine, Pace, Plan};
use crate::client::session::Session;

/// Publications on their way while the backlog grows.
const WINDOW: u64 = 4000;
/// How long the backlog may take to grow, and to come back.
const PATIENCE: Duration = Duration::from_secs(300);

/// The memory of so many idle connections, each with a channel where there are channels, KiB for one.
pub fn idle(contestant: Contestant, count: u32, servers: &Servers) -> anyhow::Result<Sample> {
    let program = contestant.program().context("it has no connections")?;
    let server = servers.fresh(program, false)?;
    let id = server.id().context("the memory of a broker that is not ours is not known")?;
    let interrupted = interrupt::flag()?;
    // What every server needs for its first connection is not counted.
    let _first = connection(program, server.address)?;
    let before = tree_kib(id);
    let mut all = Vec::new();
    for _ in 0..count {
        if interrupted.load(Ordering::Relaxed) {
            break;
        }
        all.push(connection(program, server.address)?);
    }
    let after = tree_kib(id);
    Ok(Sample {
        value: after.saturating_sub(before) as f64 / f64::from(count),
        memory_mib: Some(after as f64 / 1024.0),
        ..Sample::default()
    })
}

/// A connection that is kept.
enum Idle {
    #[expect(dead_code, reason = "held, so that it stays open")]
    Amqp(Session),
    #[expect(dead_code, reason = "held, so that it stays open")]
    Other(std::net::TcpStream),
}

fn connection(program: Program, server: SocketAddr) -> anyhow::Result<Idle> {
    Ok(match program {
        Program::Nats => Idle::Other(nats::connect(server, None)?.0),
        Program::Redis => Idle::Other(redis::connect(server)?.0),
        _ => Idle::Amqp(Session::open(server)?),
    })
}

/// The memory of a server in which so many messages wait, MiB; and the time in which a new one has them again after kill -9.
pub fn backlog(contestant: Contestant, messages: u64, servers: &Servers) -> anyhow::Result<Sample> {
    let program = contestant.program().context("it has no messages")?;
    let server = servers.fresh(program, true)?;
    let id = server.id().context("the memory of a broker that is not ours is not known")?;
    let (name, interrupted) = (new_name(), interrupt::flag()?);
    let Connections { publisher, consumers, confirms } =
        connect(contestant, program, Class::Backlog, server.address, &name)?;
    let pace = Pace::Window(WINDOW);
    let plan = Plan { pace, warm_up: Duration::ZERO, time: PATIENCE, most: messages, confirms };
    let run = Engine::new(publisher, consumers, plan, interrupted)?.run(|| {}, || {})?;
    let is_interrupted = || interrupted.load(Ordering::Relaxed);
    ensure!(
        run.published == messages || is_interrupted(),
        "only {} messages within {PATIENCE:?}",
        run.published
    );
    let memory_mib = tree_kib(id) as f64 / 1024.0;
    let directory = server.kill();
    let began = Instant::now();
    let server = servers.start(program, true, directory).context("it does not start again")?;
    let recovered_s = loop {
        let found = length(program, server.address, &name);
        match found {
            Ok(found) if found == run.confirmed => break began.elapsed().as_secs_f64(),
            _ if is_interrupted() => break began.elapsed().as_secs_f64(),
            found if began.elapsed() > PATIENCE => {
                let found = found?;
                bail!("{} messages were confirmed, and {found} are there again", run.confirmed)
            }
            _ => sleep(Duration::from_millis(20)), // no server tells when it has read its log
        }
    };
    Ok(Sample {
        value: memory_mib,
        published: run.published,
        confirmed: run.confirmed,
        per_s: Some(run.measured as f64 / run.seconds),
        memory_mib: Some(memory_mib),
        recovered_s: Some(recovered_s),
        ..Sample::default()
    })
}

fn length(program: Program, server: SocketAddr, name: &str) -> anyhow::Result<u64> {
    match program {
        Program::Redis => redis::length(server, name),
        _ => Ok(u64::from(Session::open(server)?.length(name)?)),
    }
}
