//! A balancer as clients meet it: over a network, with real servers, metadata and plugins.

mod client;
pub mod platform;
mod servers;
mod stream;

pub use client::{Answer, Client};
pub use servers::Servers;
pub use stream::{Sent, Stream};

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ringwright_balancer::brain::{self, Brain, FaultLimit};
use ringwright_balancer::fleet::Fleet;
use ringwright_balancer::routing::{self, Router};
use ringwright_balancer::supervisor::Supervisor;
use ringwright_balancer::{Balancer, Settings, api};
use ringwright_metadata::{MetadataStore, SqlStore};
use ringwright_model::ClusterConfig;
use ringwright_plugin_runtime::{Catalogue, Runtime};
use ringwright_replication::{Charge, Clock, Cluster, Member, SystemClock};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// How long anything may take that happens by itself. A healthy machine needs a hundredth.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A heartbeat short enough for tests to wait for several.
pub const HEARTBEAT: Duration = Duration::from_millis(50);

/// What a test sets.
pub struct Options {
    pub balancer: Settings,
    pub replication: ringwright_replication::Settings,
    /// How long the charge lasts; nothing renews it.
    pub charge_term: Duration,
    pub plugins: Vec<PathBuf>,
    pub runtime: Runtime,
    pub brain: brain::Settings,
    pub routing: routing::Settings,
    /// Whether the supervisor runs.
    pub supervised: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            balancer: Settings { heartbeat_interval: HEARTBEAT, ..Settings::default() },
            replication: ringwright_replication::Settings {
                patience: Duration::from_millis(300),
                ..Default::default()
            },
            charge_term: Duration::from_secs(3600),
            plugins: vec![plugin_folder()],
            runtime: runtime().clone(),
            brain: brain::Settings {
                hash: "virtual-node".into(),
                placement: "spread".into(),
                faults: FaultLimit::default(),
            },
            routing: routing::Settings::default(),
            supervised: false,
        }
    }
}

/// A balancer that serves; its [`Client`] is what it derefs to.
pub struct Api {
    pub balancer: Arc<Balancer>,
    pub servers: Arc<Servers>,
    pub store: Arc<SqlStore>,
    client: Client,
    tasks: Vec<JoinHandle<()>>,
    _dir: TempDir,
}

impl Deref for Api {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Api {
    /// A balancer of no servers.
    pub async fn start() -> Api {
        Api::with(Options::default()).await
    }

    /// A balancer of no servers, with these settings.
    pub async fn with(options: Options) -> Api {
        let dir = tempfile::tempdir().unwrap();
        let servers = Arc::new(Servers::new(&dir.path().join("servers")));
        let store = SqlStore::open_sqlite(dir.path().join("metadata.sqlite")).await.unwrap();
        let store = Arc::new(store);
        let catalogue = Catalogue::scan(&options.runtime, &options.plugins);
        let brain = Arc::new(Brain::new(catalogue, options.brain, None, None).unwrap());
        let settings = options.balancer;
        let router = Arc::new(Router::new(brain.clone(), options.routing).unwrap());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let charge = Charge::take(store.clone(), clock.clone(), "test", options.charge_term, true);
        let charge = charge.await.unwrap();
        let cluster =
            Cluster::open(store.clone(), clock, charge, router.clone(), options.replication);
        let fleet = Fleet::new(servers.clone(), settings.server_timeout);
        let balancer = Balancer::new(settings, cluster.await.unwrap(), fleet, brain, router);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::new(listener.local_addr().unwrap());
        let served = balancer.clone();
        let mut tasks = vec![tokio::spawn(async move {
            api::serve(listener, served, std::future::pending()).await;
        })];
        tasks.push(tokio::spawn(balancer.clone().mind_the_brains()));
        if options.supervised {
            tasks.push(tokio::spawn(Supervisor::new(balancer.clone()).run()));
        }
        Api { balancer, servers, store, client, tasks, _dir: dir }
    }

    /// A balancer that the paper's `/init` has configured.
    pub async fn configured() -> Api {
        Api::configured_with(Options::default()).await
    }

    /// The same, with these settings.
    pub async fn configured_with(options: Options) -> Api {
        let api = Api::with(options).await;
        api.post("/init", papers_init()).await.ok();
        api
    }

    /// A configured balancer with rows in each shard: 10, 2255, 3524, 5000, 10005.
    pub async fn filled() -> Api {
        let api = Api::configured().await;
        api.fill().await;
        api
    }

    /// Writes those rows.
    pub async fn fill(&self) {
        let rows: Vec<Value> = [10, 2255, 3524, 5000, 10_005].into_iter().map(row).collect();
        self.post("/write", json!({"data": rows})).await.ok();
    }

    /// A client with connections of its own.
    pub fn another_client(&self) -> Client {
        self.client.apart()
    }

    /// Everything a request might change.
    pub async fn state(&self) -> State {
        let status = self.get("/status").await;
        let rows = self.post("/read", json!({"Stud_id": {"low": 0, "high": i64::MAX}})).await;
        State {
            status: status.text,
            rows: rows.text,
            running: self.servers.running(),
            stored: self.store.load().await.unwrap(),
        }
    }

    /// Sends what is to be refused: with this status, a message that says this, and no effect.
    #[track_caller]
    pub fn refuses<'a>(
        &'a self,
        request: (&'a str, &'a str),
        payload: Value,
        status: u16,
        says: &'a str,
    ) -> impl Future<Output = ()> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let before = self.state().await;
            let (method, path) = request;
            let answer = self.call(method, path, &payload).await;
            let text = format!("{caller}: {method} {path} {payload}: {answer:?}");
            assert_eq!(answer.status, status, "{text}");
            assert!(answer.refusal(status).contains(says), "not \"{says}\": {text}");
            assert_eq!(self.state().await, before, "it changed something: {text}");
        }
    }

    /// Polls until `found` finds something.
    #[track_caller]
    pub fn until<'a, T>(
        &'a self,
        what: &'a str,
        mut found: impl AsyncFnMut(&Api) -> Option<T> + 'a,
    ) -> impl Future<Output = T> + 'a {
        let caller = std::panic::Location::caller();
        async move {
            let poll = async {
                loop {
                    if let Some(it) = found(self).await {
                        return it;
                    }
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            match tokio::time::timeout(DEADLINE, poll).await {
                Ok(it) => it,
                Err(_) => panic!("{caller}: never {what}: {}", self.status().await),
            }
        }
    }

    /// The same of a cluster that cannot be read whole, of which nothing is to be stored.
    pub async fn refuses_to_change(
        &self,
        (method, path): (&str, &str),
        payload: Value,
        status: u16,
        says: &str,
    ) {
        let before = self.store.load().await.unwrap();
        let message = self.call(method, path, &payload).await.refusal(status);
        assert!(message.contains(says), "not \"{says}\": {message}");
        assert_eq!(self.store.load().await.unwrap(), before);
    }

    /// Waits until so many more starts have been asked for.
    pub async fn more_starts(&self, count: usize) {
        for n in 0..count {
            let start = self.servers.another_start().await;
            let told = tokio::time::timeout(DEADLINE, start).await;
            told.unwrap_or_else(|_| panic!("never start {n} of {count}"));
        }
    }

    /// Starts a server of the cluster, or finds it, and connects it.
    pub async fn bring_up(&self, name: &str) {
        self.balancer.bring_up(&self.member(name)).await.unwrap();
    }

    /// The member of that name.
    pub fn member(&self, name: &str) -> Arc<Member> {
        self.balancer.cluster.view().servers[name].clone()
    }

    /// Stops all but one of a shard's servers from being asked: whatever it holds must do.
    pub async fn leave_only(&self, shard: &str, server: &str) {
        for other in self.in_sync(shard).await.iter().filter(|s| *s != server) {
            self.servers.crash(other, false).await;
        }
    }

    /// Waits until every replica is in sync on a server that lives.
    pub async fn healed(&self) {
        let well = async |api: &Api| {
            let status = api.status().await;
            let states = status["server_states"].as_object().unwrap();
            let live = states.values().all(|s| s == "live");
            let replicas = status["replicas"].as_array().unwrap();
            (live && replicas.iter().all(|r| r["state"] == "in_sync")).then_some(())
        };
        self.until("all in sync", well).await;
    }

    /// The servers that hold a shard in sync.
    pub async fn in_sync(&self, shard: &str) -> Vec<String> {
        self.replicas(shard, "in_sync").await
    }

    /// The servers that hold a shard in that state.
    pub async fn replicas(&self, shard: &str, state: &str) -> Vec<String> {
        let status = self.status().await;
        let all = status["replicas"].as_array().unwrap().iter();
        let these = all.filter(|r| r["shard_id"] == shard && r["state"] == state);
        these.map(|r| r["server"].as_str().unwrap().to_owned()).collect()
    }

    /// The keys of all rows.
    pub async fn keys(&self) -> Vec<i64> {
        let rows: Vec<Value> = serde_json::from_str(&self.rows(0, i64::MAX as u64).await).unwrap();
        let column = self.key_column().await;
        rows.iter().map(|r| r[&column].as_i64().unwrap()).collect()
    }
}

/// Everything a request might change.
#[derive(Debug, PartialEq)]
pub struct State {
    pub status: String,
    pub rows: String,
    pub running: Vec<String>,
    pub stored: ClusterConfig,
}

/// The paper's payload for `/init`.
pub fn papers_init() -> Value {
    json!({
        "N": 3,
        "schema": {
            "columns": ["Stud_id", "Stud_name", "Stud_marks"],
            "dtypes": ["Number", "String", "String"],
        },
        "shards": [
            {"Stud_id_low": 0, "Shard_id": "sh1", "Shard_size": 4096},
            {"Stud_id_low": 4096, "Shard_id": "sh2", "Shard_size": 4096},
            {"Stud_id_low": 8192, "Shard_id": "sh3", "Shard_size": 4096},
        ],
        "servers": {
            "Server0": ["sh1", "sh2"],
            "Server1": ["sh2", "sh3"],
            "Server2": ["sh1", "sh3"],
        },
    })
}

/// The same three shards on three servers, but no copy of any.
pub fn one_copy_each() -> Value {
    let servers = json!({"Server0": ["sh1"], "Server1": ["sh2"], "Server2": ["sh3"]});
    set(papers_init(), "/servers", servers)
}

/// The paper's payload for `/add`.
pub fn papers_add() -> Value {
    json!({
        "n": 2,
        "new_shards": [{"Stud_id_low": 12288, "Shard_id": "sh5", "Shard_size": 4096}],
        "servers": {"Server4": ["sh3", "sh5"], "Server[5]": ["sh2", "sh5"]},
    })
}

/// A student.
pub fn row(id: u64) -> Value {
    json!({"Stud_id": id, "Stud_name": format!("s{id}"), "Stud_marks": 27})
}

/// `payload` with the field at a pointer set.
pub fn set(mut payload: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    match payload.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[field.parse::<usize>().unwrap()] = value,
        parent => parent[field] = value,
    }
    payload
}

/// `payload` without a field at its top.
pub fn without(mut payload: Value, field: &str) -> Value {
    payload.as_object_mut().unwrap().remove(field).unwrap();
    payload
}

/// The plugins as they are built for everyone.
pub fn plugin_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/dist");
    for plugin in ["virtual-node", "md5", "quadratic", "spread"] {
        let file = folder.join(plugin).with_extension("wasm");
        assert!(file.exists(), "{} is missing: run `make plugins` first", file.display());
    }
    folder
}

/// One runtime for all tests; what it compiles is kept between runs.
fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let cache_dir = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins"));
        let settings = ringwright_plugin_runtime::Settings {
            cache_dir,
            // Tests share a machine: which server is asked must not hang on who has it just now.
            slot_deadline: Duration::from_millis(500),
            start_deadline: Duration::from_secs(2),
            work_deadline: Duration::from_secs(5),
            ..Default::default()
        };
        Runtime::new(settings).unwrap()
    })
}
