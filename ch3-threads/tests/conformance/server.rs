//! A server as its own process: spawned, spoken to, stopped, and looked after so that nothing of it is left.
//!
//! ```text
//!   spawn in a group of its own ──► first line of stdout: LISTENING <address> ──► … ──► SIGTERM
//!     ──► every process of the group ends (their common stderr reaches its end) ──► exit status 0, nobody left
//! ```
//!
//! All waiting is for an event (a line, the end of a stream) with a bound, never for a while.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use ch3_threads::model::Model;
use ch3_threads::service::ServiceKind;
use clap::ValueEnum;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// How long anything may take that is certain to come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long a server may take to stop: its own bound for who stalls is a second, and the machine may be busy.
pub const STOP_BOUND: Duration = Duration::from_secs(6);

/// A server about to be started.
pub struct Launch {
    arguments: Vec<String>,
    limit: Option<String>,
}

impl Launch {
    /// This model and this service, on a free port.
    pub fn new(model: Model, service: ServiceKind) -> Launch {
        Launch::with(&["--model", &model.name(), "--service", &name(service)])
            .and(&["--delay", "1ms", "-p", "0"])
    }

    /// Exactly these arguments of `serve`.
    pub fn with(arguments: &[&str]) -> Launch {
        let launch = Launch { arguments: vec!["serve".into()], limit: None };
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
        Launch { limit: Some(format!("ulimit -n {limit}")), ..self }
    }

    /// Each of its processes may have so much address space.
    pub fn address_space(self, kib: u32) -> Launch {
        Launch { limit: Some(format!("ulimit -v {kib}")), ..self }
    }

    /// Starts it, and waits until it listens.
    pub fn start(self) -> Running {
        let mut child = self.spawn();
        let stderr = Transcript::of(child.stderr.take().expect("stderr is piped"));
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let group = Pid::from_raw(child.id() as i32);
        let mut first = String::new();
        let listening = stdout.read_line(&mut first);
        let (done, rest) = channel();
        thread::spawn(move || {
            let mut text = String::new();
            let _ = stdout.read_to_string(&mut text);
            let _ = done.send(text);
        });
        let mut running = Running { child, group, address: ([0, 0, 0, 0], 0).into(), stderr, rest };
        let address = first.trim_end().strip_prefix("LISTENING ").and_then(|text| text.parse().ok());
        running.address =
            address.unwrap_or_else(|| panic!("{listening:?}: {first:?}\n{}", running.stderr.until_end()));
        running
    }

    /// Starts one that is expected to give up at once; its status, its stdout and its stderr.
    pub fn fail(self) -> (ExitStatus, String, String) {
        let mut child = self.spawn();
        let stderr = Transcript::of(child.stderr.take().expect("stderr is piped"));
        let stderr = stderr.wait_for_end(PATIENCE).unwrap_or_else(|so_far| {
            let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
            panic!("it does not give up:\n{so_far}")
        });
        let mut stdout = String::new();
        child.stdout.take().expect("stdout is piped").read_to_string(&mut stdout).expect("it is text");
        (child.wait().expect("it is our child"), stdout, stderr)
    }

    fn spawn(&self) -> Child {
        let program = env!("CARGO_BIN_EXE_ch3-threads");
        let mut command = match &self.limit {
            None => Command::new(program),
            Some(limit) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{limit}; exec \"$0\" \"$@\""), program]);
                shell
            }
        };
        command.args(&self.arguments).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the server can be started")
    }
}

/// The name of a service on the command line.
pub fn name(service: ServiceKind) -> String {
    service.to_possible_value().expect("no service is hidden").get_name().to_owned()
}

/// A server that listens. Dropped, it is killed with all its processes.
pub struct Running {
    child: Child,
    group: Pid,
    /// Where it listens.
    pub address: SocketAddr,
    /// What it says on stderr.
    pub stderr: Transcript,
    rest: Receiver<String>,
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
        kill(self.group, signal).expect("a server that is not waited for can be signalled");
    }

    /// Sends a signal to all its processes, as Ctrl-C in a terminal does.
    pub fn signal_group(&self, signal: Signal) {
        killpg(self.group, signal).expect("the group has a process");
    }

    /// Waits for its end, and checks that it is a good one: status 0, no process left, no panic.
    pub fn finish(mut self, bound: Duration) -> Ended {
        let stderr = self.stderr.wait_for_end(bound).unwrap_or_else(|so_far| {
            panic!("it has not ended within {bound:?}; left: {:?}\n{so_far}", processes(self.group))
        });
        let status = self.child.wait().expect("it is our child");
        let stdout = self.rest.recv_timeout(PATIENCE).expect("its stdout has ended with it");
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(!stderr.contains("error:"), "{stderr}");
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{stderr}");
        assert_eq!(killpg(self.group, None), Err(Errno::ESRCH), "left: {:?}", processes(self.group));
        Ended { stdout, stderr }
    }

    /// Kills its first process only, and checks that the others end by themselves.
    pub fn kill_parent(mut self) {
        self.signal(Signal::SIGKILL);
        let status = self.child.wait().expect("it is our child");
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32));
        // Whoever lives keeps the common stderr open.
        if let Err(so_far) = self.stderr.wait_for_end(STOP_BOUND) {
            panic!("orphans: {:?}\n{so_far}", processes(self.group));
        }
    }

    /// Memory that its processes have allocated, bytes.
    pub fn memory(&self) -> u64 {
        let allocated = |process: &Process| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", process.pid)).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
            line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
        };
        processes(self.group).iter().filter_map(allocated).sum::<u64>() * 1024
    }

    /// Processor time that all its processes have used.
    pub fn processor_time(&self) -> Duration {
        let ticks = processes(self.group).iter().map(|process| process.ticks).sum::<u64>();
        Duration::from_millis(ticks * 10) // USER_HZ is 100 on every Linux
    }

    /// Its processes but the first.
    pub fn children(&self) -> Vec<Pid> {
        processes(self.group)
            .into_iter()
            .map(|process| process.pid)
            .filter(|&pid| pid != self.group)
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = killpg(self.group, Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// A line of the process table.
#[derive(Debug)]
struct Process {
    pid: Pid,
    ticks: u64,
}

/// The living processes of a group.
fn processes(group: Pid) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("Linux has a process table");
    let process = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // After the name, which may hold anything: state, ppid, pgrp …, utime and stime (proc(5)).
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields[11].parse::<u64>().ok()? + fields[12].parse::<u64>().ok()?;
        (fields[2] == group.to_string() && fields[0] != "Z")
            .then_some(Process { pid: Pid::from_raw(pid), ticks })
    };
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).filter_map(process).collect()
}

/// A stream of text, read as it comes.
#[derive(Clone)]
pub struct Transcript(Arc<(Mutex<Text>, Condvar)>);

#[derive(Default)]
struct Text {
    text: String,
    ended: bool,
}

impl Transcript {
    fn of(stream: impl Read + Send + 'static) -> Transcript {
        let transcript = Transcript(Arc::default());
        let writer = transcript.clone();
        thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                writer.change(|text| text.text += &(line + "\n"));
            }
            writer.change(|text| text.ended = true);
        });
        transcript
    }

    /// Waits until it contains `words`.
    pub fn wait_for(&self, words: &str) {
        let said = self.wait(PATIENCE, |text| text.text.contains(words));
        said.unwrap_or_else(|so_far| panic!("it does not say {words:?}:\n{so_far}"));
    }

    fn until_end(&self) -> String {
        self.wait_for_end(PATIENCE).unwrap_or_else(|so_far| so_far + "(and has not ended)")
    }

    fn wait_for_end(&self, bound: Duration) -> Result<String, String> {
        self.wait(bound, |text| text.ended)
    }

    fn wait(&self, bound: Duration, condition: impl Fn(&Text) -> bool) -> Result<String, String> {
        let deadline = Instant::now() + bound;
        let mut text = self.0.0.lock().expect("nobody panics under it");
        while !condition(&text) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(text.text.clone());
            }
            text = self.0.1.wait_timeout(text, left).expect("nobody panics under it").0;
        }
        Ok(text.text.clone())
    }

    fn change(&self, change: impl FnOnce(&mut Text)) {
        change(&mut self.0.0.lock().expect("nobody panics under it"));
        self.0.1.notify_all();
    }
}
