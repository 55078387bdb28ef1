//! tshark as a test runs it: with our dissector, nobody's preferences and a time limit; or not at all, and then loudly.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use super::capture::Capture;

const DISSECTOR: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/dissector/board.lua");
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A tshark that runs Lua.
pub struct Tshark {
    directory: TempDir,
}

impl Tshark {
    /// `None` where there is none, or one that runs no scripts: old ones do not for root.
    pub fn find() -> Option<Tshark> {
        let tshark = Tshark { directory: tempfile::tempdir().expect("a temporary directory") };
        let probe = tshark.directory.path().join("probe.lua");
        fs::write(&probe, "print('Lua runs')").expect("a file in our own directory");
        let found = tshark.run(&Capture::new(), &probe, &[]);
        let why = match found {
            Ok(shown) if shown.stdout.contains("Lua runs") => return Some(tshark),
            Ok(shown) => format!("it runs no Lua scripts: {}", shown.stderr.trim()),
            Err(error) => error.to_string(),
        };
        // Not `eprintln!`, which the harness keeps to itself when a test passes.
        let _ =
            writeln!(io::stderr(), "\nSKIPPED: the dissector is NOT tested, no tshark that could: {why}\n");
        None
    }

    /// Protocol and Info of every packet.
    pub fn columns(&self, capture: &Capture, arguments: &[&str]) -> Vec<(String, String)> {
        let columns = ["-o", r#"gui.column.format:"Protocol","%p","Info","%i""#];
        let output = self.dissect(capture, &[&columns, arguments].concat());
        let split = |line: &str| {
            let (protocol, info) = line.trim().split_once(' ').unwrap_or((line, ""));
            (protocol.to_owned(), info.trim().to_owned())
        };
        output.lines().map(split).collect()
    }

    /// These fields of every packet, read in two passes as Wireshark does.
    pub fn fields(&self, capture: &Capture, filter: &str, fields: &[&str]) -> Vec<String> {
        let mut arguments = vec!["-2", "-Y", filter, "-T", "fields", "-E", "separator=|"];
        for &field in fields {
            arguments.extend(["-e", field]);
        }
        self.dissect(capture, &arguments).lines().map(str::to_owned).collect()
    }

    /// What tshark prints with the dissector loaded. Panics if tshark, or Lua in it, complains.
    pub fn dissect(&self, capture: &Capture, arguments: &[&str]) -> String {
        let shown = self.run(capture, Path::new(DISSECTOR), arguments).expect("tshark runs: it did before");
        assert!(shown.success && !shown.stderr.contains("Lua"), "tshark complains: {}", shown.stderr);
        shown.stdout
    }

    fn run(&self, capture: &Capture, script: &Path, arguments: &[&str]) -> io::Result<Shown> {
        let file = self.directory.path().join("capture.pcap");
        let complaints = self.directory.path().join("stderr");
        capture.save(&file)?;
        let mut child = Running(
            Command::new("tshark")
                .arg("-n")
                .arg("-r")
                .arg(&file)
                .arg("-X")
                .arg(format!("lua_script:{}", script.display()))
                .args(arguments)
                .env("WIRESHARK_CONFIG_DIR", self.directory.path())
                .env("LC_ALL", "C.UTF-8")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(File::create(&complaints)?)
                .spawn()?,
        );
        let mut stdout = child.0.stdout.take().expect("stdout is a pipe");
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.read_to_end(&mut bytes);
            let _ = sender.send(read.map(|_| bytes));
        });
        let output = receiver.recv_timeout(TIME_LIMIT).expect("tshark ends in time")?;
        Ok(Shown {
            success: child.0.wait()?.success(),
            stdout: String::from_utf8_lossy(&output).into_owned(),
            stderr: fs::read_to_string(&complaints)?,
        })
    }
}

struct Shown {
    success: bool,
    stdout: String,
    stderr: String,
}

/// Ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
