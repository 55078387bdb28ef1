//! Three ways to do three tasks: one after another, in turns on one processor, at the same time on several.
//!
//! Lecture notes, chapter 3, "Multitasking" and figure 3.1. Here the figure is measured, not drawn:
//!
//! ```text
//!  sequential    task 1 ████████████········································   one thread
//!                task 2 ············████████████····························
//!                task 3 ························████████████················
//!  interleaved   task 1 ██··██··██··██··██··██······························   three threads, one processor
//!                task 2 ··██··██··██··██··██··██····························   (the notes' picture of "multitasking")
//!  parallel      task 1 ████████████········································   three threads, several processors
//!                task 2 ████████████········································
//! ```
//!
//! The tasks only compute, so that nothing is gained by waiting at the same time. Each cuts its work into slices of some
//! microseconds and notes when each slice began and ended (`parallel/work.rs`): so it is known when a task really ran, and when
//! the kernel had given the processor to another.

mod picture;
mod way;
mod work;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::RwLock;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use common::bench::machine::{self, Foreign};
use common::support::cli::{duration_within, stdout, writable};

use way::Way;
use work::Task;

/// Sequential, interleaved, parallel: figure 3.1, measured
///
/// The same tasks three times: in one thread, in a thread each on one processor, in a thread each on all processors. A lane
/// shows when a task really ran. Look at the lanes and at the time: which of the three is faster?
///
/// The question: the interleaved tasks all make progress from the beginning. Why are they not done earlier?
#[derive(Args, Debug, Clone)]
#[command(after_help = "Examples:
  cargo ch3 show parallel
  cargo ch3 show parallel --tasks 2 --work 50ms --report target/parallel.html
  taskset -c 0 cargo ch3 show parallel        a machine with one processor")]
pub struct ParallelArgs {
    /// How many tasks there are
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=8))]
    tasks: u16,
    /// How long a task takes alone, about
    #[arg(long, value_name = "TIME", default_value = "60ms",
          value_parser = duration_within(Duration::from_millis(10)..=Duration::from_secs(10)))]
    work: Duration,
    /// Write the picture as an HTML page, too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs the demonstration.
pub fn run(args: &ParallelArgs) -> anyhow::Result<()> {
    writable(&args.report)?;
    let mut out = stdout();
    let processors = machine::allowed().context("cannot ask for the processors")?;
    let slices = work::slices_of(args.work);
    let tasks = usize::from(args.tasks);
    let foreign = Foreign::watch();

    let first = processors.first().copied().context("a program has a processor")?;
    let mut ways = vec![sequential(tasks, slices), interleaved(tasks, slices, first)?];
    if processors.len() > 1 {
        ways.push(parallel(tasks, slices, &processors)?);
    }
    let all: Vec<u64> = ways.iter().flat_map(|way| way.tasks.iter().map(|task| task.answer)).collect();
    anyhow::ensure!(all.windows(2).all(|pair| pair[0] == pair[1]), "the same task had two answers: {all:?}");

    write!(out, "{}", picture::text(&ways))?;
    let mut remarks = Vec::new();
    if processors.len() == 1 {
        remarks.push("parallel: cannot be shown, this program may use one processor only".to_owned());
    }
    let percent = foreign.share() * 100.0;
    if percent > 5.0 {
        remarks.push(format!(
            "Other programs used {percent:.0} % of the machine meanwhile: gaps in all lanes are theirs."
        ));
    }
    remarks.iter().try_for_each(|remark| writeln!(out, "{remark}"))?;
    if let Some(path) = &args.report {
        fs::write(path, picture::page(&ways, &remarks))
            .with_context(|| format!("cannot write {}", path.display()))?;
        writeln!(out, "The picture: {}", path.display())?;
    }
    Ok(())
}

/// One worker does the tasks one after another.
fn sequential(tasks: usize, slices: u32) -> Way {
    let tasks = (0..tasks).map(|_| work::run(slices)).collect();
    Way { name: "sequential", how: "one thread, one task after another".into(), tasks }
}

/// A worker for each task, and one processor for all: the kernel lets them take turns.
fn interleaved(tasks: usize, slices: u32, processor: usize) -> anyhow::Result<Way> {
    let tasks = at_once(tasks, slices, &[processor])?;
    Ok(Way { name: "interleaved", how: "a thread for each task, all on one processor".into(), tasks })
}

/// A worker for each task, dealt out over all processors.
fn parallel(tasks: usize, slices: u32, processors: &[usize]) -> anyhow::Result<Way> {
    let tasks = at_once(tasks, slices, processors)?;
    let how = format!("a thread for each task, dealt out over {} processors", processors.len());
    Ok(Way { name: "parallel", how, tasks })
}

fn at_once(tasks: usize, slices: u32, processors: &[usize]) -> anyhow::Result<Vec<Task>> {
    // Nobody begins before all are there: a thread that is made late would make the picture look sequential.
    let gate = RwLock::new(());
    let closed = gate.write();
    thread::scope(|scope| {
        let workers = processors.iter().cycle().zip(1..=tasks).map(|(&processor, number)| {
            let gate = &gate;
            thread::Builder::new().name(format!("task-{number}")).spawn_scoped(scope, move || {
                machine::go_to(processor)?;
                drop(gate.read());
                Ok(work::run(slices))
            })
        });
        let workers: io::Result<Vec<_>> = workers.collect();
        drop(closed); // in any case, or those that wait would never end
        let workers = workers.context("cannot make a thread for each task")?;
        let tasks = workers.into_iter().map(|worker| worker.join().expect("a task only computes"));
        tasks.collect::<nix::Result<_>>().context("cannot stay on one processor")
    })
}
