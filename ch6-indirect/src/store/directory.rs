//! The directory of a store: one broker at a time, and a file that says what is in it.
//!
//! ```text
//!   DIR/format              "ch6-indirect store 1", locked while a broker runs
//!   DIR/definitions.redb    exchanges, queues, bindings
//!   DIR/000000.segment …    the log
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::Path;

const FORMAT: &str = "ch6-indirect store 1\n";

/// A directory that is ours until this is dropped.
#[derive(Debug)]
pub struct Directory {
    /// The lock goes with the file, however the process ends.
    _format: File,
}

impl Directory {
    /// Makes the directory if it is not there, and locks it.
    ///
    /// # Errors
    /// It cannot be written, another broker has it, or something else is in it.
    pub fn open(path: &Path) -> io::Result<Directory> {
        std::fs::create_dir_all(path)?;
        let name = path.join("format");
        let is_new = !name.exists();
        if is_new && std::fs::read_dir(path)?.next().is_some() {
            let text = format!("{} is not empty, and no broker's: it has no file `format`", path.display());
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&name)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text = format!("another broker uses {}", path.display());
                return Err(io::Error::new(io::ErrorKind::WouldBlock, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut format = String::new();
        Read::by_ref(&mut file).take(100).read_to_string(&mut format)?;
        if format.is_empty() {
            file.write_all(FORMAT.as_bytes())?;
            file.sync_all()?;
            File::open(path)?.sync_all()?;
        } else if format != FORMAT {
            let text = format!(
                "{} has another format: {:?}, not {:?}",
                path.display(),
                format.trim_end(),
                FORMAT.trim_end()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        Ok(Directory { _format: file })
    }
}
