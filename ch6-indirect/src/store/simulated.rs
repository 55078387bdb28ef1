//! A disk in memory that can do what a real one does on its worst day. For tests.
//!
//! ```text
//!   write ──► what is read     ──sync──► what survives
//!             (page cache)               (the platter)
//!   crash: of the sectors that were written and not synced, some survive and some do not; the seed says which
//! ```
//!
//! The power can go at any operation; a sync can fail, and then its sectors count as clean and are lost, as Linux does it; the disk
//! can be full; a write can be short.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::disk::{Disk, DiskFile};

const SECTOR: usize = 512;

/// What is to go wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// The power goes at this operation that changes something, counted from 0: it is done in part, and nothing after it.
    pub crash_at: Option<u64>,
    /// This sync fails, counted from 0.
    pub fail_sync: Option<u64>,
    /// Bytes of all files together.
    pub capacity: Option<u64>,
    /// Writes stop after so many bytes.
    pub short_writes: Option<usize>,
}

/// A directory in memory.
#[derive(Debug, Clone, Default)]
pub struct SimulatedDisk(Arc<Mutex<Simulated>>);

#[derive(Debug, Default)]
struct Simulated {
    files: BTreeMap<String, Contents>,
    faults: Faults,
    operations: u64,
    syncs: u64,
}

#[derive(Debug, Clone, Default)]
struct Contents {
    written: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    is_removed: bool,
}

impl SimulatedDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(faults: Faults) -> SimulatedDisk {
        let disk = SimulatedDisk::default();
        disk.state().faults = faults;
        disk
    }

    fn state(&self) -> MutexGuard<'_, Simulated> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Operations so far that changed something.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Other faults from now on; what is counted begins again.
    pub fn set_faults(&self, faults: Faults) {
        let mut state = self.state();
        (state.faults, state.operations, state.syncs) = (faults, 0, 0);
    }

    /// The power has gone and come back: what is on the disk then.
    #[must_use]
    pub fn crash(&self, seed: u64) -> SimulatedDisk {
        let mut random = StdRng::seed_from_u64(seed);
        let mut files = BTreeMap::new();
        for (name, contents) in &self.state().files {
            // That a file was removed is not synced: it may be there again.
            if contents.is_removed && random.random() {
                continue;
            }
            let mut durable = contents.durable.clone();
            for &sector in &contents.dirty {
                let from = sector * SECTOR;
                let to = (from + SECTOR).min(contents.written.len());
                if from < to && random.random() {
                    durable.resize(durable.len().max(to), 0);
                    durable[from..to].copy_from_slice(&contents.written[from..to]);
                }
            }
            files.insert(name.clone(), Contents { written: durable.clone(), durable, ..Contents::default() });
        }
        SimulatedDisk(Arc::new(Mutex::new(Simulated { files, ..Simulated::default() })))
    }

    /// The same disk, independent of this one: everything that was written is on it.
    #[must_use]
    pub fn copy(&self) -> SimulatedDisk {
        let disk = SimulatedDisk::default();
        for (name, bytes) in self.contents() {
            disk.put(&name, bytes);
        }
        disk
    }

    /// All files, as they are read.
    #[must_use]
    pub fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.state();
        let files = state.files.iter().filter(|(_, contents)| !contents.is_removed);
        files.map(|(name, contents)| (name.clone(), contents.written.clone())).collect()
    }

    /// A file with these bytes, on the platter.
    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let contents = Contents { written: bytes.clone(), durable: bytes, ..Contents::default() };
        self.state().files.insert(name.to_owned(), contents);
    }

    fn file(&self, name: &str) -> Arc<dyn DiskFile> {
        Arc::new(SimulatedFile { disk: self.clone(), name: name.to_owned() })
    }
}

impl Simulated {
    fn is_off(&self) -> bool {
        self.faults.crash_at.is_some_and(|at| self.operations > at)
    }

    fn check(&self) -> io::Result<()> {
        if self.is_off() { Err(io::Error::other("the power is off")) } else { Ok(()) }
    }

    /// Counts an operation; returns whether it is the one at which the power goes.
    fn operation(&mut self) -> io::Result<bool> {
        self.check()?;
        self.operations += 1;
        Ok(self.is_off())
    }

    fn living(&mut self, name: &str) -> io::Result<&mut Contents> {
        self.files
            .get_mut(name)
            .filter(|contents| !contents.is_removed)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for SimulatedDisk {
    fn names(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.check()?;
        Ok(state
            .files
            .iter()
            .filter(|(_, contents)| !contents.is_removed)
            .map(|(name, _)| name.clone())
            .collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        state.check()?;
        state.living(name)?;
        Ok(self.file(name))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.state();
        let goes = state.operation()?;
        if state.living(name).is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(name.to_owned(), Contents::default());
        if goes { Err(io::Error::other("the power is off")) } else { Ok(self.file(name)) }
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operation()?;
        state.living(name)?.is_removed = true;
        Ok(())
    }
}

/// An open file.
#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    name: String,
}

impl DiskFile for SimulatedFile {
    fn length(&self) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.check()?;
        Ok(state.living(&self.name)?.written.len() as u64)
    }

    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.check()?;
        let written = &state.living(&self.name)?.written;
        let from = written.get(offset as usize..).unwrap_or_default();
        let length = from.len().min(bytes.len());
        bytes[..length].copy_from_slice(&from[..length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let goes = state.operation()?;
        let Faults { capacity, short_writes, .. } = state.faults;
        let used: u64 =
            state.files.values().filter(|each| !each.is_removed).map(|each| each.written.len() as u64).sum();
        let length =
            if goes { bytes.len() / 2 } else { short_writes.unwrap_or(bytes.len()).min(bytes.len()) };
        let contents = state.living(&self.name)?;
        let from = offset as usize;
        let to = from + length;
        let more = to.saturating_sub(contents.written.len()) as u64;
        if capacity.is_some_and(|capacity| used + more > capacity) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        contents.written.resize(contents.written.len().max(to), 0);
        contents.written[from..to].copy_from_slice(&bytes[..length]);
        contents.dirty.extend(from / SECTOR..to.div_ceil(SECTOR));
        if goes { Err(io::Error::other("the power is off")) } else { Ok(length) }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let goes = state.operation()?;
        let fails = state.faults.fail_sync == Some(state.syncs);
        state.syncs += 1;
        let contents = state.living(&self.name)?;
        if goes {
            return Err(io::Error::other("the power is off"));
        }
        let dirty = std::mem::take(&mut contents.dirty);
        if fails {
            return Err(io::Error::other("input/output error"));
        }
        contents.durable.resize(contents.written.len(), 0);
        for sector in dirty {
            let from = sector * SECTOR;
            let to = (from + SECTOR).min(contents.written.len());
            contents.durable[from..to].copy_from_slice(&contents.written[from..to]);
        }
        Ok(())
    }
}
