//! `agree` over UDP sockets and through relays: never two at once; who dies blocks all, and with a detector none.

use crate::support::{ch4, run, text};

fn agree(more: &[&str]) -> (Option<i32>, String) {
    let output = run(ch4(&["agree", "--seed", "1"]).args(more));
    (output.status.code(), text(&output.stdout))
}

const SAFE: &str = "Two had the pen at once: never. Not in the order of the stamps: never.";

#[test]
fn all_draw_and_never_two_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("agree.html");
    let more = ["--loss", "20%", "--rounds", "2", "--time", "50s", "--report", report.to_str().unwrap()];
    let (status, table) = agree(&more);
    assert_eq!(status, Some(0), "{table}");
    assert!(table.contains("Turns: 8.") && table.contains(SAFE), "{table}");
    let page = std::fs::read_to_string(report).unwrap();
    assert_eq!(page.matches("class=\"draws\"").count(), 8);
    assert!(page.contains("class=\"request\"") && page.contains("class=\"reply\""));
}

#[test]
fn who_dies_with_the_pen_blocks_all() {
    let (status, table) = agree(&["--dies", "2", "--think", "10ms", "--time", "2s"]);
    assert_eq!(status, Some(3), "{table}");
    assert!(table.contains("dies with the pen in its hand") && table.contains(SAFE), "{table}");
    assert!(table.contains("Node 0 waits for node") && table.contains("when 2s are over"), "{table}");
}

/// The detector's time is long: a thread that gets no processor for so long is as good as dead.
#[test]
fn with_a_detector_the_others_go_on() {
    let args = ["--dies", "2", "--detector", "3s", "--rounds", "1", "--time", "50s"];
    let (status, table) = agree(&args);
    assert_eq!(status, Some(0), "{table}");
    assert!(table.contains("takes node 2 for dead") && table.contains("Turns: 4."), "{table}");
}

#[test]
fn a_detector_that_is_wrong_is_found_out_and_a_node_that_is_none_is_refused() {
    let args = ["--virtual", "--detector", "20ms", "--delay", "60ms", "--think", "0ms"];
    let (status, table) = agree(&args);
    assert_eq!(status, Some(1), "{table}");
    assert!(table.contains("another has it, too"), "{table}");
    assert_eq!(agree(&["--virtual", "--dies", "4"]).0, Some(1));
    assert_eq!(agree(&["--virtual"]), agree(&["--virtual"]));
}
