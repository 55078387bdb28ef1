//! One file to download, and what came of it and of the whole run.

use std::path::PathBuf;

use common::protocol::http::Url;
use serde::Serialize;

use super::args::Mode;

/// One file.
#[derive(Debug, Clone)]
pub struct Job {
    /// Where it is.
    pub url: Url,
    /// Where it goes.
    pub path: PathBuf,
}

/// What came of a run.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
    /// Who waited.
    pub mode: Mode,
    /// From the first request to the end of the last file, milliseconds.
    pub took_ms: f64,
    /// Most threads of this process.
    pub threads: u64,
    /// Most downloads at the same time.
    pub at_once: usize,
    /// Most memory of this process, KiB, if the kernel says it for this run alone.
    pub peak_kib: Option<u64>,
    /// The files in the order of their URLs.
    pub records: Vec<Record>,
}

/// What came of a file. Times are milliseconds from the beginning of the run.
#[derive(Debug, Clone, Serialize)]
pub struct Record {
    /// Its place among the URLs, from 0.
    pub number: usize,
    /// Where from.
    pub url: String,
    /// Where to.
    pub path: PathBuf,
    /// When the connection was begun.
    pub began_ms: f64,
    /// When the first byte of the file was there.
    pub first_byte_ms: Option<f64>,
    /// When it was complete, or had failed.
    pub ended_ms: f64,
    /// Bytes of content.
    pub bytes: u64,
    /// Why it is not there.
    pub error: Option<String>,
}

impl Run {
    /// The files that are not there.
    pub fn failures(&self) -> impl Iterator<Item = &Record> {
        self.records.iter().filter(|record| record.error.is_some())
    }

    /// Bytes of content of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.records.iter().map(|record| record.bytes).sum()
    }
}
