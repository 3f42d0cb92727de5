//! Plain HTTP balancing: any path goes to one server, and which one the ring says.

use serde_json::{Value, json};

use crate::support::{Answer, Api};

async fn home(api: &Api, id: u64) -> Answer {
    api.send("GET", "/home", &[("x-request-id", &id.to_string())], "").await
}

fn hello(server: &str) -> Value {
    json!({"message": format!("Hello from Server: {server}"), "status": "successful"})
}

/// Who owns each slot.
async fn owners(api: &Api) -> Vec<String> {
    let ring = api.get("/ring").await.ok();
    let owners = ring["message"]["owners"].as_array().unwrap().iter();
    owners.map(|o| o.as_str().unwrap().to_owned()).collect()
}

/// The paper's H over 512 slots, which the default function uses too.
fn slot(id: u64) -> usize {
    usize::try_from((id * id + 2 * id + 17) % 512).unwrap()
}

#[tokio::test]
async fn a_request_goes_to_the_server_that_the_ring_says() {
    let api = Api::configured().await;
    let owners = owners(&api).await;
    let mut seen = std::collections::BTreeSet::new();
    for id in (0..100).chain([132_574, 999_999, 4_000_000_000]) {
        let owner = &owners[slot(id)];
        assert_eq!(home(&api, id).await.ok(), hello(owner), "request {id}");
        seen.insert(owner.clone());
    }
    assert_eq!(seen.len(), 3, "all three get some");
    let any = api.get("/home").await.ok();
    assert!(owners.iter().any(|o| any == hello(o)), "an id is drawn where none is given: {any}");
}

#[tokio::test]
async fn a_path_that_no_server_has_is_refused_in_the_papers_words() {
    let api = Api::configured().await;
    for path in ["/other", "/home/x", "/HOME", "/homes"] {
        let answer = api.get(path).await;
        answer.refusal(400);
        let says = format!("<Error> '{path}' endpoint does not exist in server replicas");
        assert_eq!(answer.json()["message"], says);
    }
}

#[tokio::test]
async fn what_is_the_balancers_business_alone_is_not_reached() {
    let api = Api::filled().await;
    let before = api.state().await;
    for path in ["/internal", "/internal/read", "/internal/adopt", "/config", "/copy"] {
        let message = api.get(path).await.refusal(400);
        assert!(message.contains("does not exist in server replicas"), "{path}: {message}");
        for method in ["POST", "PUT", "DELETE"] {
            let payload = json!({"schema": {"columns": ["a"], "dtypes": ["Number"]}, "shards": []});
            api.call(method, path, &payload).await.refusal(404);
        }
    }
    assert_eq!(api.state().await, before);
}

#[tokio::test]
async fn the_next_server_answers_where_one_is_down() {
    let api = Api::configured().await;
    let owners = owners(&api).await;
    api.servers.crash("Server1", false).await;
    for id in 0..50 {
        let answer = home(&api, id).await.ok();
        let owner = owners[slot(id)].as_str();
        if owner == "Server1" {
            assert!(["Server0", "Server2"].iter().any(|s| answer == hello(s)), "{answer}");
        } else {
            assert_eq!(answer, hello(owner), "who is not down has its own");
        }
    }
    api.balancer.cluster.detach("Server1").unwrap();
    assert!(home(&api, 1).await.status == 200);
    api.bring_up("Server1").await;
    for id in 0..50 {
        assert_eq!(home(&api, id).await.ok(), hello(&owners[slot(id)]), "as before");
    }
}

#[tokio::test]
async fn where_no_server_answers_nobody_does() {
    let api = Api::start().await;
    assert_eq!(home(&api, 1).await.refusal(503), "no server answers");
    api.post("/add", json!({"n": 1, "hostnames": ["S1"]})).await.ok();
    assert_eq!(home(&api, 1).await.ok(), hello("S1"));
    api.servers.crash("S1", false).await;
    assert_eq!(home(&api, 1).await.refusal(503), "no server answers");
}
