//! A balancer that runs, and a client of it.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// Longest wait for anything; only a fault takes so long.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// For a balancer whose servers are killed: it notices soon. The machine may stand still for a
/// while all the same, which costs neither the charge nor a read.
pub const QUICK: [&str; 6] =
    ["--heartbeat-interval", "100ms", "--charge-term", "30s", "--patience", "20s"];

/// `ringwright` with these arguments, and no settings from the tests' own surroundings.
pub fn ringwright(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringwright"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RINGWRIGHT_") {
            command.env_remove(name);
        }
    }
    command.args(args).stdin(Stdio::null());
    command
}

/// Runs to the end.
pub fn run(args: &[&str]) -> Output {
    ringwright(args).output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Waits until something is so.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A balancer that runs. Gone, its servers too, when this is dropped.
pub struct Balancer {
    child: Child,
    data: PathBuf,
    log: Arc<Mutex<String>>,
    pub url: String,
    pub http: Client,
}

/// A folder of few plugins: a balancer of a test need not try them all.
fn few_plugins() -> PathBuf {
    let all = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../plugins/dist"));
    let few = Path::new(env!("CARGO_TARGET_TMPDIR")).join("few-plugins");
    std::fs::create_dir_all(&few).unwrap();
    for plugin in ["virtual-node", "md5", "quadratic", "spread"] {
        let from = all.join(plugin).with_extension("wasm");
        let bytes = std::fs::read(&from).unwrap_or_else(|e| {
            panic!("{}: {e}: no plugins to test with: run `make plugins`", from.display())
        });
        let to = few.join(plugin).with_extension("wasm");
        if std::fs::read(&to).ok().as_ref() != Some(&bytes) {
            // Whole at once: other tests may read it, and write it too.
            let mut whole = tempfile::NamedTempFile::new_in(&few).unwrap();
            whole.write_all(&bytes).unwrap();
            whole.persist(to).unwrap();
        }
    }
    few
}

impl Balancer {
    /// Starts one on any free port and waits until it serves.
    pub async fn start(data: &Path, args: &[&str]) -> Balancer {
        Self::start_on(0, data, args).await
    }

    /// Starts one on a port.
    pub async fn start_on(port: u16, data: &Path, args: &[&str]) -> Balancer {
        Self::begin(port, data, args, |_| {}).serves().await
    }

    /// Starts one in surroundings of its own, on a port.
    pub fn begin(
        port: u16,
        data: &Path,
        args: &[&str],
        surround: impl FnOnce(&mut Command),
    ) -> Balancer {
        let mut command = ringwright(&["serve", "--log-format", "json"]);
        command
            .arg("--plugin-dir")
            .arg(few_plugins())
            .args(["--port", &port.to_string()])
            .env("RINGWRIGHT_IDLE_EXIT", "20s")
            .arg("--data-dir")
            .arg(data)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        surround(&mut command);
        let mut child = command.spawn().unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        keep(child.stdout.take().unwrap(), &log);
        keep(child.stderr.take().unwrap(), &log);
        let http = Client::new(String::new());
        Balancer { child, data: data.to_owned(), log, url: String::new(), http }
    }

    /// Waits until it serves.
    pub async fn serves(mut self) -> Balancer {
        let balancer = &mut self;
        let address = until("the balancer serves", async || {
            if let Some(status) = balancer.child.try_wait().unwrap() {
                panic!("it ended ({status}): {}", balancer.log());
            }
            balancer.event("serving").map(|event| event["address"].as_str().unwrap().to_owned())
        })
        .await;
        balancer.url = format!("http://{address}");
        balancer.http = Client::new(balancer.url.clone());
        self
    }

    /// One with three shards on three servers, each on two.
    pub async fn configured(data: &Path, args: &[&str]) -> Balancer {
        let balancer = Self::start(data, args).await;
        let answer = balancer.http.post("/init", cluster()).await;
        assert_eq!(
            answer.unwrap(),
            (200, json!({"message": "Configured Database", "status": "success"}))
        );
        balancer
    }

    /// What it printed and logged so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The first event with that message.
    fn event(&self, message: &str) -> Option<Value> {
        let log = self.log();
        let mut events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.find(|event| event["message"] == message)
    }

    pub async fn status(&self) -> Value {
        self.http.get("/status").await.unwrap().1["message"].clone()
    }

    /// Waits until every replica is in sync.
    pub async fn all_in_sync(&self) {
        until("all replicas are in sync", async || {
            let status = self.status().await;
            let replicas = status["replicas"].as_array().unwrap();
            let live = status["server_states"].as_object().unwrap().values().all(|s| s == "live");
            (live && replicas.iter().all(|r| r["state"] == "in_sync")).then_some(())
        })
        .await;
    }

    /// The process of a shard server.
    pub fn server_pid(&self, name: &str) -> Option<u32> {
        pid(&self.data.join("servers").join(name).join("pid"))
    }

    /// kill -9 to a shard server.
    pub fn kill_server(&self, name: &str) {
        signal(self.server_pid(name).unwrap(), "KILL");
    }

    /// kill -9; the servers live on.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends a signal to it.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        until("the balancer stops", async || self.child.try_wait().unwrap()).await
    }

    /// Ctrl-C; waits until it has ended.
    pub async fn interrupt(&mut self) -> ExitStatus {
        self.signal("INT");
        self.ended().await
    }

    /// Waits until it has said something.
    pub async fn says(&self, text: &str) {
        until(text, async || self.log().contains(text).then_some(())).await;
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for server in std::fs::read_dir(self.data.join("servers")).into_iter().flatten().flatten() {
            if let Some(pid) = pid(&server.path().join("pid")).filter(|pid| is_ours(*pid)) {
                signal(pid, "KILL");
            }
        }
        if std::thread::panicking() {
            eprintln!("--- what the balancer said\n{}---", self.log());
        }
    }
}

fn pid(file: &Path) -> Option<u32> {
    std::fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Whether a process lives and is a shard server.
pub fn is_ours(pid: u32) -> bool {
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    text(&command).contains("shard-server")
}

pub fn signal(pid: u32, signal: &str) {
    // It may be gone already.
    let _ = Command::new("kill").args([&format!("-{signal}"), &pid.to_string()]).output();
}

fn keep(from: impl std::io::Read + Send + 'static, log: &Arc<Mutex<String>>) {
    let log = log.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}

/// The paper's default cluster.
pub fn cluster() -> Value {
    json!({"N": 3,
        "schema": {"columns": ["Stud_id", "Stud_name", "Stud_marks"],
            "dtypes": ["Number", "String", "String"]},
        "shards": [{"Stud_id_low": 0, "Shard_id": "sh1", "Shard_size": 4096},
            {"Stud_id_low": 4096, "Shard_id": "sh2", "Shard_size": 4096},
            {"Stud_id_low": 8192, "Shard_id": "sh3", "Shard_size": 4096}],
        "servers": {"Server0": ["sh1", "sh2"], "Server1": ["sh2", "sh3"],
            "Server2": ["sh1", "sh3"]}})
}

pub fn student(id: u64) -> Value {
    json!({"Stud_id": id, "Stud_name": format!("student {id}"), "Stud_marks": id % 101})
}

/// A client; clones share its connections.
#[derive(Clone)]
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    url: String,
    token: Option<String>,
    /// Longest wait for an answer.
    pub limit: Duration,
}

/// Status and JSON, or why there is none.
pub type Answer = Result<(u16, Value), String>;

impl Client {
    pub fn new(url: String) -> Self {
        let http = Http::builder(TokioExecutor::new()).build_http();
        Client { http, url, token: None, limit: PATIENCE }
    }

    /// The same with what a change of the cluster may want.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let (status, body) = self.raw(method, path, body.to_string()).await?;
        Ok((status, serde_json::from_slice(&body).map_err(|e| e.to_string())?))
    }

    /// The same to the byte.
    pub async fn raw(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<(u16, Bytes), String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::from(body)).unwrap();
        let exchange = async {
            let response = self.http.request(request).await.map_err(|e| e.to_string())?;
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.map_err(|e| e.to_string())?.to_bytes();
            Ok((status, body))
        };
        tokio::time::timeout(self.limit, exchange).await.map_err(|e| e.to_string())?
    }

    /// Adds students.
    pub async fn write(&self, ids: impl IntoIterator<Item = u64>) -> Answer {
        let rows: Vec<Value> = ids.into_iter().map(student).collect();
        self.post("/write", json!({"data": rows})).await
    }

    /// The keys there are.
    pub async fn keys(&self, low: u64, high: u64) -> Vec<u64> {
        let range = json!({"Stud_id": {"low": low, "high": high}});
        let (status, answer) = self.post("/read", range).await.unwrap();
        assert_eq!(status, 200, "{answer}");
        let rows = answer["data"].as_array().unwrap();
        rows.iter().map(|row| row["Stud_id"].as_u64().unwrap()).collect()
    }
}
