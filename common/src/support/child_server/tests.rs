//! Servers written in sh, which do one thing wrong each.

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::*;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]).stderr(Stdio::piped());
    command
}

/// Why it did not start.
fn failure(script: &str) -> String {
    format!("{:#}", ChildServer::start(&mut sh(script)).unwrap_err())
}

fn is_alive(pid: Pid) -> bool {
    // A zombie has a number, too. Its state follows its name (proc(5)).
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[test]
fn a_server_says_where_it_listens_and_ends_at_the_stop() {
    let script = "trap 'exit 7' TERM; echo LISTENING 127.0.0.1:4711; while :; do sleep 0.01; done";
    let server = ChildServer::start(&mut sh(script)).unwrap();
    assert_eq!(server.address, "127.0.0.1:4711".parse().unwrap());
    let pid = server.process.pid();
    assert!(is_alive(pid));
    let ended = server.stop();
    assert_eq!(ended.code(), Some(7));
    assert!(ended.usage.cpu_ms > 0.0 && ended.usage.context_switches > 0, "{ended:?}");
    assert!(!is_alive(pid));
}

#[test]
fn what_comes_instead_of_an_address_is_quoted_with_the_exit_status() {
    let error = failure("echo Hello; echo the disk is full >&2; exit 3");
    for words in ["exit status: 3", "\"Hello\"", "the disk is full"] {
        assert!(error.contains(words), "{error}");
    }
    assert!(failure("exit 4").contains("exit status: 4"));
    assert!(failure("echo LISTENING; kill -KILL $$").contains("signal: 9"));
    let error = failure("echo LISTENING nowhere; exec sleep 60");
    assert!(error.contains("does not say") && error.contains("nowhere"), "{error}");
    let error = ChildServer::start(&mut Command::new("/nowhere/at/all")).unwrap_err();
    assert!(format!("{error:#}").contains("cannot start it"), "{error:#}");
}

#[test]
fn a_server_that_goes_on_talking_does_not_wait_for_a_reader() {
    // More than a pipe holds, on both.
    let script = "echo LISTENING 127.0.0.1:1; yes | head -c 300000; yes | head -c 300000 >&2; echo done";
    let mut server = ChildServer::start(&mut sh(script)).unwrap();
    assert_eq!(server.process.wait(START_TIME).unwrap().code(), Some(0));
    assert!(server.process.stdout.wait_for_end(START_TIME).unwrap().ends_with("done\n"));
    assert_eq!(server.process.stderr.wait_for_end(START_TIME).unwrap().len(), 300_000);
    assert_eq!(server.process.next_line(START_TIME).as_deref(), Some("y"));
}

#[test]
fn what_a_server_leaves_behind_ends_with_it() {
    let mut server =
        ChildServer::start(&mut sh("sleep 600 & echo LISTENING 127.0.0.1:1; echo $!; wait")).unwrap();
    let left = Pid::from_raw(server.process.next_line(START_TIME).unwrap().parse().unwrap());
    assert!(is_alive(left));
    drop(server);
    // It has its SIGKILL; it dies when it next runs.
    let began = Instant::now();
    while is_alive(left) {
        if began.elapsed() > START_TIME {
            let _ = kill(left, Signal::SIGKILL);
            panic!("it lives on");
        }
        sleep(Duration::from_millis(1));
    }
}

#[test]
fn a_child_that_somebody_else_has_waited_for_is_gone_and_hears_no_signal() {
    let mut server = ChildServer::start(&mut sh("echo LISTENING 127.0.0.1:1; exec sleep 600")).unwrap();
    kill(server.process.pid(), Signal::SIGKILL).unwrap();
    waitpid(server.process.pid(), None).unwrap();
    assert_eq!(server.process.signal(Signal::SIGTERM), Err(nix::errno::Errno::ESRCH));
    assert_eq!(server.process.signal_group(Signal::SIGTERM), Err(nix::errno::Errno::ESRCH));
    let ended = server.process.try_wait().unwrap();
    assert_eq!((ended.status, ended.success()), (None, false));
    assert_eq!(ended.to_string(), "exit status unknown");
}

#[test]
fn a_child_ends_with_the_thread_that_started_it() {
    let started = std::thread::spawn(|| {
        let server = ChildServer::start(&mut sh("echo LISTENING 127.0.0.1:1; exec sleep 600")).unwrap();
        let pid = server.process.pid();
        std::mem::forget(server); // as SIGKILL would
        pid
    });
    let pid = started.join().unwrap();
    let began = Instant::now();
    loop {
        match waitpid(pid, Some(WaitPidFlag::WNOHANG)).unwrap() {
            WaitStatus::StillAlive if began.elapsed() < START_TIME => sleep(Duration::from_millis(1)),
            WaitStatus::Signaled(_, signal, _) => return assert_eq!(signal, Signal::SIGTERM),
            other => {
                let _ = kill(pid, Signal::SIGKILL);
                panic!("{other:?}");
            }
        }
    }
}

#[test]
fn a_port_is_found_in_the_kernels_table_while_a_socket_listens_on_it() {
    // Another program may take a port as soon as it is free; it does not take one after the other.
    let is_found_only_while_it_listens = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(is_listening(port));
        drop(listener);
        !is_listening(port)
    };
    assert!((0..10).any(|_| is_found_only_while_it_listens()));
    let ended = ChildServer::start_on(free_port().unwrap(), &mut sh("echo no room >&2; exit 5")).unwrap_err();
    assert!(ended.to_string().contains("exit status: 5") && ended.to_string().contains("no room"), "{ended}");
}

#[test]
fn a_server_that_died_is_told_from_one_that_has_done_its_work() {
    let ended = |script: &str| {
        let server = ChildServer::start(&mut sh(&format!("echo LISTENING 127.0.0.1:1; {script}"))).unwrap();
        let state = || fs::read_to_string(format!("/proc/{}/stat", server.id())).unwrap_or_default();
        while !state().contains(") Z") {
            sleep(Duration::from_millis(2));
        }
        (server.process.has_died(), server.stop().success())
    };
    assert_eq!(ended("exit 3"), (true, false));
    assert_eq!(ended("kill -9 $$"), (true, false));
    assert_eq!(ended("exit 0"), (false, true));
}
