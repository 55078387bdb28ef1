//! The directory of the file dump: a file is in it whole, or not at all.
//!
//! ```text
//!  begin(name, size)     under one lock: no such file, nobody uploading it, and space for it and all that are on their way
//!     │                  reserved here, and with fallocate(2) on the disk
//!     ▼
//!  .upload-7             written here; hidden, so no client can name it
//!     │ publish()        fsync, then linkat(2) to the name: fails if somebody was faster, never overwrites
//!     ▼
//!  report.txt            or dropped: the client crashed, stalled, lied, or the server stops: unlinked
//! ```
//!
//! A server that is killed cannot unlink. Its left-overs are swept when the next one starts; a lock on the directory keeps
//! that next one from sweeping the uploads of one that lives.
//!
//! Every file is opened relative to the directory's descriptor, with `O_NOFOLLOW`: a symbolic link in the dump that leads
//! to `/etc/shadow` is no file of the dump. (`rename`d directories and `..` have no say in it either: a
//! [`FileName`] is one component.) Hard links cannot be told apart from files; who may make them here owns the files
//! (proc(5), `fs.protected_hardlinks`).

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, FallocateFlags, Flock, FlockArg, OFlag, fallocate, openat};
use nix::libc;
use nix::sys::stat::{Mode, fstatat};
use nix::sys::statvfs::fstatvfs;
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};
use thiserror::Error;

use super::name::FileName;
use super::protocol::Status;

/// How the names of unfinished uploads begin.
const UNFINISHED: &str = ".upload-";

/// The directory, and what is on its way into it.
#[derive(Debug)]
pub struct Dump {
    directory: Flock<File>,
    quota: u64,
    /// Names that are being uploaded, with the sizes they were promised.
    reservations: Mutex<BTreeMap<FileName, u64>>,
    next: AtomicU64,
}

/// Why a file cannot be stored or handed out.
#[derive(Debug, Error)]
pub enum DumpError {
    /// It is there, or it is on its way.
    #[error("exists")]
    Exists,
    /// It would not fit.
    #[error("not enough space")]
    NoSpace,
    /// It is not there, or no regular file.
    #[error("no such file")]
    NotFound,
    /// The directory, or the descriptors, or the disk.
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl DumpError {
    /// How it is answered.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            DumpError::Exists => Status::Exists,
            DumpError::NoSpace => Status::NoSpace,
            DumpError::NotFound => Status::NotFound,
            DumpError::Failed(_) => Status::Failed,
        }
    }
}

impl From<Errno> for DumpError {
    fn from(errno: Errno) -> DumpError {
        match errno {
            Errno::EEXIST => DumpError::Exists,
            Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG => DumpError::NoSpace,
            // What open(2) with O_NOFOLLOW says of a symbolic link is ELOOP; of a socket, ENXIO.
            Errno::ENOENT | Errno::ELOOP | Errno::ENXIO => DumpError::NotFound,
            other => DumpError::Failed(other.into()),
        }
    }
}

impl Dump {
    /// Opens the directory, makes it if need be, and sweeps out what a killed server has left.
    ///
    /// # Errors
    /// It is none, another server has it, or what the system says.
    pub fn open(path: &Path, quota: u64) -> io::Result<Dump> {
        DirBuilder::new().recursive(true).mode(0o755).create(path)?;
        let directory = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY).open(path)?;
        let directory =
            Flock::lock(directory, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| match errno {
                Errno::EWOULDBLOCK => {
                    io::Error::new(ErrorKind::ResourceBusy, "another server serves this directory")
                }
                other => other.into(),
            })?;
        let dump = Dump { directory, quota, reservations: Mutex::default(), next: AtomicU64::new(0) };
        dump.sweep()?;
        Ok(dump)
    }

    /// Names and sizes of the files, sorted by name. What is unfinished is not among them, nor what no client could ask
    /// for: links, directories, hidden files.
    ///
    /// # Errors
    /// What readdir(3) says.
    pub fn list(&self) -> io::Result<Vec<(FileName, u64)>> {
        let mut files = Vec::new();
        for entry in self.entries()? {
            let entry = entry?;
            let Ok(name) = FileName::parse(entry.file_name().as_encoded_bytes()) else { continue };
            // Not followed: this is lstat(2).
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_file() {
                files.push((name, metadata.len()));
            }
        }
        files.sort();
        Ok(files)
    }

    /// Opens a file for reading; its size is of this moment.
    ///
    /// # Errors
    /// [`DumpError::NotFound`], [`DumpError::Failed`].
    pub fn read(&self, name: &FileName) -> Result<(File, u64), DumpError> {
        // O_NONBLOCK: opening a named pipe would wait for its other end, for ever.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
        let file = File::from(openat(&*self.directory, name.as_str(), flags, Mode::empty())?);
        let metadata = file.metadata()?;
        if metadata.is_file() { Ok((file, metadata.len())) } else { Err(DumpError::NotFound) }
    }

    /// Begins an upload: from now on the name and the space are its own.
    ///
    /// # Errors
    /// Each [`DumpError`] but `NotFound`; nothing is left behind.
    pub fn begin(&self, name: FileName, size: u64) -> Result<Upload<'_>, DumpError> {
        let mut reservations = self.reservations();
        if reservations.contains_key(&name) {
            return Err(DumpError::Exists);
        }
        match fstatat(&*self.directory, name.as_str(), AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => {}
            Ok(_) => return Err(DumpError::Exists),
            Err(other) => return Err(other.into()),
        }
        let reserved = reservations.values().fold(0_u64, |sum, size| sum.saturating_add(*size));
        let stored = self.stored()?;
        if stored.saturating_add(reserved).saturating_add(size) > self.quota {
            return Err(DumpError::NoSpace);
        }
        let system = fstatvfs(&*self.directory)?;
        if size > system.blocks_available().saturating_mul(system.fragment_size()) {
            return Err(DumpError::NoSpace);
        }
        reservations.insert(name.clone(), size);
        drop(reservations);
        // From here on a failure drops the upload, which gives everything back.
        let temporary = format!("{UNFINISHED}{}", self.next.fetch_add(1, Ordering::Relaxed));
        let mut upload = Upload { dump: self, name, temporary, file: None, published: false };
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file =
            openat(&*self.directory, upload.temporary.as_str(), flags, Mode::from_bits_truncate(0o644))?;
        allocate(upload.file.insert(file.into()), size)?;
        Ok(upload)
    }

    /// Bytes of everything in the directory, whoever put it there. Read anew each time: there may be other hands in it.
    fn stored(&self) -> io::Result<u64> {
        let mut sum = 0_u64;
        for entry in self.entries()? {
            let entry = entry?;
            // What is on its way is reserved already.
            if !is_unfinished(&entry) {
                sum = sum.saturating_add(entry.metadata().map_or(0, |metadata| metadata.len()));
            }
        }
        Ok(sum)
    }

    fn sweep(&self) -> io::Result<()> {
        for entry in self.entries()? {
            let entry = entry?;
            if is_unfinished(&entry) {
                let name = entry.file_name();
                unlinkat(&*self.directory, name.as_os_str(), UnlinkatFlags::NoRemoveDir)?;
                tracing::info!("swept out {}, an upload that a killed server left", name.display());
            }
        }
        Ok(())
    }

    /// By the descriptor and not by the path, which may lead elsewhere by now.
    fn entries(&self) -> io::Result<fs::ReadDir> {
        fs::read_dir(format!("/proc/self/fd/{}", self.directory.as_raw_fd()))
    }

    fn reservations(&self) -> MutexGuard<'_, BTreeMap<FileName, u64>> {
        self.reservations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_unfinished(entry: &fs::DirEntry) -> bool {
    entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes())
}

/// Takes the blocks now, so that "not enough space" is not said in the middle. A file system that cannot is believed.
fn allocate(file: &File, size: u64) -> Result<(), DumpError> {
    let Ok(size @ 1..) = i64::try_from(size) else { return Ok(()) };
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, size) {
            Ok(()) | Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

/// A file on its way. Dropped before it is published, it leaves nothing.
#[derive(Debug)]
pub struct Upload<'a> {
    dump: &'a Dump,
    name: FileName,
    temporary: String,
    /// `None` only until it has been created.
    file: Option<File>,
    published: bool,
}

impl Upload<'_> {
    /// More bytes of the file.
    ///
    /// # Errors
    /// What write(2) says.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.as_mut().expect("`begin` hands out no upload without its file").write_all(bytes)
    }

    /// Gives the file its name; from now on it is there, after a power cut as well.
    ///
    /// # Errors
    /// [`DumpError::Exists`] when other hands have put a file there; else what the disk says.
    pub fn publish(mut self) -> Result<(), DumpError> {
        let dump = self.dump;
        let directory = &*dump.directory;
        self.file.as_ref().expect("`begin` hands out no upload without its file").sync_all()?;
        {
            // In one step, for who sums up: else the file would count, and its reservation too.
            let mut reservations = dump.reservations();
            linkat(directory, self.temporary.as_str(), directory, self.name.as_str(), AtFlags::empty())?;
            reservations.remove(&self.name);
            self.published = true;
        }
        directory.sync_all()?;
        Ok(())
    }
}

impl Drop for Upload<'_> {
    fn drop(&mut self) {
        if self.file.is_some() {
            // The temporary name only; a published file has another.
            let done = unlinkat(&*self.dump.directory, self.temporary.as_str(), UnlinkatFlags::NoRemoveDir);
            if let Err(error) = done {
                tracing::error!("{} cannot be removed: {error}", self.temporary);
            }
        }
        // Published, the name may be another's by now: other hands remove files too.
        if !self.published {
            self.dump.reservations().remove(&self.name);
        }
    }
}

#[cfg(test)]
mod tests;
