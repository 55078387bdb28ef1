//! A server as its own process: spawned, spoken to, stopped, and looked after so that nothing of it is left.
//!
//! ```text
//!   support::child_server: spawned, LISTENING ──► … ──► SIGTERM
//!     ──► every process of the group ends (their common stderr reaches its end) ──► exit status 0, nobody left
//! ```
//!
//! All waiting is for an event (a line, the end of a stream) with a bound, never for a while.

use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;
use clap::ValueEnum;
use common::support::child_server::{ChildProcess, ChildServer};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// How long anything may take that is certain to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long a server may take to stop: its own bound for who stalls is a second, and the machine may be busy.
pub const STOP_BOUND: Duration = Duration::from_secs(6);

/// A server about to be started.
pub struct Launch {
    arguments: Vec<String>,
    /// What a shell does before it becomes the server.
    before: Option<String>,
}

impl Launch {
    /// This model and this service, on a free port.
    pub fn new(model: Model, service: ServiceKind) -> Launch {
        Launch::with(&["--model", &model.name(), "--service", &name(service)])
            .and(&["--delay", "1ms", "-p", "0"])
    }

    /// Exactly these arguments of `serve`.
    pub fn with(arguments: &[&str]) -> Launch {
        let launch = Launch { arguments: vec!["serve".into()], before: None };
        launch.and(arguments)
    }

    /// These arguments besides, each with its value; where one is given already, the later value counts.
    pub fn and(mut self, arguments: &[&str]) -> Launch {
        for pair in arguments.chunks(2) {
            if let Some(place) = self.arguments.iter().position(|argument| argument == pair[0]) {
                self.arguments.drain(place..place + pair.len());
            }
            self.arguments.extend(pair.iter().map(|&argument| argument.to_owned()));
        }
        self
    }

    /// This flag besides.
    pub fn flag(mut self, flag: &str) -> Launch {
        self.arguments.push(flag.to_owned());
        self
    }

    /// So many threads, processes or loops.
    pub fn workers(self, count: usize) -> Launch {
        self.and(&["--workers", &count.to_string()])
    }

    /// Each of its processes may have so many descriptors.
    pub fn descriptors(self, limit: u32) -> Launch {
        Launch { before: Some(format!("ulimit -n {limit}")), ..self }
    }

    /// Each of its processes may have so much address space.
    pub fn address_space(self, kib: u32) -> Launch {
        Launch { before: Some(format!("ulimit -v {kib}")), ..self }
    }

    /// Its parent ignores SIGCHLD, which a process inherits.
    pub fn ignoring_children(self) -> Launch {
        Launch { before: Some("trap '' CHLD".into()), ..self }
    }

    /// Starts it, and waits until it listens.
    pub fn start(self) -> Running {
        let server = ChildServer::start(&mut self.command()).unwrap_or_else(|error| panic!("{error:#}"));
        Running { address: server.address, process: server.process }
    }

    /// Starts one that is expected to give up at once; its status, its stdout and its stderr.
    pub fn fail(self) -> (ExitStatus, String, String) {
        let mut command = self.command();
        let mut process = ChildProcess::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))
            .expect("the server can be started");
        let ended = process.wait(PATIENCE);
        let [stdout, stderr] = [&process.stdout, &process.stderr].map(|text| text.wait_for_end(PATIENCE));
        let ended = ended.unwrap_or_else(|| panic!("it does not give up:\n{stderr:?}"));
        let status = ended.status.expect("it is our child");
        (status, stdout.expect("it has ended"), stderr.expect("it has ended"))
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_ch3-threads");
        let mut command = match &self.before {
            None => Command::new(program),
            Some(before) => {
                let mut shell = Command::new("bash"); // dash hands down no SIGCHLD that is ignored
                shell.args(["-c", &format!("{before}; exec \"$0\" \"$@\""), program]);
                shell
            }
        };
        command.args(&self.arguments).stderr(Stdio::piped());
        command
    }
}

/// The name of a service on the command line.
pub fn name(service: ServiceKind) -> String {
    service.to_possible_value().expect("no service is hidden").get_name().to_owned()
}

/// A server that listens. Dropped, it is stopped with all its processes.
pub struct Running {
    process: ChildProcess,
    /// Where it listens.
    pub address: SocketAddr,
}

/// What an ended server has said.
pub struct Ended {
    /// All but the first line.
    pub stdout: String,
    /// All of it.
    pub stderr: String,
}

impl Running {
    /// Stops it as an operator would, and checks that it ends as it should.
    pub fn stop(self) -> Ended {
        self.signal(Signal::SIGTERM);
        self.finish(STOP_BOUND)
    }

    /// Sends its first process a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal).expect("a server that is not waited for can be signalled");
    }

    /// Sends a signal to all its processes, as Ctrl-C in a terminal does.
    pub fn signal_group(&self, signal: Signal) {
        self.process.signal_group(signal).expect("the group has a process");
    }

    /// Waits until it says these words on stderr.
    pub fn says(&self, words: &str) {
        let said = self.process.stderr.wait(PATIENCE, |text| text.contains(words).then_some(()));
        said.unwrap_or_else(|so_far| panic!("it does not say {words:?}:\n{so_far}"));
    }

    /// What it has said on stderr by now.
    pub fn said(&self) -> String {
        self.process.stderr.wait_for_end(Duration::ZERO).unwrap_or_else(|so_far| so_far)
    }

    /// Waits for its end, and checks that it is a good one: status 0, no process left, no panic.
    pub fn finish(mut self, bound: Duration) -> Ended {
        let stderr = self.process.stderr.wait_for_end(bound).unwrap_or_else(|so_far| {
            panic!("it has not ended within {bound:?}; left: {:?}\n{so_far}", self.processes())
        });
        // Before it is waited for, which ends what is left; also of those who have ended, none has been forgotten.
        let left = processes(self.group()).into_iter().filter(|process| process.pid != self.group());
        let left: Vec<Process> = left.collect();
        let ended = self.process.wait(PATIENCE).expect("its stderr has ended with it");
        let stdout = self.process.stdout.wait_for_end(PATIENCE).expect("its stdout has ended with it");
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(!stderr.contains("error:"), "{stderr}");
        assert_eq!(ended.code(), Some(0), "{ended}: {stderr}");
        assert!(left.is_empty(), "left: {left:?}");
        let stdout = stdout.split_once('\n').map_or("", |(_, rest)| rest).to_owned();
        Ended { stdout, stderr }
    }

    /// Kills its first process only, and checks that the others end by themselves.
    pub fn kill_parent(self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.all_end().signal(), Some(Signal::SIGKILL as i32));
    }

    /// Sends its first process SIGINT again and again, and checks that the others end with it; its exit status.
    pub fn interrupt_until_it_ends(self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.signal(Signal::SIGINT);
            if self.process.stderr.wait_for_end(Duration::from_millis(20)).is_ok()
                || Instant::now() > deadline
            {
                return self.all_end();
            }
        }
    }

    /// Waits until all its processes have ended; how the first one did. Any process that lives keeps the common stderr open.
    fn all_end(mut self) -> ExitStatus {
        if let Err(so_far) = self.process.stderr.wait_for_end(STOP_BOUND) {
            panic!("orphans: {:?}\n{so_far}", self.processes());
        }
        self.process.wait(PATIENCE).and_then(|ended| ended.status).expect("it is our child")
    }

    /// Memory that its processes have allocated, bytes.
    pub fn memory(&self) -> u64 {
        let allocated = |process: &Process| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid)).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        self.processes().iter().filter_map(allocated).sum::<u64>() * 1024
    }

    /// Processor time that all its processes have used.
    pub fn processor_time(&self) -> Duration {
        let ticks = self.processes().iter().map(|process| process.ticks).sum::<u64>();
        Duration::from_millis(ticks * 10) // USER_HZ is 100 on every Linux
    }

    /// Its processes but the first.
    pub fn children(&self) -> Vec<Pid> {
        self.processes().into_iter().map(|process| process.pid).filter(|&pid| pid != self.group()).collect()
    }

    fn group(&self) -> Pid {
        self.process.pid()
    }

    /// Those that live.
    fn processes(&self) -> Vec<Process> {
        processes(self.group()).into_iter().filter(|process| process.is_alive).collect()
    }
}

/// A line of the process table.
#[derive(Debug)]
struct Process {
    pid: Pid,
    ticks: u64,
    /// It has not ended; else it is only not waited for.
    is_alive: bool,
}

/// The processes of a group.
fn processes(group: Pid) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("Linux has a process table");
    let process = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may hold anything: state, ppid, pgrp …, utime and stime (proc(5)).
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
        let process = Process { pid: Pid::from_raw(pid), ticks, is_alive: fields[0] != "Z" };
        (fields[2] == group.to_string()).then_some(process)
    };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter_map(process).collect()
}
