//! `x-request-id`: each answer has one, and each server that is asked.

use std::collections::BTreeSet;

use serde_json::json;

use crate::support::{Answer, Api, row};

fn id(answer: &Answer) -> &str {
    answer.headers["x-request-id"].to_str().unwrap()
}

#[tokio::test]
async fn every_answer_has_the_clients_own_id_or_a_new_one() {
    let api = Api::configured().await;
    let ask = async |id: &str| api.send("GET", "/status", &[("x-request-id", id)], "").await;
    for sane in ["1", "7f3a-b_c", "018f8e2c-0000-7000-8000-000000000000"] {
        assert_eq!(id(&ask(sane).await), sane);
    }
    let too_long = "x".repeat(129);
    for odd in ["two words", "\u{e4}", &too_long] {
        let answer = ask(odd).await;
        assert!(id(&answer) != odd && id(&answer).len() == 16, "{answer:?}");
    }
    let (one, other) = (api.get("/status").await, api.get("/status").await);
    assert_ne!(id(&one), id(&other));
    for (method, path) in
        [("GET", "/nothing"), ("PUT", "/status"), ("GET", "/docs/"), ("POST", "/init")]
    {
        let answer = api.call(method, path, &json!({})).await;
        assert_eq!(id(&answer).len(), 16, "{method} {path}");
    }
}

#[tokio::test]
async fn plain_balancing_goes_by_the_id_and_that_of_an_answer_leads_there_again() {
    let api = Api::configured().await;
    let home = async |id: &str| api.send("GET", "/home", &[("x-request-id", id)], "").await;
    let answer = home("123456").await;
    assert_eq!(id(&answer), "123456");
    for _ in 0..3 {
        assert_eq!(home("123456").await.text, answer.text, "one id, one server");
    }
    let mut asked = BTreeSet::new();
    for n in 0..100 {
        let drawn = if n == 0 { home("not-a-number").await } else { api.get("/home").await };
        drawn.ok();
        assert_eq!(home(id(&drawn)).await.text, drawn.text, "{}", id(&drawn));
        asked.insert(drawn.text.clone());
    }
    assert!(asked.len() > 1, "ids that are no numbers are spread over the servers too");
}

#[tokio::test]
async fn a_write_that_goes_on_alone_keeps_its_id() {
    let api = Api::configured().await;
    let headers = [("x-request-id", "mine"), ("idempotency-key", "k")];
    let body = json!({"data": [row(7)]}).to_string();
    let answer = api.send("POST", "/write", &headers, body).await;
    assert_eq!((answer.status, id(&answer)), (200, "mine"));
}
