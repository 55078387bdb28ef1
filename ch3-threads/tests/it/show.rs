//! The demonstrations of `show`, run as a user runs them: what they print adds up, and nothing is left running.
//!
//! Each program runs in a process group of its own; when it has ended, the group must be empty.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// Far more than any of them needs; a demonstration that hangs fails here.
const LIMIT: Duration = Duration::from_secs(30);

/// What a demonstration said: the results and the story.
struct Said {
    results: String,
    story: String,
}

impl Said {
    /// The number that follows `label` in the results.
    fn number(&self, label: &str) -> i64 {
        let (_, rest) =
            self.results.split_once(label).unwrap_or_else(|| panic!("no `{label}` in {}", self.results));
        let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit() && c != '-').next().unwrap();
        digits.parse().unwrap_or_else(|_| panic!("no number after `{label}` in {}", self.results))
    }

    /// How many lines of the story the thread or process `name` said that begin with `what`.
    fn times(&self, name: &str, what: &str) -> usize {
        let said = |line: &&str| {
            let (_, line) = line.split_once('(').unwrap_or_default();
            let (who, text) = line.split_once(") ").unwrap_or_default();
            who.trim_end() == name && text.starts_with(what)
        };
        self.story.lines().filter(said).count()
    }

    /// The fields of the row of a table that begins with `first`.
    fn row(&self, first: &str) -> Vec<&str> {
        let fields = |line: &'_ str| line.split_whitespace().next() == Some(first);
        let row = self.results.lines().find(|line| fields(line));
        row.unwrap_or_else(|| panic!("no row `{first}` in {}", self.results)).split_whitespace().collect()
    }
}

/// A demonstration that runs, in a process group of its own, which is ended when the limit is over.
struct Running {
    child: Child,
    group: Pid,
    ended: mpsc::Sender<()>,
    watch: thread::JoinHandle<()>,
}

fn start(arguments: &[&str]) -> Running {
    start_as(&mut Command::new(env!("CARGO_BIN_EXE_ch3-threads")), arguments)
}

fn start_as(program: &mut Command, arguments: &[&str]) -> Running {
    let child = program
        .arg("show")
        .args(arguments)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let group = Pid::from_raw(child.id().try_into().unwrap());
    let (ended, end) = mpsc::channel::<()>();
    let watch = thread::spawn(move || {
        if end.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = killpg(group, Signal::SIGKILL);
        }
    });
    Running { child, group, ended, watch }
}

impl Running {
    /// Reads everything it says, expects status 0 and an empty process group, within the limit.
    fn finish(mut self) -> Said {
        let stderr = self.child.stderr.take();
        // Both at once: a program that cannot write to the one would never end the other.
        let story = thread::spawn(move || stderr.map(|stderr| io::read_to_string(stderr).unwrap()));
        let results = io::read_to_string(self.child.stdout.take().unwrap()).unwrap();
        let story = story.join().unwrap().unwrap_or_default();
        let status = self.child.wait().unwrap();
        let left = killpg(self.group, None);
        drop(self.ended);
        self.watch.join().unwrap();
        assert!(status.success(), "{status}\n{results}\n{story}");
        assert_eq!(left, Err(Errno::ESRCH), "a process was left behind\n{results}\n{story}");
        Said { results, story }
    }
}

fn show(arguments: &[&str]) -> Said {
    start(arguments).finish()
}

/// Then the kernel would keep no exit status, were it not told otherwise.
#[test]
fn a_parent_that_ignores_sigchld_changes_nothing() {
    for what in ["process --workers 2 --primes-below 10000", "signal", "zombie --children 2"] {
        let mut shell = Command::new("bash"); // dash hands down no SIGCHLD that is ignored
        shell.args(["-c", r#"trap '' CHLD; exec "$0" "$@""#, env!("CARGO_BIN_EXE_ch3-threads")]);
        start_as(&mut shell, &what.split(' ').collect::<Vec<_>>()).finish();
    }
}

#[test]
fn every_thread_says_its_number_under_its_name_and_the_system_lists_it() {
    let said = show(&["threads", "--count", "6", "--time-scale", "0.01"]);
    for number in 0..6 {
        assert_eq!(said.times(&format!("User-{number}"), &format!("Hello I am User number: {number}")), 1);
        assert!(said.results.contains(&format!(" User-{number}\n")), "{}", said.results);
    }
    assert!(said.results.contains("has 7 threads"), "{}", said.results);
    assert_eq!((said.times("session", "Starting"), said.times("session", "Exiting")), (1, 1));
}

#[test]
fn a_thread_that_nobody_joins_ends_with_the_process() {
    let joined = show(&["threads", "--join", "--time-scale", "0.01"]);
    assert_eq!((joined.times("User1", "Arrived"), joined.times("User1", "Leaving")), (1, 1));
    // It would sleep for 400 ms, and the process is at its end: no wait would be long enough if this failed.
    let left = show(&["threads", "--no-join", "--time-scale", "0.2"]);
    assert_eq!(left.times("User1", "Leaving"), 0, "{}", left.story);
    assert_eq!(left.times("User2", "Leaving"), 1);
}

#[test]
fn the_counter_under_a_lock_ends_at_zero_and_nobody_comes_between() {
    let said = show(&["lock", "--time-scale", "0.001"]);
    assert_eq!(said.number("Counter final value:"), 0);
    let mut owner = None;
    for line in said.story.lines() {
        let (_, line) = line.split_once('(').unwrap();
        let (name, text) = line.split_once(") ").unwrap();
        match text {
            "Acquired a lock" => assert_eq!(owner.replace(name.to_owned()), None, "{}", said.story),
            "Released a lock" => assert_eq!(owner.take().as_deref(), Some(name), "{}", said.story),
            text if text.starts_with("Value") => assert_eq!(owner.as_deref(), Some(name), "{}", said.story),
            _ => {}
        }
    }
    assert_eq!(said.times("worker_a", "Done") + said.times("worker_b", "Done"), 20);
}

#[test]
fn without_a_lock_something_is_lost_on_one_processor_too() {
    common::bench::machine::Pins::together().unwrap().go_to_servers().unwrap(); // what is started here inherits it
    for count in ["1", "1000", "200000"] {
        let said = show(&["lock", "--without-lock", "--count", count]);
        let row = said.results.lines().find(|line| line.starts_with("load, then store")).unwrap();
        let lost: i64 = row.split_whitespace().nth(5).unwrap().parse().unwrap();
        assert!(lost > 0, "--count {count}: {}", said.results);
        assert!(said.results.contains("one thread stopped between the two"), "{}", said.results);
    }
}

#[test]
fn what_is_lost_without_a_lock_is_counted_honestly() {
    let said = show(&["lock", "--without-lock", "--count", "200000"]);
    let numbers = |label: &str| -> Vec<i64> {
        let (_, rest) = said.results.split_once(label).unwrap();
        rest.split_whitespace().take(3).map(|number| number.parse().unwrap()).collect()
    };
    let torn = numbers("load, then store");
    assert_eq!((torn[0], torn[2]), (400_000, torn[0] - torn[1]));
    assert!((1..=399_998).contains(&torn[2]), "{torn:?}");
    assert_eq!(numbers("fetch_add"), [400_000, 400_000, 0]);
    assert_eq!(numbers("under a lock"), [400_000, 400_000, 0]);
}

#[test]
fn one_consumer_retrieves_every_element_once() {
    let said = show(&["condvar", "--elements", "20", "--time-scale", "0.001"]);
    let retrieved: Vec<_> =
        said.story.lines().filter_map(|line| line.split_once("Retrieved: ")).map(|l| l.1).collect();
    assert_eq!(retrieved, (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(said.number("elements retrieved:"), 20);
}

#[test]
fn of_many_consumers_woken_for_one_element_all_but_one_find_the_queue_empty() {
    let said = show(&["condvar", "--consumers", "5", "--time-scale", "0.05"]);
    assert_eq!(said.number("elements retrieved:"), 5);
    let (woken, in_vain) = (said.number("woken for an element:"), said.number("woken, but empty:"));
    assert!(in_vain > 0 && in_vain < woken, "{}", said.results);
    assert_eq!(said.story.matches("Woken, but the queue is empty").count() as i64, in_vain);
    for consumer in (1..=5).map(|number| format!("(Consumer-{number}  )")) {
        let lines: Vec<_> = said.story.lines().filter(|line| line.contains(&consumer)).collect();
        for (place, _) in
            lines.iter().enumerate().filter(|(_, line)| line.ends_with("Woken, but the queue is empty"))
        {
            let next = lines.get(place + 1).is_some_and(|line| line.ends_with("Queue is empty, waiting ..."));
            assert!(next, "`if` in place of `while`: {}", said.story);
        }
    }
}

#[test]
fn one_set_releases_all_who_wait_and_the_impatient_gave_up_before() {
    let said = show(&["event", "--waiters", "7", "--time-scale", "0.01"]);
    assert_eq!(said.number("released by one set:"), 7);
    assert_eq!(said.number("with the latecomer:"), 8);
    assert_eq!((said.times("impatient", "gave up"), said.times("too late", "gave up")), (1, 1));
    let place = |line: &str| said.story.lines().position(|l| l.contains(line)).unwrap();
    assert!(place("(impatient   ) gave up") < place(") set"));
    assert!(place(") set") < place(") released"));
}

#[test]
fn a_child_changes_its_own_memory_and_a_thread_everybodys() {
    let said = show(&["process", "--workers", "4", "--primes-below", "10000"]);
    assert!(said.results.contains("4 workers found 1229 prime numbers below 10000"), "{}", said.results);
    let row = |who: &str| -> Vec<&str> {
        let line = said.results.lines().find(|line| line.starts_with(who)).unwrap();
        line[who.len()..].split_whitespace().collect()
    };
    let (before, child, after_child) =
        (row("parent "), row("child process wrote 2"), row("parent, after the child"));
    let (thread, after_thread) = (row("thread wrote 3"), row("parent, after the thread"));
    // pid, ppid, tid, address, test, mapping
    let [parent_pid, child_pid] = [before[0], child[0]];
    assert_ne!(parent_pid, child_pid);
    assert_eq!((child[1], thread[0]), (parent_pid, parent_pid));
    assert_ne!(thread[2], parent_pid, "a thread has a number of its own");
    assert!(
        [&child, &after_child, &thread, &after_thread].iter().all(|row| row[3] == before[3]),
        "one address"
    );
    assert_eq!([child[4], after_child[4], thread[4], after_thread[4]], ["2", "1", "3", "3"]);
    assert_eq!([child[5], after_child[5], thread[5], after_thread[5]], ["2", "2", "3", "3"]);
}

#[test]
fn zombies_stay_without_a_reaper_and_the_labs_reaper_spins() {
    let said = show(&["zombie", "--children", "4"]);
    let parts: Vec<&str> = said.results.split("== ").skip(1).collect();
    let [none, lab, right] = parts[..] else { panic!("{}", said.results) };
    let zombies =
        |part: &str| part.lines().filter(|line| line.ends_with("<defunct>") && line.contains(" Z ")).count();
    let gone = |part: &str| part.lines().filter(|line| line.ends_with(" gone")).count();
    // Of the first client alone, then of all four.
    assert_eq!((zombies(none), gone(none)), (1 + 4, 0), "{none}");
    assert_eq!((zombies(lab), gone(lab)), (0, 1 + 4), "{lab}");
    assert_eq!((zombies(right), gone(right)), (0, 1 + 4), "{right}");
    assert!(none.contains("children: 4, zombies: 4, reaped by the handler: 0, handler runs: 0"), "{none}");
    // One call reaps the first and one finds nothing; then three are reaped in one run, and there is no child left.
    let end = "children: 4, zombies: 0, reaped by the handler: 4, handler runs: 2, calls of wait: 6";
    assert!(right.contains(end), "{right}");
    let (_, calls) = lab.split_once("the handler called wait ").expect(lab);
    let calls: u64 = calls.split(' ').next().unwrap().parse().unwrap();
    assert!(calls > 1000, "it spins: {calls}");
}

#[test]
fn sigpipe_kills_by_default_and_accept_is_interrupted_unless_it_restarts() {
    let said = show(&["signal"]);
    assert!(said.results.contains("13) SIGPIPE    *"), "ignored by Rust: {}", said.results);
    let rows = ["ignored", "handled", "default"].map(|disposition| said.row(disposition).join(" "));
    assert_eq!(
        rows,
        [
            "ignored ECONNRESET EPIPE 0 exit status 0",
            "handled ECONNRESET EPIPE 1 exit status 0",
            "default ECONNRESET killed by SIGPIPE"
        ]
    );
    assert!(said.results.contains("accept without SA_RESTART: EINTR; the handler of SIGCHLD had run"));
    assert!(said.results.contains("accept with SA_RESTART: a connection; the handler of SIGCHLD had run"));
    for change in ["Stopped(", "Continued(", "Signaled(", "a handler for SIGKILL: EINVAL"] {
        assert!(said.results.contains(change), "{change}: {}", said.results);
    }
}

#[test]
fn the_herd_is_counted_exactly_and_exclusive_waits_avoid_it() {
    let said = show(&["herd", "--children", "8", "--connections", "400"]);
    let number = |row: &str, column: usize| said.row(row)[column].parse::<u64>().unwrap();
    for way in ["accept", "poll", "epoll", "epoll-exclusive", "reuseport"] {
        assert_eq!(number(way, 1), 400, "{}", said.results);
    }
    // All eight wake for each connection; on a busy machine some have not gone back to sleep yet.
    for (herd, cure) in [("poll", "accept"), ("epoll", "epoll-exclusive"), ("poll", "reuseport")] {
        assert!(number(herd, 2) > 2 * number(cure, 2), "{herd} against {cure}: {}", said.results);
        assert!(number(herd, 3) > 2 * number(cure, 3), "{herd} against {cure}: {}", said.results);
    }
}

#[test]
fn every_child_has_its_line_and_the_lines_sum_to_the_connections() {
    for way in ["accept", "poll", "epoll", "epoll-exclusive", "reuseport"] {
        let said =
            show(&["herd", "--wait", way, "--children", "5", "--connections", "251", "--clients", "4"]);
        let of_a_child = |line: &str| line.split(' ').nth(3)?.parse::<u64>().ok();
        let times: Vec<u64> = said
            .results
            .lines()
            .filter(|l| l.starts_with("child "))
            .map(|l| of_a_child(l).unwrap())
            .collect();
        assert_eq!((times.len(), times.iter().sum::<u64>()), (5, 251), "{way}: {}", said.results);
    }
}

#[test]
fn sigterm_ends_the_herd_with_status_0_and_no_child_left() {
    let mut herd = start(&["herd", "--wait", "poll", "--connections", "20000"]);
    let mut story = BufReader::new(herd.child.stderr.take().unwrap());
    // The client has begun, so all children are there.
    let mut line = String::new();
    while !line.contains("(client 0 ") {
        line.clear();
        assert_ne!(story.read_line(&mut line).unwrap(), 0, "ended early");
    }
    kill(herd.group, Signal::SIGTERM).unwrap();
    assert_eq!(herd.finish().results, "", "it went on to its end");
}

#[test]
fn a_wrong_value_is_refused_with_what_would_be_right() {
    for (arguments, hint) in [
        (["herd", "--wait", "hope"], "epoll-exclusive"),
        (["lock", "--time-scale", "-1"], "--time-scale"),
        (["lock", "--time-scale", "fast"], "from 0"),
        (["zombie", "--children", "1"], "2..=50"),
    ] {
        let output = start(&arguments).child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains(hint), "{arguments:?}: {error}");
    }
}

#[test]
fn a_closed_pipe_is_no_error() {
    for arguments in [&["models"][..], &["show", "process"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_ch3-threads"))
            .args(arguments)
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let story = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {story}");
        assert!(!story.contains("panicked") && !story.contains("Broken pipe"), "{arguments:?}: {story}");
    }
}
