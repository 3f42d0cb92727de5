//! WebDriver, as much of it as is spoken here: JSON over HTTP, to a chromedriver that is started.
//!
//! The clients there are bring some thirty crates along, or have the whole workspace's tests run
//! with another `serde_json` than the program is built with (`preserve_order`).

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Client, text, until};

/// The key by which elements are told apart in JSON.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one tab, closed when this is dropped.
pub struct Session {
    path: String,
    client: Client,
    chromedriver: Child,
    profile: TempDir,
}

impl Session {
    /// Starts a headless Chromium.
    pub async fn start() -> Session {
        let (chromedriver, port) = chromedriver();
        let client = Client::new(format!("http://127.0.0.1:{port}"));
        let profile = tempfile::tempdir().unwrap();
        let mut args: Vec<String> =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
                .map(Into::into)
                .into();
        args.push(format!("--user-data-dir={}", profile.path().display()));
        let mut session = Session { path: String::new(), client, chromedriver, profile };
        let wanted = json!({"alwaysMatch": {"browserName": "chrome",
            "goog:chromeOptions": {"args": args}, "goog:loggingPrefs": {"browser": "ALL"}}});
        let begun = session.ask(Method::POST, "/session", json!({"capabilities": wanted})).await;
        session.path = format!("/session/{}", begun["sessionId"].as_str().unwrap());
        session
    }

    /// Sends a command and answers its value.
    async fn ask(&self, method: Method, path: &str, parameters: Value) -> Value {
        let path = format!("{}{path}", self.path);
        let (status, mut answer) = self.client.send(method, &path, parameters).await.unwrap();
        assert_eq!(status, 200, "{path}: {}", answer["value"]["message"]);
        answer["value"].take()
    }

    async fn post(&self, path: &str, parameters: Value) -> Value {
        self.ask(Method::POST, path, parameters).await
    }

    pub async fn goto(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    pub async fn reload(&self) {
        self.post("/refresh", json!({})).await;
    }

    /// What a script returns.
    pub async fn execute(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// Scrolls to an element and clicks it, as a person would.
    pub async fn click(&self, css: &str) {
        let by = json!({"using": "css selector", "value": css});
        let found = self.post("/element", by).await;
        let element = found[ELEMENT].as_str().unwrap();
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Types, wherever the focus is.
    pub async fn keys(&self, keys: &str) {
        let stroke = |key: char| {
            ["keyDown", "keyUp"].map(|kind| json!({"type": kind, "value": key.to_string()}))
        };
        let strokes: Vec<Value> = keys.chars().flat_map(stroke).collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": strokes});
        self.post("/actions", json!({"actions": [keyboard]})).await;
    }

    /// A command of Chromium's own.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// What the console said since this was last asked for.
    pub async fn console(&self) -> Vec<Value> {
        let log = self.post("/se/log", json!({"type": "browser"})).await;
        log.as_array().unwrap().clone()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Told to end, it leaves its browser behind on a busy machine, which goes on drawing.
        let group = format!("-{}", self.chromedriver.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).output();
        let _ = self.chromedriver.wait();
    }
}

#[tokio::test]
async fn a_browser_ends_with_its_session() {
    let session = Session::start().await;
    let profile = session.profile.path().display().to_string();
    let browsers = || {
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        let said = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
        said.filter(|said| text(said).contains(&profile)).count()
    };
    assert!(browsers() > 1, "it has a process for each of its parts");
    drop(session);
    until("all of them are gone", async || (browsers() == 0).then_some(())).await;
}

/// A chromedriver, and where it listens. It chooses its port itself, and ends where another test's
/// was faster: then there is another try.
fn chromedriver() -> (Child, String) {
    for _ in 0..5 {
        let mut command = Command::new("chromedriver");
        command.process_group(0).arg("--port=0");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|e| {
            panic!("chromedriver: {e}: apt-get install chromium chromium-driver (as root)")
        });
        match port(&mut child) {
            Some(port) => return (child, port),
            None => drop(child.wait()),
        }
    }
    panic!("chromedriver ends where it should listen")
}

/// Waits until it listens, and says where; none where it has ended.
fn port(chromedriver: &mut Child) -> Option<String> {
    let mut said = BufReader::new(chromedriver.stdout.take().unwrap());
    let mut line = String::new();
    let port = loop {
        line.clear();
        if said.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some((_, port)) = line.split_once("successfully on port ") {
            break port.trim().trim_end_matches('.').to_owned();
        }
    };
    // It must not be stopped by a pipe that nobody reads.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    Some(port)
}
