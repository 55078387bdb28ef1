//! A headless Chromium, spoken to over its DevTools protocol: one JSON object in one WebSocket message, a `sessionId` per
//! page.

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

use crate::whiteboard::user::{PATIENCE, read};

/// How long a browser may take to start: on a busy machine with a cold disk, long.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// One browser at a time: each is a dozen processes, and a page that gets no processor does not answer.
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
#[derive(Debug, Clone)]
pub struct Page(String);

impl Browser {
    /// `None` where there is no Chromium, which is said loudly.
    pub fn start() -> Option<Browser> {
        let Some(program) = find() else {
            eprintln!("\n!! skipped: there is no chromium here, so the whiteboard's page is NOT tested\n");
            return None;
        };
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let profile = tempfile::tempdir().unwrap();
        let mut child = Command::new(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1440,900"])
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
            let _ = killpg(Pid::from_raw(child.id() as i32), Signal::SIGKILL);
            panic!("chromium does not listen");
        });
        let address = url.strip_prefix("ws://").unwrap().split('/').next().unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let (socket, _) = client(&url, stream).unwrap();
        Some(Browser { child, socket, last_id: 0, _profile: profile, _turn: turn })
    }

    /// A window of its own, of this size, in light or dark.
    pub fn open(&mut self, url: &str, (width, height): (u32, u32), scheme: &str) -> Page {
        let target =
            self.call(None, "Target.createTarget", &json!({"url": "about:blank", "newWindow": true}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let page =
            Page(self.call(None, "Target.attachToTarget", &attach)["sessionId"].as_str().unwrap().to_owned());
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.call(Some(&page), "Emulation.setDeviceMetricsOverride", &size);
        self.emulate(&page, &json!([{"name": "prefers-color-scheme", "value": scheme}]));
        self.call(Some(&page), "Emulation.setFocusEmulationEnabled", &json!({"enabled": true}));
        self.call(Some(&page), "Page.navigate", &json!({"url": url}));
        self.until(
            &page,
            "window.whiteboard && Object.values(whiteboard.rooms).every(room => room.state === 'connected')",
        );
        page
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, page: &Page, expression: &str) -> Value {
        let parameters = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.call(Some(page), "Runtime.evaluate", &parameters);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Waits, in the page, until a condition holds; the test's own patience bounds it.
    pub fn until(&mut self, page: &Page, condition: &str) {
        let waits = format!(
            "new Promise((done, give_up) => {{ const end = Date.now() + {}; const look = () => {{ if ({condition}) done(true); \
             else if (Date.now() > end) give_up(new Error('not so')); else setTimeout(look, 10); }}; look(); }})",
            PATIENCE.as_millis() * 3 / 4
        );
        // A page that is still being loaded loses the promise with its old document: ask again.
        let since = Instant::now();
        loop {
            assert!(since.elapsed() < PATIENCE, "{condition}: the page cannot be asked");
            let parameters = json!({"expression": waits, "awaitPromise": true, "returnByValue": true});
            let answer = self.answer(Some(page), "Runtime.evaluate", &parameters);
            if answer.get("error").is_none() {
                if answer["result"]["result"]["value"] != true {
                    let logs = self.value(
                        page,
                        "[...document.querySelectorAll('.log')].map(log => log.innerText).join('\\n')",
                    );
                    panic!("{condition}: {answer}\n{logs}");
                }
                return;
            }
        }
    }

    /// A stroke with the mouse over a room's canvas, from pixel to pixel.
    pub fn stroke(&mut self, page: &Page, room: &str, from: (u32, u32), to: (u32, u32)) {
        let from = self.value(page, &place(room, from));
        let to = self.value(page, &place(room, to));
        for (kind, at, buttons) in [
            ("mouseMoved", &from, 0),
            ("mousePressed", &from, 1),
            ("mouseMoved", &to, 1),
            ("mouseReleased", &to, 0),
        ] {
            let button = if kind == "mouseMoved" && buttons == 0 { "none" } else { "left" };
            let event = json!({"type": kind, "x": at[0], "y": at[1], "button": button, "buttons": buttons, "clickCount": 1});
            self.call(Some(page), "Input.dispatchMouseEvent", &event);
        }
    }

    /// Fingers on a room's canvas at once, each from pixel to pixel.
    pub fn fingers(&mut self, page: &Page, room: &str, strokes: &[[(u32, u32); 2]]) {
        let mut points = |step: usize| -> Vec<Value> {
            let at = strokes.iter().map(|stroke| self.value(page, &place(room, stroke[step])));
            at.enumerate().map(|(id, at)| json!({"x": at[0], "y": at[1], "id": id})).collect()
        };
        let (from, to) = (points(0), points(1));
        for (kind, touches) in [("touchStart", from), ("touchMove", to), ("touchEnd", Vec::new())] {
            self.call(Some(page), "Input.dispatchTouchEvent", &json!({"type": kind, "touchPoints": touches}));
        }
    }

    /// A key, for the page.
    pub fn key(&mut self, page: &Page, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call(Some(page), "Input.dispatchKeyEvent", &json!({"type": kind, "key": key, "text": key}));
        }
    }

    /// Ctrl and Z.
    pub fn control_z(&mut self, page: &Page) {
        for kind in ["rawKeyDown", "keyUp"] {
            let event = json!({"type": kind, "key": "z", "code": "KeyZ", "windowsVirtualKeyCode": 90, "modifiers": 2});
            self.call(Some(page), "Input.dispatchKeyEvent", &event);
        }
    }

    /// What the reader has set, as the media queries ask for it.
    pub fn emulate(&mut self, page: &Page, features: &Value) {
        self.call(Some(page), "Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// A picture of the page, PNG in base 64.
    pub fn picture(&mut self, page: &Page) -> String {
        self.call(Some(page), "Page.captureScreenshot", &json!({}))["data"].as_str().unwrap().to_owned()
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
            let Message::Text(text) = read(&mut self.socket).unwrap() else { continue };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.last_id {
                return answer; // all else are events
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = killpg(Pid::from_raw(self.child.id() as i32), Signal::SIGKILL);
        let _ = self.child.wait();
    }
}

/// Where a pixel of a room is on the page, for the page to say.
fn place(room: &str, (x, y): (u32, u32)) -> String {
    format!(
        "(() => {{ const box = document.querySelector('#{room} .stage').getBoundingClientRect(); \
         return [box.left + ({x} + .5) * box.width / 64, box.top + ({y} + .5) * box.height / 48]; }})()"
    )
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    std::env::split_paths(&path)
        .flat_map(|folder| names.map(|name| folder.join(name)))
        .find(|file| file.is_file())
}
