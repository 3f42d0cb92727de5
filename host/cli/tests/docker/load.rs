//! Clients that write and read all the while, and know what must be there.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::program::Client;

/// Keys that are updated again and again, spread over the shards.
const HOT: [u64; 6] = [1, 2, 4097, 4098, 8193, 8194];

/// Keys of the deployment's cluster.
const KEYS: u64 = 3 * 4096;

/// The pause of a writer: the keys must last for all scenarios.
const PAUSE: Duration = Duration::from_millis(40);

/// What a key's row must say: at least what was acknowledged, at most what was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected {
    pub acknowledged: Option<u64>,
    pub sent: u64,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// While the balancer may be away, a read may fail.
    excused: AtomicBool,
    rows: Mutex<BTreeMap<u64, Expected>>,
    acknowledged: AtomicU64,
    reads: AtomicU64,
    failed: Mutex<Vec<String>>,
    longest: Mutex<Duration>,
}

/// The clients.
pub struct Load {
    shared: Arc<Shared>,
    tasks: JoinSet<()>,
}

impl Load {
    pub fn start(client: &Client) -> Self {
        let shared = Arc::<Shared>::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(insert(shared.clone(), client.clone()));
        for key in HOT {
            tasks.spawn(update(shared.clone(), client.clone(), key));
        }
        for n in 0..2 {
            tasks.spawn(read(shared.clone(), client.clone(), n));
        }
        Load { shared, tasks }
    }

    /// From now on a read may fail, or not.
    pub fn excuse(&self, excused: bool) {
        self.shared.excused.store(excused, Ordering::SeqCst);
    }

    /// What each key must say. Taken before the replicas are looked at, it is a lower bound.
    pub fn rows(&self) -> BTreeMap<u64, Expected> {
        self.shared.rows.lock().unwrap().clone()
    }

    /// How many writes were acknowledged and reads answered so far.
    pub fn done(&self) -> (u64, u64) {
        let count = |n: &AtomicU64| n.load(Ordering::SeqCst);
        (count(&self.shared.acknowledged), count(&self.shared.reads))
    }

    /// The reads that failed, and had no excuse, since the last look.
    pub fn failed_reads(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.failed.lock().unwrap())
    }

    /// The longest a write took since the last look.
    pub fn longest_write(&self) -> Duration {
        std::mem::take(&mut self.shared.longest.lock().unwrap())
    }

    /// Ends; nothing is written from here on.
    pub async fn end(self) -> BTreeMap<u64, Expected> {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.tasks.join_all().await;
        self.shared.rows.lock().unwrap().clone()
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Sends a write, and notes what it means.
    async fn write(&self, client: &Client, method: Method, key: u64, marks: u64) -> bool {
        let row = row(key, marks);
        let (path, payload) = match method {
            Method::POST => ("/write", json!({"data": [row]})),
            _ => ("/update", json!({"Stud_id": key, "data": row})),
        };
        self.rows.lock().unwrap().entry(key).or_default().sent = marks;
        let began = Instant::now();
        let answer = client.send(method, path, payload).await;
        let mut longest = self.longest.lock().unwrap();
        *longest = longest.max(began.elapsed());
        drop(longest);
        let done = matches!(answer, Ok((200, _)));
        if done {
            self.rows.lock().unwrap().entry(key).or_default().acknowledged = Some(marks);
            self.acknowledged.fetch_add(1, Ordering::SeqCst);
        }
        done
    }
}

fn row(key: u64, marks: u64) -> Value {
    json!({"Stud_id": key, "Stud_name": format!("student {key}"), "Stud_marks": marks})
}

/// New keys, all shards in turn.
async fn insert(shared: Arc<Shared>, client: Client) {
    for key in (0..KEYS).map(|i| (i * 4099) % KEYS).filter(|key| key % 4096 >= 16) {
        if shared.is_over() {
            return;
        }
        shared.write(&client, Method::POST, key, 1).await;
        tokio::time::sleep(PAUSE).await;
    }
}

/// One key, again and again. What was not acknowledged may have been done: its number is spent.
async fn update(shared: Arc<Shared>, client: Client, key: u64) {
    let mut marks = 1;
    let mut method = Method::POST;
    while !shared.is_over() {
        if shared.write(&client, method.clone(), key, marks).await {
            method = Method::PUT;
        }
        marks += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// What was acknowledged is read again.
async fn read(shared: Arc<Shared>, client: Client, n: u64) {
    for turn in n.. {
        if shared.is_over() {
            return;
        }
        tokio::time::sleep(PAUSE / 4).await;
        let known: Vec<(u64, u64)> = {
            let rows = shared.rows.lock().unwrap();
            rows.iter().filter_map(|(key, row)| Some((*key, row.acknowledged?))).collect()
        };
        let Some(&(key, least)) = known.get((turn * 7919) as usize % known.len().max(1)) else {
            continue;
        };
        let was_excused = shared.excused.load(Ordering::SeqCst);
        let range = json!({"Stud_id": {"low": key, "high": key}});
        let answer = client.post("/read", range).await;
        let found = answer.as_ref().ok().filter(|(status, _)| *status == 200);
        let marks = found.and_then(|(_, answer)| answer["data"][0]["Stud_marks"].as_u64());
        if marks.is_some_and(|marks| marks >= least) {
            shared.reads.fetch_add(1, Ordering::SeqCst);
        } else if found.is_some() || !(was_excused || shared.excused.load(Ordering::SeqCst)) {
            // An answer without the row has no excuse.
            shared.failed.lock().unwrap().push(format!("key {key}, at least {least}: {answer:?}"));
        }
    }
}
