//! A headless Chromium, driven by the DevTools protocol over a pipe: messages of JSON, each with a zero byte behind it.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::left_out;

/// Chromium wants its pipes as descriptors 3 and 4. As root it runs only without its sandbox; the page is ours.
const SCRIPT: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>\"$LOG\"";
const OPTIONS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--remote-debugging-pipe",
    "--window-size=1200,1000",
];

/// A browser. It is ended with all its processes when this is dropped.
pub struct Browser {
    process: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    last_id: u64,
    /// What went wrong in the pages, as they tell it.
    faults: Vec<String>,
    loaded: u32,
    _home: TempDir,
}

/// A page in the browser.
pub struct Page<'a> {
    browser: &'a mut Browser,
    session: String,
}

impl Browser {
    /// Starts it; `None` where there is no Chromium, which is told.
    pub fn start() -> Option<Self> {
        let chromium = left_out::find("chromium")?;
        let home = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).arg(chromium).args(OPTIONS);
        command.arg(format!("--user-data-dir={}", home.path().display())).arg("about:blank");
        command.env("LOG", home.path().join("log")).env("HOME", home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut process = command.spawn().expect("a shell");
        let to = process.stdin.take().expect("a pipe");
        let from = BufReader::new(process.stdout.take().expect("a pipe"));
        Some(Self { process, to, from, last_id: 0, faults: Vec::new(), loaded: 0, _home: home })
    }

    /// Opens a file and waits until it is loaded.
    pub fn open(&mut self, path: &Path, hash: &str) -> Page<'_> {
        let target = self.call("", "Target.createTarget", &json!({"url": "about:blank"}))["targetId"].clone();
        let attach = json!({"targetId": target, "flatten": true});
        let session =
            self.call("", "Target.attachToTarget", &attach)["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            self.call(&session, domain, &json!({}));
        }
        (self.faults, self.loaded) = (Vec::new(), 0);
        self.call(&session, "Page.navigate", &json!({"url": format!("file://{}{hash}", path.display())}));
        while self.loaded == 0 {
            self.receive();
        }
        let mut page = Page { browser: self, session };
        page.settle();
        page
    }

    fn call(&mut self, session: &str, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let mut message = json!({"id": self.last_id, "method": method, "params": params});
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).expect("the browser runs");
        loop {
            let mut answer = self.receive();
            if answer["id"] == self.last_id {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].take();
            }
        }
    }

    /// Receives a message, and keeps what it tells of faults.
    fn receive(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).expect("the browser runs");
        assert_eq!(bytes.pop(), Some(0), "the browser has ended: {}", self.log());
        let message: Value = serde_json::from_slice(&bytes).expect("JSON");
        let params = &message["params"];
        let is_fault = match message["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" => true,
            "Runtime.consoleAPICalled" => params["type"] == "error" || params["type"] == "assert",
            "Log.entryAdded" => params["entry"]["level"] == "error",
            "Page.loadEventFired" => {
                self.loaded += 1;
                false
            }
            _ => false,
        };
        if is_fault {
            self.faults.push(params.to_string());
        }
        message
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self._home.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The group is the browser's own: it began as its leader.
        let group = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        _ = group.map(|group| kill_process_group(group, Signal::KILL));
        _ = self.process.wait();
    }
}

impl Page<'_> {
    /// Returns the value of an expression.
    pub fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.browser.call(&self.session, "Runtime.evaluate", &params);
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].take()
    }

    /// Returns the text of the first element that a selector finds.
    pub fn text(&mut self, selector: &str) -> String {
        let text = self.value(&format!("document.querySelector({}).textContent", json!(selector)));
        text.as_str().expect("a text").to_owned()
    }

    /// Waits until all that has changed is drawn.
    pub fn settle(&mut self) {
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))");
    }

    /// Clicks on the middle of an element.
    pub fn click(&mut self, selector: &str) {
        let middle = "(({left, top, width, height}) => [left + width / 2, top + height / 2])";
        let at = self.value(&format!("{middle}(document.querySelector({}).getBoundingClientRect())", json!(selector)));
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.browser.call(&self.session, "Input.dispatchMouseEvent", &params);
        }
        self.settle();
    }

    /// Presses a key, such as `Home`.
    pub fn press(&mut self, key: &str) {
        for kind in ["rawKeyDown", "keyUp"] {
            self.browser.call(&self.session, "Input.dispatchKeyEvent", &json!({"type": kind, "key": key}));
        }
        self.settle();
    }

    /// Chooses the size of the window in CSS pixels.
    pub fn resize(&mut self, width: u32, height: u32) {
        let params = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.browser.call(&self.session, "Emulation.setDeviceMetricsOverride", &params);
        self.settle();
    }

    /// Returns what went wrong since the page was opened.
    pub fn faults(&mut self) -> Vec<String> {
        self.settle();
        self.browser.faults.clone()
    }
}
