//! Files on their way: `.download-XXXXXX` beside their place until all of them is there.
//!
//! Dropped, one is removed. A program that is killed removes nothing, so the next one sweeps: a file of which nobody holds the lock
//! is nobody's any more.

use std::fs::{self, File};
use std::path::Path;

use nix::fcntl::{Flock, FlockArg};

/// How their names begin.
pub const PREFIX: &str = ".download-";

/// This file is on its way: it is not swept while this is kept. `None` where there are no locks, where nothing is swept either.
#[must_use]
pub fn hold(file: &File) -> Option<Flock<File>> {
    lock(file.try_clone().ok()?)
}

fn lock(file: File) -> Option<Flock<File>> {
    Flock::lock(file, FlockArg::LockExclusiveNonblock).ok()
}

/// Removes those of a program that was killed. What cannot be removed stays.
pub fn sweep(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_ours && File::open(entry.path()).ok().and_then(lock).is_some() {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_program_has_left_is_swept_and_what_is_on_its_way_stays() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".download-killed");
        fs::write(&left, "half").unwrap();
        fs::write(folder.path().join("whole"), "whole").unwrap();
        let path = folder.path().join(".download-held");
        let on_its_way = File::create(&path).unwrap();
        let _held = hold(&on_its_way).unwrap();
        sweep(folder.path());
        assert!(!left.exists() && path.exists() && folder.path().join("whole").exists());
    }
}
