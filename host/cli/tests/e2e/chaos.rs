//! Concurrent clients over a few hot keys while servers and the balancer are killed at random.
//!
//! What they were answered must be explained by some order of their requests (I3), what was
//! acknowledged must be there at the end (I1, I5), and while the balancer is up no read may fail.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::Method;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use ringwright_history::{Call, History, Op, Outcome};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::program::{Answer, Balancer, Client, QUICK};

/// Three keys of each shard.
const HOT: [i64; 9] = [1, 2, 3, 4097, 4098, 4099, 8193, 8194, 8195];

/// Clients on the hot keys.
const CLIENTS: u64 = 6;

/// Clients that each write keys of their own.
const WRITERS: u64 = 2;

const SERVERS: [&str; 3] = ["Server0", "Server1", "Server2"];

/// What the clients share.
#[derive(Clone, Default)]
struct Run {
    stop: Arc<AtomicBool>,
    history: History,
    /// Odd while the balancer is down; grows each time it goes or comes.
    life: Arc<AtomicU64>,
}

impl Run {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Asks, and tells whether the balancer was up all the while.
    async fn ask(&self, asked: impl Future<Output = Answer>) -> (Answer, bool) {
        let before = self.life.load(Ordering::SeqCst);
        let answer = asked.await;
        let after = self.life.load(Ordering::SeqCst);
        (answer, before == after && before.is_multiple_of(2))
    }
}

/// One client on the hot keys; answers the reads that failed though the balancer was up.
async fn play(run: Run, client: Client, number: u64, mut random: StdRng) -> Vec<String> {
    let mut failed = Vec::new();
    for n in 0_u64.. {
        if run.is_over() {
            break;
        }
        let key = HOT[random.random_range(0..HOT.len())];
        let text = format!("c{number}-{n}");
        match random.random_range(0..10) {
            0..4 => failed.extend(read(&run, &client, key).await),
            4..7 => write(&run, &client, Op::Update(key, text)).await,
            7..9 => write(&run, &client, Op::Insert(key, text)).await,
            _ => write(&run, &client, Op::Delete(key)).await,
        }
    }
    failed
}

async fn read(run: &Run, client: &Client, key: i64) -> Option<String> {
    let call = run.history.call(Op::Read(key));
    let range = json!({"Stud_id": {"low": key, "high": key}});
    match run.ask(client.post("/read", range)).await {
        (Ok((200, answer)), _) => {
            let row = &answer["data"][0]["Stud_name"];
            call.returned(Outcome::Row(row.as_str().map(str::to_owned)));
            None
        }
        (other, was_up) => {
            drop(call);
            was_up.then(|| format!("{other:?}"))
        }
    }
}

async fn write(run: &Run, client: &Client, op: Op) {
    let row = |key: i64, text: &str| json!({"Stud_id": key, "Stud_name": text, "Stud_marks": 1});
    let (method, path, payload) = match &op {
        Op::Insert(key, text) => (Method::POST, "/write", json!({"data": [row(*key, text)]})),
        Op::Update(key, text) => {
            (Method::PUT, "/update", json!({"Stud_id": key, "data": row(*key, text)}))
        }
        Op::Delete(key) | Op::Read(key) => (Method::DELETE, "/del", json!({"Stud_id": key})),
    };
    let call: Call = run.history.call(op);
    match run.ask(client.send(method, path, payload)).await.0 {
        Ok((200, _)) => call.returned(Outcome::Done),
        Ok((404 | 409, _)) => call.returned(Outcome::Refused),
        // Done or not: nobody can say. Not at once again, or all that is left open is nothing but
        // such calls.
        _ => {
            drop(call);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Writes one key after the other; answers those that were acknowledged.
async fn fill(run: Run, client: Client, number: u64) -> BTreeSet<u64> {
    let mut acknowledged = BTreeSet::new();
    // All shards in turn, past the hot keys.
    let keys = (0..12_288).map(|i| (i * 4099) % 12_288).filter(|key| key % 4096 >= 16);
    for key in keys.filter(|key| key % WRITERS == number) {
        if run.is_over() {
            break;
        }
        match client.write([key]).await {
            Ok((200, _)) => drop(acknowledged.insert(key)),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    acknowledged
}

/// Kills a server at random once all is well, again and again, and the balancer twice.
async fn kill(
    run: &Run,
    mut balancer: Balancer,
    data: &Path,
    mut random: StdRng,
    time: Duration,
) -> Balancer {
    let port: u16 = balancer.url.rsplit(':').next().unwrap().parse().unwrap();
    let begun = Instant::now();
    let (mut servers, mut balancers) = (0, 0);
    while begun.elapsed() < time || balancers < 2 {
        balancer.all_in_sync().await;
        tokio::time::sleep(Duration::from_millis(random.random_range(0..1500))).await;
        let victim = SERVERS[random.random_range(0..SERVERS.len())];
        balancer.kill_server(victim);
        servers += 1;
        // In the middle of whatever is done about the server.
        if begun.elapsed() >= time.mul_f64(f64::from(balancers + 1) / 3.0) && balancers < 2 {
            tokio::time::sleep(Duration::from_millis(random.random_range(0..600))).await;
            run.life.fetch_add(1, Ordering::SeqCst);
            balancer.kill();
            balancer = Balancer::start_on(port, data, &QUICK).await;
            run.life.fetch_add(1, Ordering::SeqCst);
            balancers += 1;
        }
    }
    eprintln!("killed {servers} servers, and the balancer {balancers} times");
    balancer.all_in_sync().await;
    balancer
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_no_answer_is_wrong_and_no_write_lost() {
    let time = Duration::from_secs(setting("RINGWRIGHT_CHAOS_SECONDS").unwrap_or(30));
    let seed = setting("RINGWRIGHT_CHAOS_SEED").unwrap_or_else(|| rand::random_range(0..1 << 32));
    eprintln!("again with RINGWRIGHT_CHAOS_SEED={seed}");
    let random = |stream: u64| StdRng::seed_from_u64(seed.wrapping_mul(1_000).wrapping_add(stream));
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &QUICK).await;
    let client = balancer.http.clone();
    let run = Run::default();
    let (mut players, mut writers) = (JoinSet::new(), JoinSet::new());
    for n in 0..CLIENTS {
        players.spawn(play(run.clone(), client.clone(), n, random(n + 1)));
    }
    for n in 0..WRITERS {
        writers.spawn(fill(run.clone(), client.clone(), n));
    }
    let balancer = kill(&run, balancer, data.path(), random(0), time).await;
    run.stop.store(true, Ordering::SeqCst);
    let failed = players.join_all().await.concat();
    let acknowledged: BTreeSet<u64> = writers.join_all().await.into_iter().flatten().collect();
    for key in HOT {
        assert_eq!(read(&run, &balancer.http, key).await, None);
    }
    let (calls, known) = (run.history.calls(), run.history.known());
    eprintln!("{calls} operations, {known} of them answered; {} rows", acknowledged.len());
    assert!(failed.is_empty(), "reads failed while the balancer was up: {failed:?}");
    assert!(known > 100 && acknowledged.len() > 100, "hardly anything was done");
    run.history.check().unwrap_or_else(|violation| panic!("{violation}"));
    let found: BTreeSet<u64> = client.keys(0, 12_287).await.into_iter().collect();
    let lost: Vec<&u64> = acknowledged.difference(&found).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    // Each server's copies alone tell the same.
    let rows = everything(&client).await;
    for server in SERVERS {
        balancer.kill_server(server);
        assert_eq!(everything(&client).await, rows, "without {server}");
        balancer.all_in_sync().await;
    }
}

async fn everything(client: &Client) -> Value {
    let range = json!({"Stud_id": {"low": 0, "high": 12_287}});
    let (status, answer) = client.post("/read", range).await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer["data"].clone()
}
