//! What the operating system's process table says about one process: a row of `ps x`, read from /proc/\<pid\>/stat.

use std::fmt;
use std::{fs, io};

use nix::unistd::Pid;

/// The head line over rows.
pub const HEAD: &str = "    PID    PPID STAT COMMAND";

/// A row of the process table.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Its process id.
    pub pid: i32,
    /// Its parent's process id; 1 or a subreaper's once the parent is gone.
    pub parent: i32,
    /// `R` runs, `S` sleeps, `T` stopped, `Z` zombie: ended, but nobody asked how.
    pub state: char,
    /// The name the kernel keeps, at most 15 bytes.
    pub command: String,
}

impl Row {
    /// The row of `pid`, or nothing when no such process exists any more.
    pub fn of(pid: Pid) -> Option<Row> {
        Row::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// Reads `pid (command) state ppid …`, proc_pid_stat(5). The command may itself hold spaces and parentheses, so
    /// the last `)` ends it.
    fn parse(stat: &str) -> Option<Row> {
        let (pid, rest) = stat.split_once(" (")?;
        let (command, rest) = rest.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        let state = fields.next()?.chars().next()?;
        let parent = fields.next()?.parse().ok()?;
        Some(Row { pid: pid.parse().ok()?, parent, state, command: command.into() })
    }
}

/// A row for each thread of this process, its TID for the PID: /proc/self/task has an entry for each, as `ps -L` shows.
pub fn threads() -> io::Result<Vec<Row>> {
    let tids = fs::read_dir("/proc/self/task")?
        .map(|entry| entry?.file_name().to_string_lossy().parse().map_err(io::Error::other))
        .collect::<io::Result<Vec<i32>>>()?;
    let mut rows: Vec<Row> = tids.into_iter().filter_map(|tid| Row::of(Pid::from_raw(tid))).collect();
    rows.sort_unstable_by_key(|row| row.pid);
    Ok(rows)
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row { pid, parent, state, command } = self;
        let defunct = if *state == 'Z' { " <defunct>" } else { "" };
        write!(f, "{pid:>7} {parent:>7} {state:<4} {command}{defunct}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_may_hold_what_ends_it() {
        let row = Row::parse("12 (a) Z (b) S 7 12 12 0 -1").unwrap();
        assert_eq!(row, Row { pid: 12, parent: 7, state: 'S', command: "a) Z (b".into() });
        assert_eq!(Row::parse("12 (cut"), None);
    }
}
