//! `/read`, `/write`, `/update`, `/del`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Api, papers_init, row, set, without};

const READ: (&str, &str) = ("POST", "/read");
const WRITE: (&str, &str) = ("POST", "/write");
const UPDATE: (&str, &str) = ("PUT", "/update");
const DEL: (&str, &str) = ("DELETE", "/del");

fn range(low: u64, high: u64) -> Value {
    json!({"Stud_id": {"low": low, "high": high}})
}

fn rows(ids: &[u64]) -> Value {
    json!({"data": ids.iter().copied().map(row).collect::<Vec<_>>()})
}

#[tokio::test]
async fn the_papers_requests_are_answered_as_the_paper_says() {
    let api = Api::configured().await;
    let payload = json!({"data": [
        {"Stud_id": 2255, "Stud_name": "GHI", "Stud_marks": 27},
        {"Stud_id": 3524, "Stud_name": "JKL", "Stud_marks": 56},
        {"Stud_id": 1005, "Stud_name": "MNO", "Stud_marks": 100},
    ]});
    let body = api.post("/write", payload).await.ok();
    assert_eq!(body, json!({"message": "3 Data entries added", "status": "success"}));

    let body = api.post("/read", range(1000, 8889)).await.ok();
    let expected = json!({
        "shards_queried": ["sh1", "sh2", "sh3"],
        "data": [
            {"Stud_id": 1005, "Stud_name": "MNO", "Stud_marks": 100},
            {"Stud_id": 2255, "Stud_name": "GHI", "Stud_marks": 27},
            {"Stud_id": 3524, "Stud_name": "JKL", "Stud_marks": 56},
        ],
        "status": "success",
    });
    assert_eq!(body, expected);

    let row = json!({"Stud_id": 2255, "Stud_name": "GHI", "Stud_marks": 28});
    let body = api.put("/update", json!({"Stud_id": "2255", "data": row})).await.ok();
    let expected = json!({"message": "Data entry for Stud_id: 2255 updated", "status": "success"});
    assert_eq!(body, expected);
    assert_eq!(api.row_values(2255, 2255).await, json!([row]));

    let body = api.delete("/del", json!({"Stud_id": 2255})).await.ok();
    let message = "Data entry with Stud_id:2255 removed from all replicas";
    assert_eq!(body, json!({"message": message, "status": "success"}));
    assert_eq!(api.keys().await, [1005, 3524]);
}

#[tokio::test]
async fn values_come_back_as_they_were_sent() {
    let api = Api::configured().await;
    let body = r#"{"data": [
        {"Stud_id": "1", "Stud_name": "\u0041da \ud83d\ude00", "Stud_marks": 27},
        {"Stud_id": 2, "Stud_name": "", "Stud_marks": "27"},
        {"Stud_id": 3, "Stud_name": 12345678901234567890123, "Stud_marks": 27.50},
        {"Stud_id": 4, "Stud_name": "'; DROP TABLE row_version; --", "Stud_marks": -1e-3}
    ]}"#;
    api.send("POST", "/write", &[], body).await.ok();
    let expected = concat!(
        r#"[{"Stud_id":1,"Stud_name":"Ada 😀","Stud_marks":27},"#,
        r#"{"Stud_id":2,"Stud_name":"","Stud_marks":"27"},"#,
        r#"{"Stud_id":3,"Stud_name":12345678901234567890123,"Stud_marks":27.50},"#,
        r#"{"Stud_id":4,"Stud_name":"'; DROP TABLE row_version; --","Stud_marks":-1e-3}]"#,
    );
    assert_eq!(api.rows(0, 100).await, expected);
}

#[tokio::test]
async fn field_names_are_matched_without_regard_to_case() {
    let api = Api::configured().await;
    let row = json!({"STUD_ID": 7, "stud_name": "a", "Stud_MARKS": 1});
    api.post("/write", json!({"DATA": [row]})).await.ok();
    let shown = json!([{"Stud_id": 7, "Stud_name": "a", "Stud_marks": 1}]);
    let body = api.post("/read", json!({"stud_ID": {"LOW": 0, "High": "9"}})).await.ok();
    assert_eq!(body["data"], shown, "under the schema's names");
    let row = json!({"stud_name": "b", "stud_marks": 2});
    api.put("/update", json!({"stud_id": 7, "Data": row})).await.ok();
    assert_eq!(api.rows(7, 7).await, r#"[{"Stud_id":7,"Stud_name":"b","Stud_marks":2}]"#);
    api.delete("/del", json!({"STUD_ID": "7"})).await.ok();
    assert_eq!(api.rows(7, 7).await, "[]");
}

#[tokio::test]
async fn a_read_includes_both_ends_and_asks_only_the_shards_of_its_range() {
    let api = Api::filled().await;
    for (low, high, keys, shards) in [
        (0, 10, vec![10], vec!["sh1"]),
        (10, 10, vec![10], vec!["sh1"]),
        (11, 2254, vec![], vec!["sh1"]),
        (10, 2255, vec![10, 2255], vec!["sh1"]),
        (3524, 5000, vec![3524, 5000], vec!["sh1", "sh2"]),
        (4096, 8191, vec![5000], vec!["sh2"]),
        (0, 12_287, vec![10, 2255, 3524, 5000, 10_005], vec!["sh1", "sh2", "sh3"]),
        (12_288, 20_000, vec![], vec![]),
        (12_287, u64::try_from(i64::MAX).unwrap(), vec![], vec!["sh3"]),
    ] {
        let body = api.post("/read", range(low, high)).await.ok();
        let found: Vec<u64> = body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["Stud_id"].as_u64().unwrap())
            .collect();
        assert_eq!(found, keys, "{low} to {high}");
        assert_eq!(body["shards_queried"], json!(shards), "{low} to {high}");
        assert_eq!(body["status"], "success");
    }
}

#[tokio::test]
async fn rows_come_in_key_order_whatever_the_order_of_shards() {
    let api = Api::start().await;
    let mut payload = papers_init();
    payload["shards"].as_array_mut().unwrap().reverse();
    api.post("/init", payload).await.ok();
    let ids: Vec<u64> = (0..300).map(|i| (i * 7919) % 12_288).collect();
    api.post("/write", rows(&ids)).await.ok();
    let mut sorted: Vec<i64> = ids.iter().map(|id| i64::try_from(*id).unwrap()).collect();
    sorted.sort_unstable();
    assert_eq!(api.keys().await, sorted);
}

#[tokio::test]
async fn a_read_that_can_not_be_right_is_refused() {
    let api = Api::filled().await;
    for (payload, says) in [
        (json!({}), "'Stud_id' is missing"),
        (json!({"Stud_id": null}), "'Stud_id' is missing"),
        (json!({"Stud_id": 5}), "Stud_id"),
        (json!({"Stud_id": [1, 2]}), "Stud_id"),
        (json!({"Stud_id": {"low": 5}}), "'high' is missing"),
        (json!({"Stud_id": {"high": 5}}), "'low' is missing"),
        (json!({"Stud_id": {"low": 6, "high": 5}}), "'Stud_id.low' is greater"),
        (json!({"Stud_id": {"low": -1, "high": 5}}), "'Stud_id.low'"),
        (json!({"Stud_id": {"low": 1.5, "high": 5}}), "'Stud_id.low'"),
        (json!({"Stud_id": {"low": 0, "high": "x"}}), "'Stud_id.high'"),
        (json!({"Stud_id": {"low": 0, "high": 9_223_372_036_854_775_808_u64}}), "'Stud_id.high'"),
        (json!({"Stud_id": {"low": 0, "high": true}}), "'Stud_id.high'"),
        (json!({"Stud_id": {"low": [0], "high": {}}}), "'Stud_id.low'"),
    ] {
        api.refuses(READ, payload, 400, says).await;
    }
    let huge = r#"{"Stud_id": {"low": 0, "high": 99999999999999999999999999}}"#;
    let message = api.send("POST", "/read", &[], huge).await.refusal(400);
    assert!(message.contains("'Stud_id.high'"), "{message}");
    let twice = r#"{"Stud_id": {"low": 0, "high": 9}, "stud_id": {"low": 0, "high": 9}}"#;
    let message = api.send("POST", "/read", &[], twice).await.refusal(400);
    assert!(message.contains("'stud_id' is given twice"), "{message}");
}

#[tokio::test]
async fn a_write_is_whole_or_nothing() {
    let api = Api::filled().await;
    let good = row(20);
    let bad = [
        (row(5000), 409, "Stud_id: 5000 already exists"),
        (row(20), 400, "Stud_id: 20 twice"),
        (row(12_288), 400, "Stud_id: 12288 belongs to no shard"),
        (without(row(21), "Stud_marks"), 400, "data[1]: field 'Stud_marks' is missing"),
        (without(row(21), "Stud_id"), 400, "data[1]: field 'Stud_id' is missing"),
        (set(row(21), "/extra", json!(1)), 400, "data[1]: field 'extra' is not in the schema"),
        (set(row(21), "/Stud_name", Value::Null), 400, "data[1]: field 'Stud_name'"),
        (set(row(21), "/Stud_name", json!(true)), 400, "data[1]: field 'Stud_name'"),
        (set(row(21), "/Stud_name", json!(["x"])), 400, "data[1]: field 'Stud_name'"),
        (set(row(21), "/Stud_name", json!({"x": 1})), 400, "data[1]: field 'Stud_name'"),
        (set(row(21), "/Stud_name", json!("a\u{0}b")), 400, "data[1]: field 'Stud_name'"),
        (set(row(21), "/STUD_NAME", json!("b")), 400, "data[1]: field 'Stud_name' is given twice"),
        (set(row(21), "/Stud_id", json!(-1)), 400, "data[1]: field 'Stud_id'"),
        (set(row(21), "/Stud_id", json!(1.5)), 400, "data[1]: field 'Stud_id'"),
        (set(row(21), "/Stud_id", json!(1e3)), 400, "data[1]: field 'Stud_id'"),
        (set(row(21), "/Stud_id", json!("x")), 400, "data[1]: field 'Stud_id'"),
        (set(row(21), "/Stud_id", json!("")), 400, "data[1]: field 'Stud_id'"),
        (set(row(21), "/Stud_id", json!(true)), 400, "data[1]: field 'Stud_id'"),
        (set(row(21), "/Stud_id", json!(9_223_372_036_854_775_808_u64)), 400, "data[1]: field"),
        (json!(5), 400, "data[1]: a row must be an object"),
        (json!([]), 400, "data[1]: a row must be an object"),
        (Value::Null, 400, "data[1]: a row must be an object"),
    ];
    for (bad, status, says) in bad {
        api.refuses(WRITE, json!({"data": [good, bad]}), status, says).await;
    }
    // One good row on each shard, and one that is there already on the last.
    let spread = rows(&[30, 4200, 8200, 10_005]);
    api.refuses(WRITE, spread, 409, "Stud_id: 10005 already exists").await;
    // Of several that are in the way the lowest is named.
    api.refuses(WRITE, rows(&[10_005, 40, 5000]), 409, "Stud_id: 5000 already").await;
    for (payload, says) in [
        (json!({}), "'data' is missing"),
        (json!({"data": {}}), "'data'"),
        (json!({"data": 5}), "'data'"),
        (json!({"data": "[]"}), "'data'"),
    ] {
        api.refuses(WRITE, payload, 400, says).await;
    }
    api.post("/write", json!({"data": [good]})).await.ok();
}

#[tokio::test]
async fn a_write_of_nothing_adds_nothing() {
    let api = Api::filled().await;
    let before = api.state().await;
    let body = api.post("/write", json!({"data": []})).await.ok();
    assert_eq!(body["message"], "0 Data entries added");
    assert_eq!(api.state().await, before);
}

#[tokio::test]
async fn a_large_write_is_added_whole() {
    let api = Api::configured().await;
    let ids: Vec<u64> = (0..10_000).collect();
    let body = api.post("/write", rows(&ids)).await.ok();
    assert_eq!(body["message"], "10000 Data entries added");
    assert_eq!(api.keys().await.len(), 10_000);
}

#[tokio::test]
async fn a_refused_update_changes_nothing() {
    let api = Api::filled().await;
    let changed = set(row(10), "/Stud_name", json!("changed"));
    for (payload, status, says) in [
        (json!({"data": changed}), 400, "'Stud_id' is missing"),
        (json!({"Stud_id": 10}), 400, "'data' is missing"),
        (json!({"Stud_id": 10, "data": []}), 400, "data: a row must be an object"),
        (json!({"Stud_id": 10, "data": "x"}), 400, "data: a row must be an object"),
        (json!({"Stud_id": 10, "data": row(11)}), 400, "may not change the key"),
        (json!({"Stud_id": 2255, "data": changed}), 400, "may not change the key"),
        (json!({"Stud_id": 11, "data": row(11)}), 404, "No data entry for Stud_id: 11"),
        (json!({"Stud_id": 99_999, "data": row(99_999)}), 404, "belongs to no shard"),
        (json!({"Stud_id": -1, "data": changed}), 400, "'Stud_id'"),
        (json!({"Stud_id": 10.5, "data": changed}), 400, "'Stud_id'"),
        (json!({"Stud_id": {"low": 1}, "data": changed}), 400, "'Stud_id'"),
        (json!({"Stud_id": 10, "data": without(row(10), "Stud_marks")}), 400, "'Stud_marks'"),
        (json!({"Stud_id": 10, "data": set(row(10), "/x", json!(1))}), 400, "data: field 'x'"),
        (json!({"Stud_id": 10, "data": set(row(10), "/Stud_id", json!("x"))}), 400, "'Stud_id'"),
    ] {
        api.refuses(UPDATE, payload, status, says).await;
    }
    api.put("/update", json!({"Stud_id": 10, "data": changed})).await.ok();
    assert_eq!(api.row_values(10, 10).await, json!([changed]));
}

#[tokio::test]
async fn a_refused_deletion_changes_nothing() {
    let api = Api::filled().await;
    for (payload, status, says) in [
        (json!({}), 400, "'Stud_id' is missing"),
        (json!({"Stud_id": 11}), 404, "No data entry for Stud_id: 11"),
        (json!({"Stud_id": 99_999}), 404, "belongs to no shard"),
        (json!({"Stud_id": -11}), 400, "'Stud_id'"),
        (json!({"Stud_id": 1.5}), 400, "'Stud_id'"),
        (json!({"Stud_id": "ten"}), 400, "'Stud_id'"),
        (json!({"Stud_id": [10]}), 400, "'Stud_id'"),
        (json!({"Stud_id": {"low": 10, "high": 10}}), 400, "'Stud_id'"),
    ] {
        api.refuses(DEL, payload, status, says).await;
    }
    api.delete("/del", json!({"Stud_id": 10})).await.ok();
    api.refuses(DEL, json!({"Stud_id": 10}), 404, "No data entry for Stud_id: 10").await;
    api.post("/write", json!({"data": [row(10)]})).await.ok();
    assert_eq!(api.keys().await, [10, 2255, 3524, 5000, 10_005], "a key is free again");
}

#[tokio::test]
async fn a_repeat_under_one_idempotency_key_is_done_once() {
    let api = Api::filled().await;
    let key = [("Idempotency-Key", "a1")];
    let body = rows(&[50, 4200]).to_string();
    let first = api.send("POST", "/write", &key, body.clone()).await;
    first.ok();
    let before = api.state().await;
    let again = api.send("POST", "/write", &key, body.clone()).await;
    again.ok();
    assert_eq!(again.text, first.text);
    assert_eq!(api.state().await, before);
    // Without the key it is another request, and the rows are there.
    api.send("POST", "/write", &[], body).await.refusal(409);

    let key = [("idempotency-key", "a2")];
    let gone = api.send("DELETE", "/del", &key, r#"{"Stud_id": 50}"#).await.ok();
    api.post("/write", json!({"data": [row(50)]})).await.ok();
    let again = api.send("DELETE", "/del", &key, r#"{"Stud_id": 50}"#).await.ok();
    assert_eq!(again, gone);
    assert!(api.keys().await.contains(&50), "done once");

    let key = [("idempotency-key", "a3")];
    let update = json!({"Stud_id": 50, "data": set(row(50), "/Stud_marks", json!(1))}).to_string();
    api.send("PUT", "/update", &key, update.clone()).await.ok();
    let later = json!({"Stud_id": 50, "data": set(row(50), "/Stud_marks", json!(2))});
    api.put("/update", later).await.ok();
    api.send("PUT", "/update", &key, update).await.ok();
    let rows = api.rows(50, 50).await;
    assert!(rows.contains("\"Stud_marks\":2"), "the later one stands: {rows}");
}

#[tokio::test]
async fn an_idempotency_key_is_good_for_one_request() {
    let api = Api::filled().await;
    let key = [("idempotency-key", "b")];
    api.send("DELETE", "/del", &key, r#"{"Stud_id": 10}"#).await.ok();
    let before = api.state().await;
    let other = api.send("DELETE", "/del", &key, r#"{"Stud_id": 2255}"#).await;
    assert!(other.refusal(409).contains("'Idempotency-Key'"));
    let other = api.send("POST", "/write", &key, rows(&[11]).to_string()).await;
    assert!(other.refusal(409).contains("'Idempotency-Key'"));
    for bad in ["", &"k".repeat(256)] {
        let answer =
            api.send("POST", "/write", &[("idempotency-key", bad)], rows(&[12]).to_string()).await;
        assert!(answer.refusal(400).contains("'Idempotency-Key'"));
    }
    assert_eq!(api.state().await, before);
}

#[tokio::test]
async fn what_was_refused_may_be_tried_again_under_its_key() {
    let api = Api::filled().await;
    let key = [("idempotency-key", "c")];
    let body = rows(&[10]).to_string();
    api.send("POST", "/write", &key, body.clone()).await.refusal(409);
    api.delete("/del", json!({"Stud_id": 10})).await.ok();
    api.send("POST", "/write", &key, body).await.ok();
}

#[tokio::test]
async fn repeats_at_once_are_done_once() {
    let api = Api::configured().await;
    let body = rows(&[1, 5000, 9000]).to_string();
    let send = || api.send("POST", "/write", &[("idempotency-key", "d")], body.clone());
    let answers = futures::future::join_all((0..8).map(|_| send())).await;
    assert!(answers.iter().all(|a| a.status == 200), "{answers:?}");
    assert_eq!(api.keys().await, [1, 5000, 9000]);
}

#[tokio::test]
async fn of_writes_of_one_key_at_once_one_is_done() {
    let api = Api::configured().await;
    let writes = (0..16).map(|i| {
        let mine = json!({"Stud_id": 77, "Stud_name": format!("w{i}"), "Stud_marks": i});
        api.post("/write", json!({"data": [mine, row(1000 + i)]}))
    });
    let answers = futures::future::join_all(writes).await;
    let done: Vec<usize> = (0..16).filter(|i| answers[*i].status == 200).collect();
    assert_eq!(done.len(), 1, "{answers:?}");
    assert!(answers.iter().all(|a| a.status == 200 || a.status == 409), "{answers:?}");
    let rows: Vec<Value> = serde_json::from_str(&api.rows(0, 4000).await).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["Stud_marks"], json!(done[0]));
    assert_eq!(rows[1]["Stud_id"], json!(1000 + done[0]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_over_shards_is_one_snapshot() {
    let api = Api::configured().await;
    api.post("/write", rows(&[1, 5000, 9000])).await.ok();
    let client = (*api).clone();
    let writer = tokio::spawn(async move {
        // Each request adds one row to each shard.
        for i in 0..60 {
            client.post("/write", rows(&[100 + i, 5100 + i, 9100 + i])).await.ok();
        }
    });
    let mut seen = BTreeSet::new();
    while !writer.is_finished() {
        let keys = api.keys().await;
        let on = |low, high| keys.iter().filter(|k| (low..high).contains(*k)).count();
        let counts = [on(0, 4096), on(4096, 8192), on(8192, 12_288)];
        assert!(counts.iter().all(|c| *c == counts[0]), "a part of a write: {counts:?}");
        seen.insert(counts[0]);
    }
    writer.await.unwrap();
    assert_eq!(api.keys().await.len(), 183);
}
