//! `Browser`: headless Chromium, spoken to by the `DevTools` protocol over a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::left_out::find;

/// Longest time for an answer. Chromium starts slowly on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A browser with one tab. It ends when this is dropped.
pub struct Browser {
    child: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    last_id: u64,
    session: Option<String>,
    /// What the page's console says, and the exceptions that nothing caught.
    faults: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts it; `None` if this machine has none, which is told.
    pub fn start() -> Option<Self> {
        let chromium = find("chromium")?;
        let profile = TempDir::new().expect("a directory");
        // Chromium reads commands from descriptor 3, and answers on 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .arg(chromium)
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh starts");
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, messages) = channel();
        thread::spawn(move || {
            for message in BufReader::new(stdout).split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("a message is JSON");
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let mut browser =
            Self { child, stdin, messages, last_id: 0, session: None, faults: Vec::new(), _profile: profile };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": target["targetId"], "flatten": true}));
        browser.session = attached["sessionId"].as_str().map(ToOwned::to_owned);
        for domain in ["Page", "Runtime", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Calls a method and returns its result.
    fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.stdin.write_all(format!("{message}\0").as_bytes()).expect("Chromium reads");
        let id = self.last_id;
        let answer = self.wait_for(method, |message| message["id"] == id);
        assert_eq!(answer["error"], Value::Null, "{method}");
        answer["result"].clone()
    }

    /// Waits for a message, and notes the faults among those before it.
    fn wait_for(&mut self, what: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.messages.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("{what}: {error}"));
            let is_fault = match message["method"].as_str() {
                Some("Runtime.exceptionThrown" | "Log.entryAdded") => true,
                Some("Runtime.consoleAPICalled") => message["params"]["type"] != "log",
                _ => false,
            };
            if is_fault {
                self.faults.push(message["params"].to_string());
            }
            if is_wanted(&message) {
                return message;
            }
        }
    }

    /// Sets the size of the window in CSS pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }

    /// Opens a file, and waits until it is loaded and drawn.
    pub fn open(&mut self, path: &Path) {
        self.open_url(&format!("file://{}", path.display()));
    }

    /// Opens an address, and waits until it is loaded and drawn.
    pub fn open_url(&mut self, url: &str) {
        self.call("Page.navigate", &json!({"url": url}));
        self.wait_for("loading", |message| message["method"] == "Page.loadEventFired");
        self.drawn();
    }

    /// Waits until what has changed is drawn: two frames, because the first one may have begun before.
    pub fn drawn(&mut self) {
        self.get("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))");
    }

    /// Waits until an expression is true, looked at once a frame.
    pub fn wait_until(&mut self, expression: &str) {
        self.get(&format!(
            "new Promise((done) => {{ const look = () => ({expression}) ? done(0) : requestAnimationFrame(look); look(); }})"
        ));
    }

    /// Returns the value of an expression of JavaScript.
    pub fn get(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let result = self.call("Runtime.evaluate", &params);
        assert_eq!(result["exceptionDetails"], Value::Null, "{expression}");
        result["result"]["value"].clone()
    }

    /// Presses a key, as the keyboard does.
    pub fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", &json!({"type": kind, "key": key}));
        }
        self.drawn();
    }

    /// Checks that no page had a fault.
    pub fn check_console(&mut self) {
        // An answer comes behind all messages before it.
        self.get("0");
        assert_eq!(self.faults, Vec::<String>::new());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
