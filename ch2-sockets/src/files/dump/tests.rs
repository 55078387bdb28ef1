//! Whole files only, one winner, space for all, and no way out of the directory.

use super::*;

fn name(text: &str) -> FileName {
    FileName::parse(text.as_bytes()).unwrap()
}

fn left(dump: &Dump) -> Vec<String> {
    let names = dump.entries().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

#[test]
fn a_file_is_there_whole_or_not_at_all() {
    let directory = tempfile::tempdir().unwrap();
    let dump = Dump::open(directory.path(), 1000).unwrap();
    let mut kept = dump.begin(name("kept"), 3).unwrap();
    kept.write(b"abc").unwrap();
    assert_eq!(dump.list().unwrap(), []);
    kept.publish().unwrap();
    drop(dump.begin(name("dropped"), 100).unwrap());
    assert_eq!(dump.list().unwrap(), [(name("kept"), 3)]);
    assert_eq!(left(&dump), ["kept"]);
}

#[test]
fn of_two_uploads_of_one_name_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let dump = Dump::open(directory.path(), 1000).unwrap();
    let first = dump.begin(name("a"), 1).unwrap();
    assert!(matches!(dump.begin(name("a"), 1), Err(DumpError::Exists)));
    // Other hands are as fast.
    fs::write(directory.path().join("a"), "theirs").unwrap();
    assert!(matches!(first.publish(), Err(DumpError::Exists)));
    assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"theirs");
    assert_eq!(left(&dump), ["a"]);
    fs::remove_file(directory.path().join("a")).unwrap();
    assert!(dump.begin(name("a"), 1).is_ok());
}

#[test]
fn space_is_reserved_for_all_that_are_on_their_way() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("old"), [0; 400]).unwrap();
    let dump = Dump::open(directory.path(), 1000).unwrap();
    let half = dump.begin(name("a"), 300).unwrap();
    assert!(matches!(dump.begin(name("b"), 301), Err(DumpError::NoSpace)));
    assert!(matches!(dump.begin(name("b"), u64::MAX), Err(DumpError::NoSpace)));
    let rest = dump.begin(name("b"), 300).unwrap();
    drop(half);
    drop(rest);
    drop(dump.begin(name("c"), 600).unwrap());
    assert_eq!(left(&dump), ["old"]);
}

#[test]
fn more_than_the_disk_has_is_refused_without_a_quota() {
    let directory = tempfile::tempdir().unwrap();
    let dump = Dump::open(directory.path(), u64::MAX).unwrap();
    assert!(matches!(dump.begin(name("a"), i64::MAX as u64), Err(DumpError::NoSpace)));
    assert_eq!(left(&dump), [""; 0]);
}

#[test]
fn a_link_is_no_file_of_the_dump() {
    let directory = tempfile::tempdir().unwrap();
    let secret = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(secret.path(), directory.path().join("link")).unwrap();
    nix::unistd::mkfifo(&directory.path().join("pipe"), Mode::S_IRWXU).unwrap();
    fs::create_dir(directory.path().join("directory")).unwrap();
    let dump = Dump::open(directory.path(), 1 << 30).unwrap();
    for there in ["link", "pipe", "directory"] {
        assert!(matches!(dump.read(&name(there)), Err(DumpError::NotFound)), "{there}");
        assert!(matches!(dump.begin(name(there), 1), Err(DumpError::Exists)), "{there}");
    }
    assert_eq!(dump.list().unwrap(), []);
}

#[test]
fn left_overs_are_swept_but_not_those_of_a_server_that_lives() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(".upload-3"), "half").unwrap();
    let dump = Dump::open(directory.path(), 1000).unwrap();
    assert_eq!(left(&dump), [""; 0]);
    let error = Dump::open(directory.path(), 1000).unwrap_err();
    assert_eq!(error.to_string(), "another server serves this directory");
}
