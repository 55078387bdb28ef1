//! The interactive client in a pseudo-terminal: what is typed is posted, and what others post is shown.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;

use crate::remote::{PATIENCE, chat, client, uri};

/// The program at its terminal; gone when it is dropped.
struct Terminal {
    program: Child,
    master: File,
    /// All that was written since the last words that were waited for.
    seen: Vec<u8>,
}

impl Terminal {
    fn start(args: &[&str]) -> Terminal {
        let pty = openpty(None, None).unwrap();
        for end in [&pty.master, &pty.slave] {
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).unwrap(); // not for the other tests' programs
        }
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let program = Command::new("setsid") // of util-linux: a session of its own, and then it becomes the program
            .args(["--ctty", env!("CARGO_BIN_EXE_ch5-rpc")])
            .args(args)
            .env("TERM", "xterm")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        Terminal { program, master: pty.master.into(), seen: Vec::new() }
    }

    fn press(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until these words are written.
    #[track_caller]
    fn shows(&mut self, words: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if let Some((_, rest)) = seen.split_once(words) {
                self.seen = rest.as_bytes().to_vec();
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {words:?} in {seen:?}");
            let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::try_from(left).unwrap()).unwrap() > 0 {
                let mut chunk = [0; 4096];
                let count = self.master.read(&mut chunk).unwrap_or_else(|error| panic!("{error}: {seen}"));
                self.seen.extend_from_slice(&chunk[..count]);
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn what_is_typed_is_posted_and_what_comes_is_shown() {
    let server = chat(&[]);
    let uri = uri(&server).to_string();
    let mut ann = Terminal::start(&["chat-client", "-u", &uri, "-n", "Ann"]);
    ann.shows("get, get_private, post, post_private, subscribe, whoami");
    ann.shows("> ");
    ann.press("half a li");
    client(&["chat-client", "-u", &uri, "-n", "Bob", "-m", "be\u{1b}[31mtween"]);
    ann.shows("From Bob : be\u{fffd}[31mtween");
    client(&["chat-client", "-u", &uri, "-n", "Bob", "--private", "Ann", "psst"]);
    ann.shows("(private) From Bob : psst");
    ann.press("ne\r");
    ann.shows("From Ann : half a line");
    ann.press("/users\r");
    ann.shows("Ann\r\nBob\r\n");
    ann.press("/private\r");
    ann.shows("* /private NAME TEXT, or /users");
    assert!(server.stop().success());
    ann.shows("* no"); // answer, or server: whatever was under way
    ann.press("lost\r");
    ann.shows("* no");
    // Typed between two lines, Ctrl-D is the terminal's own and means nothing: one would type it again.
    let until = Instant::now() + PATIENCE;
    let status = loop {
        ann.press("\x04");
        let again = Instant::now() + Duration::from_millis(500);
        while Instant::now() < again && ann.program.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        if let Some(status) = ann.program.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < until, "Ctrl-D ends it");
    };
    assert!(status.success());
}
