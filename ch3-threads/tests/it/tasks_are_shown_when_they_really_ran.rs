//! `show parallel`: figure 3.1 of the notes, measured.

use std::fs;
use std::process::Command;

use common::bench::machine;
use tempfile::tempdir;

/// The figures of a way: switches from task to task, and milliseconds of two or more at the same moment.
fn figures(text: &str, way: &str) -> (u64, u64) {
    let (_, rest) = text.split_once(&format!("{way}: ")).unwrap_or_else(|| panic!("no `{way}` in {text}"));
    let line = rest.lines().find(|line| line.contains("from task to task")).unwrap();
    let numbers: Vec<u64> = line.split(' ').filter_map(|word| word.parse().ok()).collect();
    let [_took, switches, together] = numbers[..] else { panic!("{line}") };
    (switches, together)
}

fn show(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ch3-threads"));
    let output = command.args(["show", "parallel", "--work", "100ms"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn only_on_several_processors_do_tasks_run_at_the_same_moment() {
    let folder = tempdir().unwrap();
    let report = folder.path().join("parallel.html");
    let said = show(&["--report", report.to_str().unwrap()]);
    assert_eq!(figures(&said, "sequential"), (2, 0), "{said}");
    let (switches, together) = figures(&said, "interleaved");
    assert!(switches > 2 && together == 0, "{said}");
    assert!(said.contains("  task 3 "), "{said}");
    let page = fs::read_to_string(report).unwrap();
    let pictures = page.matches("class=\"tasks\"").count();
    if machine::allowed().unwrap().len() == 1 {
        eprintln!("SKIPPED: this machine has one processor, and nothing is parallel on it");
        assert_eq!(pictures, 2);
        return;
    }
    assert!(figures(&said, "parallel").1 > 0, "{said}");
    assert_eq!(pictures, 3);
}

#[test]
fn on_one_processor_it_says_that_parallel_cannot_be_shown() {
    machine::go_to(machine::allowed().unwrap()[0]).unwrap(); // what is started here inherits it
    let said = show(&["--tasks", "2"]);
    assert!(said.contains("parallel: cannot be shown"), "{said}");
    assert_eq!(said.matches("from task to task").count(), 2, "{said}");
}
