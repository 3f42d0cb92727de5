//! `dump` and `restore`.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use hyper::Method;
use serde_json::{Value, json};

use crate::program::{Balancer, Client, ringwright, run, student, text, until};

/// Rows that JSON or CSV would not bring back to the byte, in all shards.
const ROWS: &str = r#"{"data": [
    {"Stud_id": 5, "Stud_name": "line\nbreak, \"quoted\"", "Stud_marks": 27},
    {"Stud_id": 6, "Stud_name": "27", "Stud_marks": 27.50},
    {"Stud_id": 4096, "Stud_name": "", "Stud_marks": 123456789012345678901234567890},
    {"Stud_id": 12287, "Stud_name": "\u00fc\u2028", "Stud_marks": -1E2}]}"#;

async fn everything(client: &Client) -> Bytes {
    let range = json!({"Stud_id": {"low": 0, "high": i64::MAX}}).to_string();
    let (status, rows) = client.raw(Method::POST, "/read", range).await.unwrap();
    assert_eq!(status, 200, "{}", text(&rows));
    rows
}

/// Runs to the end, and the test's own tasks meanwhile.
async fn ran(args: &[&str]) -> Output {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    let run = move || run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Dumps into a folder.
async fn dumped(balancer: &Balancer, folder: &Path) -> PathBuf {
    let file = folder.join("dump.jsonl");
    let told = ran(&["dump", file.to_str().unwrap(), "--url", &balancer.url]).await;
    assert!(told.status.success(), "{}", text(&told.stderr));
    assert!(text(&told.stdout).ends_with(" rows dumped\n"), "{}", text(&told.stdout));
    file
}

/// What a restore told of the rows.
fn counts(told: &Output) -> String {
    assert!(told.status.success(), "{}", text(&told.stderr));
    text(&told.stdout)
}

/// Why a restore was refused.
fn refused(told: &Output) -> String {
    assert!(!told.status.success(), "{}", text(&told.stdout));
    text(&told.stderr)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_table_reads_the_same_to_the_byte() {
    let (data, other, folder) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let balancer = Balancer::configured(data.path(), &[]).await;
    let told = json!({"weight": 3, "labels": {"zone": "a"}});
    assert_eq!(balancer.http.send(Method::PUT, "/servers/Server1", told).await.unwrap().0, 200);
    let written = balancer.http.raw(Method::POST, "/write", ROWS.into()).await.unwrap();
    assert_eq!(written.0, 200, "{}", text(&written.1));
    assert_eq!(balancer.http.write(1000..3000).await.unwrap().0, 200);
    let (rows, status) = (everything(&balancer.http).await, balancer.status().await);
    assert!(text(&rows).contains(r#""27","Stud_marks":27.50}"#), "{}", text(&rows));
    let file = dumped(&balancer, folder.path()).await;
    drop(balancer);

    let restore = |url: &str| ["restore", file.to_str().unwrap(), "--url", url].map(str::to_owned);
    let balancer = Balancer::start(other.path(), &[]).await;
    let restore = restore(&balancer.url);
    let restore: Vec<&str> = restore.iter().map(String::as_str).collect();
    assert_eq!(counts(&ran(&restore).await), "2004 rows added, 0 rows unchanged, 0 rejected\n");
    assert_eq!(everything(&balancer.http).await, rows);
    for field in ["schema", "sharding", "servers", "weights", "labels"] {
        assert_eq!(balancer.status().await[field], status[field], "{field}");
    }

    // Again, whatever became of the rows since.
    assert_eq!(counts(&ran(&restore).await), "0 rows added, 2004 rows unchanged, 0 rejected\n");
    for _ in 0..2 {
        let gone = json!({"Stud_id": 6});
        assert_eq!(balancer.http.send(Method::DELETE, "/del", gone).await.unwrap().0, 200);
        let told = counts(&ran(&restore).await);
        assert_eq!(told, "1 rows added, 2003 rows unchanged, 0 rejected\n");
        assert_eq!(everything(&balancer.http).await, rows, "a key of the run before was used");
    }
    let other = json!({"Stud_id": 1000, "data": {"Stud_name": "another", "Stud_marks": 0}});
    assert_eq!(balancer.http.send(Method::PUT, "/update", other).await.unwrap().0, 200);
    let changed = everything(&balancer.http).await;
    let told = ran(&[&restore[..], &["--output", "json"]].concat()).await;
    assert!(!told.status.success());
    let message = "Stud_id: 1000 is in the table with other values";
    assert_eq!(
        serde_json::from_slice::<Value>(&told.stdout).unwrap(),
        json!({"added": 0, "unchanged": 2003, "rejected": [{"line": 4, "message": message}]})
    );
    assert_eq!(everything(&balancer.http).await, changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_under_load_is_one_snapshot() {
    let (data, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let balancer = Balancer::configured(data.path(), &[]).await;
    // Of each pair both rows are there or none, on different shards.
    let pairs_written = Arc::new(AtomicUsize::new(0));
    let writer = {
        let (written, client) = (pairs_written.clone(), balancer.http.clone());
        tokio::spawn(async move {
            for key in 0..4096 {
                assert_eq!(client.write([key, key + 8192]).await.unwrap().0, 200);
                written.fetch_add(1, Ordering::SeqCst);
            }
        })
    };
    let mut dumped_before = 0;
    for _ in 0..5 {
        until("more is written", async || {
            (pairs_written.load(Ordering::SeqCst) > dumped_before).then_some(())
        })
        .await;
        let file = dumped(&balancer, folder.path()).await;
        let dump = std::fs::read_to_string(file).unwrap();
        let lines: Vec<Value> = dump.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let rows = &lines[1..lines.len() - 1];
        let keys: Vec<u64> = rows.iter().map(|row| row["Stud_id"].as_u64().unwrap()).collect();
        let (front, back) = keys.split_at(keys.len() / 2);
        let pairs: Vec<u64> = front.iter().map(|key| key + 8192).collect();
        assert_eq!(pairs, back);
        assert!(front.len() > dumped_before, "an acknowledged write is not in the dump");
        dumped_before = front.len();
    }
    assert!(!writer.is_finished(), "there was no load");
    writer.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_is_not_whole_or_does_not_fit_changes_nothing() {
    let (data, other, folder) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let full = Balancer::configured(data.path(), &[]).await;
    assert_eq!(full.http.write(4000..4200).await.unwrap().0, 200);
    let file = dumped(&full, folder.path()).await;
    let whole = std::fs::read_to_string(&file).unwrap();
    drop(full);

    let balancer = Balancer::start(other.path(), &[]).await;
    let broken = folder.path().join("broken.jsonl");
    let restore = async |dump: &str| {
        std::fs::write(&broken, dump).unwrap();
        ran(&["restore", broken.to_str().unwrap(), "--url", &balancer.url]).await
    };
    let cut = &whole[..whole.trim_end().rfind('\n').unwrap() + 1];
    let changed = whole.replace("student 4100", "student 4l00");
    for (dump, why) in [(cut, "cut off at line 202"), (&changed, "its digest"), ("", "no dump")] {
        let told = refused(&restore(dump).await);
        assert!(told.contains(why) && told.contains("broken.jsonl"), "{told}");
        assert_eq!(balancer.status().await["schema"], Value::Null, "{why}");
    }

    let mut cluster = crate::program::cluster();
    cluster["shards"][1]["Shard_size"] = json!(100);
    assert_eq!(balancer.http.post("/init", cluster).await.unwrap().0, 200);
    let told = refused(&restore(&whole).await);
    assert!(told.contains("line 198: Stud_id: 4196 belongs to no shard"), "{told}");
    let floats = whole.replacen(r#""Number","String""#, r#""Number","Float""#, 1);
    let told = refused(&restore(&floats).await);
    assert!(told.contains("Stud_name Float") && told.contains("Stud_name String"), "{told}");
    assert_eq!(balancer.http.keys(0, 12_287).await, [0_u64; 0]);
    let none = ran(&["dump", "/nowhere/dump", "--url", &balancer.url]).await;
    assert!(refused(&none).contains("cannot write /nowhere/dump"), "{}", text(&none.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_goes_through_a_pipe_to_servers_that_the_policy_fills() {
    let (data, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let from = Balancer::start(data.path(), &[]).await;
    let to = Balancer::start(other.path(), &[]).await;
    let empty = ran(&["dump", "-", "--url", &from.url]).await;
    assert!(refused(&empty).contains("not configured"), "{}", text(&empty.stderr));
    let cluster = json!({"servers": {"Alice": ["a", "b"]}, "sharding": "modulo",
        "schema": {"columns": ["Stud_id", "Stud_name", "Stud_marks"],
            "dtypes": ["Number", "String", "String"]},
        "shards": [{"Shard_id": "a"}, {"Shard_id": "b"}]});
    assert_eq!(from.http.post("/init", cluster).await.unwrap().0, 200);
    let last = [student(0), student(i64::MAX.unsigned_abs())];
    assert_eq!(from.http.post("/write", json!({"data": last})).await.unwrap().0, 200);

    let mut dump = ringwright(&["dump", "-", "--url", &from.url]);
    let mut dump = dump.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut restore = ringwright(&["restore", "-", "--place", "--url", &to.url]);
    let restore = restore.stdin(dump.stdout.take().unwrap());
    let restore = restore.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let told = tokio::task::spawn_blocking(|| restore.wait_with_output().unwrap()).await.unwrap();
    assert_eq!(counts(&told), "2 rows added, 0 rows unchanged, 0 rejected\n");
    let told = dump.wait_with_output().unwrap();
    assert!(text(&told.stderr).ends_with("2 rows dumped\n"), "{}", text(&told.stderr));
    assert_eq!(everything(&to.http).await, everything(&from.http).await);
    assert_eq!(to.status().await["servers"], json!({"Server1": ["a", "b"]}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_that_broke_off_is_run_again() {
    let (data, other, folder) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let full = Balancer::configured(data.path(), &[]).await;
    assert_eq!(full.http.write(0..6000).await.unwrap().0, 200);
    let rows = everything(&full.http).await;
    let file = dumped(&full, folder.path()).await;
    drop(full);
    let balancer = Balancer::configured(other.path(), &[]).await;
    let args = ["restore", file.to_str().unwrap(), "--url", &balancer.url, "--batch", "10"];
    let mut cut = ringwright(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("some rows are there", async || {
        (!balancer.http.keys(0, 12_287).await.is_empty()).then_some(())
    })
    .await;
    cut.kill().unwrap();
    cut.wait().unwrap();
    let told = counts(&ran(&args).await);
    assert!(!told.contains(" 0 rows unchanged") && told.contains(" 0 rejected"), "{told}");
    assert_eq!(everything(&balancer.http).await, rows);
}
