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
    jsonrpc_documents, 10_000;
    objects, 2_000;
    pyro, 2_000;
    rpc_requests, 4_000;
    semantics, 4_000;
    semantics_datagrams, 20_000;
    serpent, 10_000;
    tarpc_frames, 500;
    xmlrpc_documents, 10_000;
}

#[test]
fn every_target_has_a_file_a_corpus_and_a_test() {
    let [files, corpora] = replay::targets(FUZZ);
    assert_eq!(files, TARGETS);
    assert_eq!(corpora, TARGETS);
}
