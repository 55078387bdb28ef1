//! `cargo ch5 semantics`: real processes, a real relay, kill -9; and the figures that come of it.

use serde_json::Value;

use crate::support::{ch5, run, text};

fn cells(json: &std::path::Path) -> Value {
    serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap()
}

fn cell<'a>(all: &'a Value, fault: &str, semantics: &str) -> &'a Value {
    let cells = all["cells"].as_array().unwrap();
    let found = cells.iter().find(|cell| cell["fault"] == fault && cell["semantics"] == semantics);
    found.unwrap_or_else(|| panic!("{fault}, {semantics}: {cells:#?}"))
}

const RESTARTS: [&str; 2] = ["restart before the record", "restart before the answer"];

#[test]
fn the_demonstration_keeps_its_promises_and_shows_what_is_not_promised() {
    let folder = tempfile::tempdir().unwrap();
    let [json, page] = ["figures.json", "page.html"].map(|name| folder.path().join(name));
    let output = run(ch5(&["semantics", "--calls", "8", "--seed", "3", "--log", "error"])
        .arg("--json")
        .arg(&json)
        .arg("--report")
        .arg(&page));
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    let all = cells(&json);
    assert_eq!(all["cells"].as_array().unwrap().len(), 6 * 7);
    for restart in RESTARTS {
        // The best of them: each call is done, and done once, with the server killed in the middle.
        let durable = cell(&all, restart, "at most once, durable");
        assert_eq!((&durable["once"], &durable["done"]), (&Value::from(8), &Value::from(8)), "{durable}");
        assert!(durable["restarts"].as_u64() >= Some(1), "{durable}");
        // With a table in memory nothing is run twice, and the caller is told what it does not know.
        let volatile = cell(&all, restart, "at most once");
        assert_eq!(volatile["more"], 0);
        assert!(volatile["unknown"].as_u64() >= Some(1), "{volatile}");
        for naive in ["at most once, naive", "at least once"] {
            assert!(cell(&all, restart, naive)["more"].as_u64() >= Some(1), "{restart}, {naive}");
        }
        assert_eq!(cell(&all, restart, "conditional")["more"], 0);
    }
    for semantics in ["at most once", "at most once, durable", "conditional"] {
        for fault in ["clean", "loss", "duplication", "reordering", "slow server"] {
            assert_eq!(cell(&all, fault, semantics)["more"], 0, "{fault}, {semantics}");
        }
    }
    assert!(cell(&all, "duplication", "at least once")["more"].as_u64() >= Some(1));
    // The two cases that no table helps against.
    let not_promised = all["not_promised"].as_array().unwrap();
    assert_eq!(not_promised[0]["on_the_board"], 2, "the client died");
    assert_eq!(
        (&not_promised[1]["on_the_board"], &not_promised[1]["letters"]),
        (&Value::from(1), &Value::from(2))
    );
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("publish once") && page.matches("class=\"diagram\"").count() == 6);
    assert!(said.contains("again: cargo ch5 semantics --loss 20%"));
}

#[test]
fn of_one_seed_virtual_time_gives_the_same_figures() {
    let figures = |seed: &str| {
        let output = run(&mut ch5(&["semantics", "--virtual", "--calls", "200", "--seed", seed]));
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    assert_eq!(figures("5"), figures("5"));
    assert_ne!(figures("5"), figures("6"));
}

#[test]
fn a_number_without_sense_is_refused() {
    for arguments in [["--calls", "0"], ["--loss", "200%"], ["--calls", "99999999"]] {
        let output = run(ch5(&["semantics"]).args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

/// The part of the guide, or the guide that it has become a part of.
fn guide() -> String {
    let read = |file: &str| std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR")));
    read("docs/parts/semantics.md").or_else(|_| read("README.md")).unwrap()
}

#[test]
fn the_figures_of_the_guide_are_those_of_the_command() {
    let guide = guide();
    let (_, after) = guide.split_once("    $ cargo ch5 semantics --virtual --calls 100\n").unwrap();
    let output = run(&mut ch5(&["semantics", "--virtual", "--calls", "100"]));
    let said = text(&output.stdout);
    let mut rest = said.as_str();
    let transcript: Vec<&str> = after.lines().map_while(|line| line.strip_prefix("    ")).collect();
    assert!(transcript.len() > 10, "{transcript:?}");
    for line in transcript.into_iter().filter(|line| *line != "…") {
        let (_, behind) =
            rest.split_once(line).unwrap_or_else(|| panic!("not said, or not in this order: {line}\n{said}"));
        rest = behind;
    }
}
