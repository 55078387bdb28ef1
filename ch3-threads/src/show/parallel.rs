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

use work::{Stretch, Task};

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

/// One of the three ways, and what was seen of it.
struct Way {
    name: &'static str,
    how: String,
    /// A task each, from 1.
    tasks: Vec<Task>,
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
    if processors.len() == 1 {
        writeln!(out, "parallel: cannot be shown, this program may use one processor only")?;
    }
    let share = foreign.share();
    if share > 0.05 {
        writeln!(
            out,
            "Other programs used {:.0} % of the machine meanwhile: gaps in all lanes are theirs.",
            share * 100.0
        )?;
    }
    if let Some(path) = &args.report {
        fs::write(path, picture::page(&ways, processors.len()))
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

impl Way {
    /// When the first task began, nanoseconds of the common clock.
    fn began_ns(&self) -> u64 {
        self.stretches().map(|stretch| stretch.from_ns).min().unwrap_or(0)
    }

    /// From the first task's beginning to the last one's end.
    fn took_ns(&self) -> u64 {
        self.stretches().map(|stretch| stretch.to_ns).max().unwrap_or(0) - self.began_ns()
    }

    fn stretches(&self) -> impl Iterator<Item = Stretch> + '_ {
        self.tasks.iter().flat_map(|task| task.ran.iter().copied())
    }

    /// How often another task went on than the one that had run before.
    fn switches(&self) -> usize {
        let mut order: Vec<(u64, usize)> = Vec::new();
        for (number, task) in self.tasks.iter().enumerate() {
            order.extend(task.ran.iter().map(|stretch| (stretch.from_ns, number)));
        }
        order.sort_unstable();
        order.windows(2).filter(|pair| pair[0].1 != pair[1].1).count()
    }

    /// How long two tasks or more ran at the same moment, nanoseconds.
    fn together_ns(&self) -> u64 {
        let mut changes: Vec<(u64, i32)> =
            self.stretches().flat_map(|ran| [(ran.from_ns, 1), (ran.to_ns, -1)]).collect();
        changes.sort_unstable();
        let (mut running, mut since, mut together) = (0, 0, 0);
        for (at_ns, change) in changes {
            if running > 1 {
                together += at_ns - since;
            }
            (running, since) = (running + change, at_ns);
        }
        together
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(tasks: &[&[(u64, u64)]]) -> Way {
        let stretch = |&(from_ns, to_ns): &(u64, u64)| Stretch { from_ns, to_ns };
        let task = |ran: &&[(u64, u64)]| Task { ran: ran.iter().map(stretch).collect(), answer: 0 };
        Way { name: "", how: String::new(), tasks: tasks.iter().map(task).collect() }
    }

    #[test]
    fn switches_and_what_ran_together_are_counted() {
        let sequential = way(&[&[(10, 20)], &[(20, 30)], &[(30, 40)]]);
        assert_eq!((sequential.switches(), sequential.together_ns(), sequential.took_ns()), (2, 0, 30));
        let interleaved = way(&[&[(0, 5), (10, 15)], &[(5, 10), (15, 20)]]);
        assert_eq!((interleaved.switches(), interleaved.together_ns()), (3, 0));
        let parallel = way(&[&[(0, 10)], &[(2, 8)], &[(4, 12)]]);
        assert_eq!((parallel.together_ns(), parallel.took_ns()), (8, 12));
    }
}
