//! Room for records before they come: files that are written with zeros from the first byte to the last. A write into such a file
//! changes no length and takes no new block, so fdatasync(2) writes the data and nothing else; and a full disk is seen here, while
//! there is still room for what has been taken.
//!
//! A file is made in steps of a mebibyte, between two batches: no confirm waits for more than one step.

use std::io;
use std::sync::Arc;

use super::disk::{self, Disk, DiskFile};
use super::segment::HEADER;

/// Freed files that are kept for use; more are removed.
const KEPT: usize = 2;
const SUFFIX: &str = ".segment";

/// A file for a segment.
#[derive(Debug, Clone)]
pub struct SegmentFile {
    /// Its number, which is its name.
    pub number: u32,
    /// It, open.
    pub file: Arc<dyn DiskFile>,
    /// Its length.
    pub size: u64,
}

/// Files that wait to be used.
#[derive(Debug)]
pub struct Room {
    disk: Arc<dyn Disk>,
    /// The size of a file, if not a longer one is asked for.
    size: u64,
    ready: Vec<SegmentFile>,
    /// The file that is being written, and how far.
    making: Option<(SegmentFile, u64)>,
    next_number: u32,
    refused: Option<String>,
    syncs: u64,
}

impl Room {
    /// How much a step writes.
    pub const STEP: usize = 1 << 20;

    /// `ready`: files that are free. `next_number`: no file has it, or a higher one.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, size: u64, ready: Vec<SegmentFile>, next_number: u32) -> Room {
        Room { disk, size, ready, making: None, next_number, refused: None, syncs: 0 }
    }

    /// The name of a file.
    #[must_use]
    pub fn name(number: u32) -> String {
        format!("{number:06}{SUFFIX}")
    }

    /// The number in a name; `None` if it is no segment's.
    #[must_use]
    pub fn number(name: &str) -> Option<u32> {
        name.strip_suffix(SUFFIX)?.parse().ok()
    }

    /// A file of at least `size` bytes, if one is ready.
    pub fn take(&mut self, size: u64) -> Option<SegmentFile> {
        let place = self.ready.iter().position(|file| file.size >= size)?;
        Some(self.ready.remove(place))
    }

    /// How many files are ready.
    #[must_use]
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Why there is no room; `None` while there is.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    /// How often something was synced.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.syncs
    }

    /// Whether [`step`](Room::step) has something to do.
    #[must_use]
    pub fn is_wanted(&self, size: u64) -> bool {
        !self.ready.iter().any(|file| file.size >= size)
    }

    /// Makes a piece of a file of at least `size` bytes. When there is no room, what was made of it is given back: others need it,
    /// the definitions too.
    pub fn step(&mut self, size: u64) {
        match self.write_zeros(size.max(self.size)) {
            Ok(()) => self.refused = None,
            Err(error) => {
                if let Some((file, _)) = self.making.take() {
                    // It is not a segment without a header, so the next start removes it if this does not.
                    let _ = self.disk.remove(&Room::name(file.number));
                }
                self.refused = Some(error.to_string());
            }
        }
    }

    fn write_zeros(&mut self, size: u64) -> io::Result<()> {
        if self.making.as_ref().is_some_and(|(file, _)| file.size < size) {
            let (file, _) = self.making.take().expect("just seen");
            self.disk.remove(&Room::name(file.number))?;
        }
        if self.making.is_none() {
            let number = self.next_number;
            self.next_number += 1;
            let file = self.disk.create(&Room::name(number))?;
            self.making = Some((SegmentFile { number, file, size }, 0));
        }
        let Some((making, done)) = &mut self.making else { return Ok(()) };
        let step = (making.size - *done).min(Room::STEP as u64);
        disk::write(&*making.file, &vec![0; step as usize], *done)?;
        making.file.sync()?;
        self.syncs += 1;
        *done += step;
        if *done == making.size {
            self.ready.extend(self.making.take().map(|(file, _)| file));
        }
        Ok(())
    }

    /// A segment is not needed any more. Its header goes first, and is on the disk before a later segment goes: what the later ones
    /// say of its messages is gone with them, and it must not be read again without.
    ///
    /// # Errors
    /// It cannot be written: it stays a segment.
    pub fn free(&mut self, file: SegmentFile) -> io::Result<()> {
        disk::write(&*file.file, &[0; HEADER as usize], 0)?;
        file.file.sync()?;
        self.syncs += 1;
        if self.ready.len() < KEPT && file.size == self.size {
            self.ready.push(file);
            self.refused = None;
            Ok(())
        } else {
            self.disk.remove(&Room::name(file.number))
        }
    }
}
