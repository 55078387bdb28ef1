//! The file dump (lecture notes, chapter 2, second homework): upload, list and download over TCP, in five steps.
//!
//! ```text
//!  protocol.rs    the bytes, sans I/O              step 2, 3: name, size, and the answer before the first byte
//!  digest.rs      SHA-256 of what was sent
//!  name.rs        what is a name, and what leads out of the directory
//!  dump.rs        the directory: whole files only  step 1: an unfinished upload is removed
//!  serve.rs       a thread per connection          step 4: control codes; step 5: download
//!  semaphore.rs   no more of them than so many
//!  connection.rs  silent and dripping peers, on both sides
//!  client.rs      upload.rs  list.rs  download.rs  the client, one file per command
//! ```
//!
//! | status | the client ended because |
//! |---|---|
//! | 0 | all was done |
//! | 1 | an error: no server, a local file, a broken connection, content that does not match its digest |
//! | 2 | a wrong argument, as with every command |
//! | 3 | the server refused: `exists`, `not enough space`, no such file |
//! | 130 | Ctrl-C |

mod client;
mod connection;
mod digest;
mod download;
mod dump;
mod list;
mod name;
pub mod protocol;
mod semaphore;
mod serve;
mod upload;

pub use name::{BadName, FileName};

use std::process::ExitCode;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples, to begin with, in two terminals:
  cargo ch2 files serve /tmp/dump
  cargo ch2 files upload README.md Cargo.lock
  cargo ch2 files list
  cargo ch2 files download README.md --output copy.md";

/// The arguments of this command.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct FilesArgs {
    #[command(subcommand)]
    command: FilesCommand,
}

#[derive(Debug, Subcommand)]
enum FilesCommand {
    /// Keep files for others, until Ctrl-C
    Serve(serve::ServeArgs),
    /// Send files to the server
    Upload(upload::UploadArgs),
    /// Names and sizes of the files that the server keeps
    List(list::ListArgs),
    /// Fetch a file by its name
    Download(download::DownloadArgs),
}

/// Runs the command.
///
/// # Errors
/// No address, no server, no file, or a transfer that broke: a sentence each.
pub fn run(args: &FilesArgs) -> anyhow::Result<ExitCode> {
    match &args.command {
        FilesCommand::Serve(args) => serve::run(args),
        FilesCommand::Upload(args) => upload::run(args),
        FilesCommand::List(args) => list::run(args),
        FilesCommand::Download(args) => download::run(args),
    }
}
