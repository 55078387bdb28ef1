//! A headless Chromium, spoken to over its DevTools protocol: one JSON object in one WebSocket message, a `sessionId` per page.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;
use tungstenite::{Message, WebSocket, client};

use super::PATIENCE;

/// How long a browser may take to start: on a busy machine with a cold disk, long.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// One browser at a time: each is a dozen processes.
static TURN: Mutex<()> = Mutex::new(());

/// A browser, which ends with the test.
pub struct Browser {
    child: Child,
    socket: WebSocket<TcpStream>,
    last_id: u64,
    _profile: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// One page of it.
pub struct Page(String);

impl Browser {
    /// `None` where there is no Chromium, which is said loudly.
    pub fn start() -> Option<Browser> {
        let Some(program) = find() else {
            eprintln!("\n!! skipped: there is no chromium here, so the broker's page is NOT tested\n");
            return None;
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0) // it has a dozen children
            .spawn()
            .unwrap();
        let (tell, told) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || {
            // To its end, or its pipe would fill and stop it.
            for line in stderr.lines().map_while(Result::ok) {
                if let Some(url) = line.trim().strip_prefix("DevTools listening on ") {
                    let _ = tell.send(url.to_owned());
                }
            }
        });
        let url = told.recv_timeout(START_PATIENCE).unwrap_or_else(|_| {
            let _ = killpg(Pid::from_raw(child.id().cast_signed()), Signal::SIGKILL);
            panic!("chromium does not listen");
        });
        let address = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = client(&url, stream).unwrap();
        Some(Browser { child, socket, last_id: 0, _profile: profile, _turn: turn })
    }

    /// A window of its own, of this size, with these media features. It has seen the broker twice, so that there are rates.
    pub fn open(&mut self, url: &str, (width, height): (u32, u32), media: &[(&str, &str)]) -> Page {
        let target =
            self.call(None, "Target.createTarget", &json!({"url": "about:blank", "newWindow": true}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let page =
            Page(self.call(None, "Target.attachToTarget", &attach)["sessionId"].as_str().unwrap().to_owned());
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call(Some(&page), "Emulation.setDeviceMetricsOverride", &size);
        let features: Vec<Value> =
            media.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        self.call(Some(&page), "Emulation.setEmulatedMedia", &json!({ "features": features }));
        self.call(Some(&page), "Emulation.setFocusEmulationEnabled", &json!({"enabled": true}));
        self.call(Some(&page), "Page.navigate", &json!({ "url": url }));
        self.until(&page, "window.broker && broker.polls >= 2");
        page
    }

    /// The value of an expression in the page.
    #[track_caller]
    pub fn value(&mut self, page: &Page, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.call(Some(page), "Runtime.evaluate", &parameters);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits until a condition holds in the page.
    #[track_caller]
    pub fn until(&mut self, page: &Page, condition: &str) {
        let since = Instant::now();
        loop {
            // While a page is loaded there is nothing that could be asked.
            let parameters = json!({"expression": format!("!!({condition})"), "returnByValue": true});
            let answer = self.answer(Some(page), "Runtime.evaluate", &parameters);
            if answer["result"]["result"]["value"] == true {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "not so: {condition}: {answer}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// A key, for what has the focus.
    pub fn key(&mut self, page: &Page, key: &str, code: u32) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code});
            self.call(Some(page), "Input.dispatchKeyEvent", &event);
        }
    }

    fn call(&mut self, page: Option<&Page>, method: &str, parameters: &Value) -> Value {
        let mut answer = self.answer(page, method, parameters);
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    fn answer(&mut self, page: Option<&Page>, method: &str, parameters: &Value) -> Value {
        self.last_id += 1;
        let mut command = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(Page(session)) = page {
            command["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(command.to_string())).unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap() else { continue };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.last_id {
                return answer; // all else are events
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}
