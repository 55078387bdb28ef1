//! The chapter's fuzz targets over their kept corpora, and over some mutations that are the same in every run.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;
#[path = "../../../common/fuzz/src/replay.rs"]
mod replay;

const FUZZ: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz");

/// A test for each: its name, and how many mutations take about a tenth of a second.
macro_rules! targets {
    ($($target:ident, $mutations:literal;)*) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),*];
        $(#[test]
        fn $target() {
            replay::replay(FUZZ, stringify!($target), $mutations, fuzz::$target);
        })*
    };
}

targets! {
    amqp_methods, 20_000;
    amqp_streams, 5_000;
    log_recovery, 2_000;
}

#[test]
fn every_target_has_a_file_a_corpus_and_a_test() {
    let [files, corpora] = replay::targets(FUZZ);
    assert_eq!(files, TARGETS);
    assert_eq!(corpora, TARGETS);
}
