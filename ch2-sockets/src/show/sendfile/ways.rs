//! The three ways from a file to a socket, and two ways to receive. Each sender returns how many system calls it made.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use anyhow::ensure;
use nix::errno::Errno;
use nix::fcntl::{SpliceFFlags, splice};
use nix::sys::sendfile::sendfile;
use nix::sys::socket::{MsgFlags, recv};
use nix::unistd::pipe;
use serde::Serialize;

/// A way from a file to a socket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CopyMethod {
    ReadWrite,
    Sendfile,
    Splice,
}

pub const METHODS: [CopyMethod; 3] = [CopyMethod::ReadWrite, CopyMethod::Sendfile, CopyMethod::Splice];

impl CopyMethod {
    pub fn title(self) -> &'static str {
        match self {
            CopyMethod::ReadWrite => "read, write",
            CopyMethod::Sendfile => "sendfile",
            CopyMethod::Splice => "splice",
        }
    }
}

pub fn by_read_and_write(mut file: &File, mut socket: &TcpStream, size: u64, chunk: u64) -> io::Result<u64> {
    file.rewind()?;
    let mut buffer = vec![0; chunk as usize];
    let (mut sent, mut calls) = (0, 0);
    while sent < size {
        let got = file.read(&mut buffer)?;
        calls += 1;
        let mut rest = &buffer[..got];
        while !rest.is_empty() {
            rest = &rest[socket.write(rest)?..];
            calls += 1;
        }
        sent += got as u64;
    }
    Ok(calls)
}

pub fn by_sendfile(file: &File, socket: &TcpStream, size: u64) -> io::Result<u64> {
    let (mut offset, mut calls) = (0, 0);
    while (offset as u64) < size {
        // Moves the offset. At most 2 GiB a call, and less whenever it likes (sendfile(2)).
        let left = size - offset as u64;
        sendfile(socket, file, Some(&mut offset), left as usize)?;
        calls += 1;
    }
    Ok(calls)
}

pub fn by_splice(file: &File, socket: &TcpStream, size: u64) -> io::Result<u64> {
    /// What a pipe holds by default (pipe(7)).
    const PIPE: usize = 64 * 1024;
    let (reading, writing) = pipe()?;
    let (mut offset, mut calls) = (0_i64, 0);
    while (offset as u64) < size {
        let more = if size - offset as u64 > PIPE as u64 {
            SpliceFFlags::SPLICE_F_MORE
        } else {
            SpliceFFlags::empty()
        };
        let mut held = splice(file, Some(&mut offset), &writing, None, PIPE, SpliceFFlags::SPLICE_F_MOVE)?;
        calls += 1;
        while held > 0 {
            held -= splice(&reading, None, socket, None, held, SpliceFFlags::SPLICE_F_MOVE | more)?;
            calls += 1;
        }
    }
    Ok(calls)
}

/// Receives to the end without looking.
pub fn receive_all(socket: &TcpStream, flags: MsgFlags) -> anyhow::Result<u64> {
    let mut buffer = vec![0; 1 << 20];
    let mut sum = 0;
    loop {
        match recv(socket.as_raw_fd(), &mut buffer, flags) {
            Ok(0) => return Ok(sum),
            Ok(bytes) => sum += bytes as u64,
            Err(Errno::EINTR) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

/// Reads to the end, and compares.
pub fn compare_all(mut socket: TcpStream, file: &File) -> anyhow::Result<u64> {
    let (mut got, mut sent) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut sum = 0;
    loop {
        let bytes = socket.read(&mut got)?;
        if bytes == 0 {
            return Ok(sum);
        }
        // By its place, and not by the file's cursor, which the sender moves.
        file.read_exact_at(&mut sent[..bytes], sum)?;
        ensure!(got[..bytes] == sent[..bytes], "other bytes arrived than were sent, near byte {sum}");
        sum += bytes as u64;
    }
}
