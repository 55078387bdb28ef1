//! The fuzz targets over their kept corpora, and over some mutations that are the same in every run.

#[path = "../../fuzz/src/lib.rs"]
#[allow(dead_code, reason = "the fuzzers use all of it, and each alone")]
mod fuzz;
#[path = "../../fuzz/src/replay.rs"]
mod replay;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");

/// A test for each: its name, its module, and how many mutations take about a tenth of a second.
macro_rules! targets {
    ($($target:ident in $module:ident, $mutations:literal;)*) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),*];
        $(#[test]
        fn $target() {
            replay::replay(FUZZ, stringify!($target), $mutations, fuzz::$module::$target);
        })*
    };
}

targets! {
    frames in streams, 20_000;
    framings in streams, 15_000;
    link_arguments in link, 20_000;
    link_recording in link, 5_000;
    mboard_requests in messages, 20_000;
    mboard_responses in messages, 20_000;
    textframes in streams, 15_000;
}

#[test]
fn every_target_has_a_file_a_corpus_and_a_test() {
    let [files, corpora] = replay::targets(FUZZ);
    assert_eq!(files, TARGETS);
    assert_eq!(corpora, TARGETS);
}
