//! The machine: who runs on which processor, and what other programs take of it.

use std::fs;
use std::time::Instant;

use anyhow::Context;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;

use crate::support::count::count;

/// The processors of servers and of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pins(Option<(usize, usize)>);

impl Pins {
    /// Everybody runs where the system likes.
    pub fn none() -> Pins {
        Pins(None)
    }

    /// Servers have one processor and clients another: neither takes the other's time, and every round trip
    /// crosses from one to the other.
    ///
    /// # Errors
    /// There are not two.
    pub fn apart() -> anyhow::Result<Pins> {
        let allowed = allowed()?;
        let pins = allowed.first().zip(allowed.get(1));
        let (&server, &clients) = pins.context("pinning needs two processors: try --unpinned")?;
        Ok(Pins(Some((server, clients))))
    }

    /// Servers and clients share one processor: steadier, and faster where only one of them works at a time.
    ///
    /// # Errors
    /// What sched_getaffinity(2) says.
    pub fn together() -> anyhow::Result<Pins> {
        Ok(Pins(allowed()?.first().map(|&cpu| (cpu, cpu))))
    }

    /// What this thread starts from now on is a server, and inherits its place.
    ///
    /// # Errors
    /// What sched_setaffinity(2) says.
    pub fn go_to_servers(self) -> nix::Result<()> {
        self.0.map_or(Ok(()), |(server, _)| go_to(server))
    }

    /// This thread, and what it starts from now on, are the clients.
    ///
    /// # Errors
    /// What sched_setaffinity(2) says.
    pub fn go_to_generator(self) -> nix::Result<()> {
        self.0.map_or(Ok(()), |(_, clients)| go_to(clients))
    }

    /// The experiment in words.
    pub fn describe(self) -> String {
        match self.0 {
            Some((server, clients)) if server == clients => {
                format!("pinned together: servers and clients on processor {server}")
            }
            Some((server, clients)) => {
                format!("pinned apart: servers on processor {server}, clients on processor {clients}")
            }
            None => "unpinned: servers and clients run where the system likes".into(),
        }
    }
}

/// The processors that this thread may run on.
///
/// # Errors
/// What sched_getaffinity(2) says.
pub fn allowed() -> nix::Result<Vec<usize>> {
    let allowed = sched_getaffinity(calling_thread())?;
    Ok((0..CpuSet::count()).filter(|&cpu| allowed.is_set(cpu) == Ok(true)).collect())
}

/// This thread, and what it starts from now on, runs on this processor only.
///
/// # Errors
/// What sched_setaffinity(2) says.
pub fn go_to(cpu: usize) -> nix::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(calling_thread(), &set)
}

fn calling_thread() -> Pid {
    Pid::from_raw(0)
}

/// Since when the machine is watched for others.
#[derive(Debug)]
pub struct Foreign {
    began: Instant,
    busy_ms: f64,
    own_ms: f64,
}

impl Foreign {
    /// Watches from now on.
    pub fn watch() -> Foreign {
        Foreign { began: Instant::now(), busy_ms: busy_ms(), own_ms: own_ms() }
    }

    /// The processor time that was neither ours nor that of what we have started, as a fraction of all the processors had.
    pub fn share(&self) -> f64 {
        let foreign_ms = (busy_ms() - self.busy_ms) - (own_ms() - self.own_ms);
        let all_ms = self.began.elapsed().as_secs_f64() * 1e3 * processors();
        (foreign_ms / all_ms).clamp(0.0, 1.0)
    }
}

/// The busy time of all processors since the system started (proc_stat(5): user, nice, system, irq, softirq, steal), in
/// milliseconds. The kernel counts in ticks, and USER_HZ is 100 on every Linux.
fn busy_ms() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    let ticks: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|&field| ticks.get(field)).sum::<u64>();
    busy as f64 * 10.0
}

fn processors() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let is_processor = |line: &&str| line.starts_with("cpu") && !line.starts_with("cpu ");
    stat.lines().filter(is_processor).count().max(1) as f64
}

/// Ours, that of children that were waited for, and that of those that run.
fn own_ms() -> f64 {
    let ended: f64 = [UsageWho::RUSAGE_SELF, UsageWho::RUSAGE_CHILDREN].into_iter().map(used_ms).sum();
    ended + tree(std::process::id()).into_iter().skip(1).map(process_ms).sum::<f64>()
}

/// The processor time of the calling thread, milliseconds.
pub fn thread_ms() -> f64 {
    used_ms(UsageWho::RUSAGE_THREAD)
}

fn used_ms(who: UsageWho) -> f64 {
    getrusage(who).map_or(0.0, |usage| {
        let (user, system) = (usage.user_time(), usage.system_time());
        (user.tv_sec() + system.tv_sec()) as f64 * 1e3 + (user.tv_usec() + system.tv_usec()) as f64 / 1e3
    })
}

/// What the threads of a running process have used so far (proc(5), `schedstat`: nanoseconds), milliseconds. The ticks of
/// `stat` are too coarse for a server that has only just started.
pub fn process_ms(pid: u32) -> f64 {
    sum_of_threads(pid, "schedstat", |text| text.split_whitespace().next()?.parse().ok()) / 1e6
}

/// How often the threads of a running process have left a processor so far (proc(5), `status`).
pub fn process_switches(pid: u32) -> f64 {
    sum_of_threads(pid, "status", |text| {
        let lines = text.lines().filter(|line| line.contains("voluntary_ctxt_switches"));
        lines.map(|line| line.split_whitespace().last()?.parse::<f64>().ok()).sum()
    })
}

/// Of a file that each thread has under `/proc`.
fn sum_of_threads(pid: u32, file: &str, read: impl Fn(&str) -> Option<f64>) -> f64 {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return 0.0 };
    let of_one = |thread: fs::DirEntry| read(&fs::read_to_string(thread.path().join(file)).ok()?);
    threads.flatten().filter_map(of_one).sum()
}

/// The same of a process and all that it has started, as far as they run.
pub fn tree_ms(pid: u32) -> f64 {
    tree(pid).into_iter().map(process_ms).sum()
}

/// A process and all that it has started, as far as they run (proc(5): `children`).
pub fn tree(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut next = 0;
    while let Some(&pid) = all.get(next) {
        next += 1;
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for task in tasks.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    all
}

/// Processor, their number, kernel.
pub fn describe() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let name = name.map_or("unknown processor", |(_, name)| name.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{name}, {}, Linux {}", count(processors(), "processor"), kernel.trim())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;
    use crate::support::child_server::ChildProcess;

    #[test]
    fn a_server_that_runs_on_is_no_stranger() {
        // A shell that has started another, which works.
        let mut command = Command::new("sh");
        command.args(["-c", "sh -c 'while :; do :; done' & wait"]).stdin(Stdio::null());
        let before = own_ms();
        let mut server = ChildProcess::spawn(&mut command).unwrap();
        let id = server.pid().as_raw().cast_unsigned();
        while tree_ms(id) < 30.0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(tree(id).len(), 2);
        assert!(own_ms() - before >= 30.0, "{} ms", own_ms() - before);
        server.kill();
    }
}
