//! Where stderr is no terminal there is no progress bar: a line every five seconds tells how far a long run is. And Ctrl-C before its end has
//! its status, also when there are figures to be told.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use common::support::child_server::ChildProcess;
use nix::sys::signal::Signal;

use crate::support::{ch4, run, text};

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_line_every_five_seconds_and_a_status_for_ctrl_c() {
    let download = thread::spawn(|| {
        run(&mut ch4(&[
            "download", "--mode", "async", "--files", "2", "--size", "650kB", "--rate", "100kB/s",
        ]))
    });
    let mut simulate = ch4(&["simulate", "--subscribers", "3", "--rate", "50", "--time", "500s"]);
    let mut simulate = ChildProcess::spawn(simulate.stdout(Stdio::piped()).stderr(Stdio::piped())).unwrap();
    let far = |text: &str| text.contains("4 of 4 clients are there; ").then_some(());
    simulate.stderr.wait(MINUTE, far).unwrap();
    simulate.signal(Signal::SIGINT).unwrap();
    assert_eq!(simulate.wait(MINUTE).unwrap().code(), Some(130));
    let figures = simulate.stdout.wait_for_end(MINUTE).unwrap();
    assert!(figures.contains("0 missing"), "{figures}");

    let download = download.join().unwrap();
    assert!(download.status.success(), "{download:?}");
    let said = text(&download.stderr);
    let line = said.lines().find(|line| line.contains(" of 2 files, ")).unwrap_or_else(|| panic!("{said}"));
    assert!(line.ends_with(" so far"), "{line}");
}
