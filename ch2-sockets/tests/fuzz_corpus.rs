//! The chapter's fuzz targets over their kept corpora, and over some mutations that are the same in every run.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;
#[path = "../../common/fuzz/src/replay.rs"]
mod replay;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");

#[test]
fn files_messages() {
    replay::replay(FUZZ, "files_messages", 2_000, fuzz::files_messages);
}

#[test]
fn numbering() {
    replay::replay(FUZZ, "numbering", 20_000, fuzz::numbering);
}

#[test]
fn parts() {
    replay::replay(FUZZ, "parts", 20_000, fuzz::parts);
}

#[test]
fn every_target_has_a_file_a_corpus_and_a_test() {
    let tests = ["files_messages", "numbering", "parts"];
    assert_eq!(replay::targets(FUZZ), [tests, tests]);
}
