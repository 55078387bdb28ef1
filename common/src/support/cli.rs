//! What the commands of every chapter share: how much is logged, how a duration is written and read, where output goes, and how a
//! program ends.

mod duration;
mod help;
mod limits;
mod number;
mod short;
mod stdout;

use std::fs::OpenOptions;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use tracing::Level;

pub use duration::{duration, human};
pub use help::hard_to_read;
pub use limits::LimitArgs;
pub use number::{at_least_one, duration_within, parse, within, without_range};
pub use short::letters_not_in;
pub use stdout::{NobodyReads, Stdout, finish, stdout, wrong};

/// How much is logged, on stderr.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// What is logged, on stderr: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log: Level,
}

impl LogArgs {
    /// Starts logging.
    pub fn start(&self) {
        crate::support::log::start(self.log);
    }
}

/// Whether these files can be written: asked before a long run of which they are to tell. What is there stays as it is; what is not,
/// is not there afterwards either. Only plain files are looked at, since to open a pipe is to be heard at its other end.
///
/// # Errors
/// Which one cannot, and why.
pub fn writable<'a>(files: impl IntoIterator<Item = &'a PathBuf>) -> anyhow::Result<()> {
    for file in files {
        let exists = file.symlink_metadata().is_ok();
        if exists && !file.is_file() {
            continue;
        }
        let cannot = || format!("cannot write {}", file.display());
        OpenOptions::new().append(true).create(true).open(file).with_context(cannot)?;
        if !exists {
            std::fs::remove_file(file).with_context(cannot)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_file_can_be_written_is_asked_without_writing_it() {
        let folder = tempfile::tempdir().unwrap();
        let [there, not_there, nowhere] = ["a", "b", "no/c"].map(|name| folder.path().join(name));
        std::fs::write(&there, "kept").unwrap();
        writable([&there, &not_there, &"/dev/null".into(), &folder.path().into()]).unwrap();
        assert_eq!((std::fs::read_to_string(&there).unwrap().as_str(), not_there.exists()), ("kept", false));
        let error = writable([&there, &nowhere]).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write {}", nowhere.display()));
    }
}
