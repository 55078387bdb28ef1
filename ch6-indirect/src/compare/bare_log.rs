//! A log without a broker: what the disk allows when a thousand records are written at once.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::class::{BODY, WINDOW};

/// A length, a check sum and a sequence number before each body.
const HEAD: usize = 16;
/// The file is written with zeros before, as a recycled segment is.
const SEGMENT: usize = 16 << 20;

/// Writes batches for so long, and says how many records and how many seconds it were.
///
/// # Errors
/// What the disk says.
pub fn write(directory: &Path, time: Duration, interrupted: &AtomicBool) -> anyhow::Result<(u64, f64)> {
    let path = directory.join("bare.log");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(path)?;
    file.write_all(&vec![0; SEGMENT])?;
    file.sync_all()?;
    let batch = vec![b'x'; (HEAD + BODY) * WINDOW as usize];
    let (mut records, mut at) = (0, 0);
    let began = Instant::now();
    while began.elapsed() < time && !interrupted.load(Ordering::Relaxed) {
        if at + batch.len() > SEGMENT {
            at = 0;
        }
        file.seek(SeekFrom::Start(at as u64))?;
        file.write_all(&batch)?;
        file.sync_data()?;
        at += batch.len();
        records += WINDOW;
    }
    Ok((records, began.elapsed().as_secs_f64()))
}
