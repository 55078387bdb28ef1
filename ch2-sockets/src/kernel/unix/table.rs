//! The kernel's table of Unix domain sockets, `/proc/net/unix` (proc(5)), which `ss -x` and `netstat -x` print.
//!
//! ```text
//!   Num               RefCount Protocol Flags    Type St Inode Path
//!   000000009c8360f8: 00000003 00000000 00010000 0001 03  1071 /run/board.sock      Flags 10000: it listens
//! ```
//!
//! Other than TCP sockets, these are in their table from `socket()` on.

use std::io;
use std::os::fd::AsFd;

use common::support::terminal;

use crate::kernel;

/// `__SO_ACCEPTCON`: the socket listens.
const LISTENS: u32 = 1 << 16;

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnixRow {
    /// How many things refer to it.
    pub references: u32,
    /// `stream`, `dgram` or `seqpacket`.
    pub kind: &'static str,
    /// As `netstat` writes it: `LISTENING`, `UNCONNECTED`, `CONNECTED`.
    pub state: &'static str,
    /// The socket's number.
    pub inode: u64,
    /// Its name, with `@` before an abstract one; empty when it has none.
    pub name: String,
}

/// All rows.
///
/// # Errors
/// When `/proc/net/unix` cannot be read.
pub fn rows() -> io::Result<Vec<UnixRow>> {
    // A name may be any bytes.
    let table = std::fs::read("/proc/net/unix")?;
    Ok(terminal_lines(&table).filter_map(|line| row(&line)).collect())
}

/// The row of a socket we hold.
///
/// # Errors
/// As [`rows`], and [`kernel::inode`].
pub fn row_of(socket: &impl AsFd) -> io::Result<Option<UnixRow>> {
    let inode = kernel::inode(socket)?;
    Ok(rows()?.into_iter().find(|row| row.inode == inode))
}

/// A small table of one row, or that there is none.
#[must_use]
pub fn text(row: Option<&UnixRow>) -> String {
    let Some(row) = row else { return "   socket  (not in the table)\n".into() };
    let name = if row.name.is_empty() { "(none)" } else { &row.name };
    format!(
        "   {:<9} {:<8} {:<11} {:<10} Name\n   {:<9} {:<8} {:<11} {:<10} {name}\n",
        "RefCount", "Type", "State", "Inode", row.references, row.kind, row.state, row.inode
    )
}

fn terminal_lines(table: &[u8]) -> impl Iterator<Item = String> {
    table.split(|&byte| byte == b'\n').skip(1).map(terminal::text)
}

fn row(line: &str) -> Option<UnixRow> {
    let mut rest = line;
    let mut next = || {
        let (word, behind) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
        rest = behind;
        word
    };
    let (_number, references, _protocol, flags) = (next(), next(), next(), next());
    let (kind, state, inode) = (next(), next(), next());
    let hexadecimal = |word| u32::from_str_radix(word, 16).ok();
    let kind = match hexadecimal(kind)? {
        1 => "stream",
        2 => "dgram",
        5 => "seqpacket",
        _ => return None,
    };
    let state = match hexadecimal(state)? {
        _ if hexadecimal(flags)? & LISTENS != 0 => "LISTENING",
        1 => "UNCONNECTED",
        2 => "CONNECTING",
        3 => "CONNECTED",
        _ => "CLOSING",
    };
    let references = hexadecimal(references)?;
    Some(UnixRow { references, kind, state, inode: inode.parse().ok()?, name: rest.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read() {
        let read = |line| row(line).map(|row| (row.references, row.kind, row.state, row.inode, row.name));
        let line = "000000009c8360f8: 00000003 00000000 00010000 0001 01  1071 /run/two words";
        assert_eq!(read(line), Some((3, "stream", "LISTENING", 1071, "/run/two words".into())));
        let line = "000000009c8360f8: 00000002 00000000 00000000 0002 01 107100";
        assert_eq!(read(line), Some((2, "dgram", "UNCONNECTED", 107_100, String::new())));
        for line in ["", "Num RefCount", "0: x y z", "0: 2 0 0 0009 01 7"] {
            assert_eq!(read(line), None, "{line}");
        }
        let lines: Vec<_> = terminal_lines(b"Num\n0: \x1b\n1:\n").collect();
        assert_eq!(lines, ["0: \u{fffd}", "1:", ""]);
    }

    #[test]
    fn a_socket_is_in_the_table_without_a_name() {
        let socket = super::super::socket(socket2::Type::STREAM).unwrap();
        let row = row_of(&socket).unwrap().expect("its row");
        assert_eq!((row.kind, row.state, &*row.name), ("stream", "UNCONNECTED", ""));
    }
}
