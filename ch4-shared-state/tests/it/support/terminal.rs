//! A terminal with this chapter's program in it: keys go in, and what the user would see on the screen comes out.
//!
//! ```text
//!   test ── keys ──► master ══ pseudo-terminal (pty(7)) ══ slave ──► stdin, stdout, stderr of the program
//!        ◄─ rows ─── screen ◄── bytes with escape sequences ──┘
//! ```
//!
//! The sequences are interpreted and not compared: there are many ways to move a cursor to the same place.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::termios::{LocalFlags, Termios, tcgetattr};

/// How long anything may take that is certain to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Room for all that a test shows, so that nothing leaves the screen at its top.
const SIZE: Winsize = Winsize { ws_row: 100, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };

pub const ENTER: &str = "\r";
pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const UP: &str = "\x1b[A";
pub const LEFT: &str = "\x1b[D";

/// Runs the program as the shell of a user does, and stays: the kernel puts a terminal in order whose session has ended.
const SHELL: &str = r#""$0" "$@"; echo "status $? at its end"; read -r nothing"#;

/// The program at its terminal; both are gone when it is dropped.
pub struct Terminal {
    shell: Child,
    master: File,
    /// Of the terminal, before the program came.
    settings: Termios,
    screen: vt100::Parser,
}

impl Terminal {
    /// Starts a command of this program in a terminal of its own.
    pub fn start(args: &[&str]) -> Terminal {
        let pty = openpty(&SIZE, None).unwrap();
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap(); // not for the other tests' programs
        }
        let settings = tcgetattr(&pty.slave).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let shell = Command::new("setsid") // of util-linux: a session of its own, and then it becomes the shell
            .args(["--ctty", "sh", "-c", SHELL, env!("CARGO_BIN_EXE_ch4-shared-state")])
            .args(args)
            .envs([("TERM", "xterm"), ("TZ", "UTC")])
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let [rows, columns] = [SIZE.ws_row, SIZE.ws_col].map(|count| NonZero::new(count).unwrap());
        Terminal { shell, settings, master: pty.master.into(), screen: vt100::Parser::new(rows, columns, 0) }
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until the screen shows these words; where they have a line break, so has the screen.
    #[track_caller]
    pub fn shows(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.rows().join("\n").contains(words) {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {words:?} on the screen:\n{}", self.rows().join("\n"));
            self.look(left);
        }
    }

    /// What is on the screen: its rows up to the last that is not empty, without the spaces at their ends.
    pub fn rows(&self) -> Vec<String> {
        let screen = self.screen.screen();
        let mut rows: Vec<String> =
            screen.rows(0, SIZE.ws_col).map(|row| row.trim_end().to_owned()).collect();
        rows.truncate(rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1));
        rows
    }

    /// Waits for the program's end and finds the terminal as it was before; the exit status.
    #[track_caller]
    pub fn end(mut self) -> String {
        self.shows(" at its end");
        assert!(!self.is_raw(), "whoever comes next does not see what is typed");
        assert_eq!(tcgetattr(&self.master).unwrap(), self.settings);
        let screen = self.screen.screen();
        assert!(!screen.bracketed_paste() && !screen.hide_cursor() && !screen.alternate_screen());
        assert!(!screen.contents().contains("panicked"), "{}", screen.contents());
        let last = self.rows().pop().unwrap();
        last.split(' ').nth_back(3).unwrap().to_owned()
    }

    /// Whether the program gets each key at once, and itself shows what is typed.
    pub fn is_raw(&self) -> bool {
        !tcgetattr(&self.master).unwrap().local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO)
    }

    /// Reads what is written next, for no longer than this.
    fn look(&mut self, patience: Duration) {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        let patience = PollTimeout::try_from(patience).unwrap();
        if poll(&mut fds, patience).unwrap() > 0 {
            let mut chunk = [0; 4096];
            let count = self.master.read(&mut chunk).unwrap();
            self.screen.process(&chunk[..count]);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill(); // the kernel ends the others of its session
        let _ = self.shell.wait();
    }
}
