//! Who may change the cluster: those who show the token, where there is one.

use std::time::Duration;

use ringwright_wire::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, Api, Client, Options, papers_init, row};

const TOKEN: &str = "0123456789abcdef";
const SHOWN: (&str, &str) = ("authorization", "Bearer 0123456789abcdef");
const WRONG: (&str, &str) = ("authorization", "Bearer 0123456789abcdeX");

/// What would be a stream without an end is a page.
const ONCE: (&str, &str) = ("accept", "application/json");

async fn guarded() -> Api {
    let mut options = Options::default();
    options.balancer.token = Some(Secret::new(TOKEN).unwrap());
    Api::with(options).await
}

/// Each operation of the description: method, path, and itself.
fn operations(openapi: &Value) -> Vec<(String, String, &Value)> {
    let paths = openapi["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let methods = item.as_object().unwrap().iter();
            methods.map(|(method, what)| (method.to_uppercase(), path.replace("{name}", "S"), what))
        })
        .collect()
}

#[track_caller]
fn wants_the_token(answer: &Answer, method: &str, path: &str) {
    let message = answer.refusal(401);
    assert!(message.starts_with(&format!("{method} {path} wants the token")), "{message}");
    assert!(message.contains("'authorization: Bearer …'"), "{message}");
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn every_change_of_the_cluster_wants_the_token() {
    let api = guarded().await;
    let openapi = api.get("/openapi.json").await.ok();
    assert_eq!(openapi["components"]["securitySchemes"]["token"]["scheme"], "bearer");
    let before = api.state().await;
    let mut guarded = Vec::new();
    for (method, path, operation) in operations(&openapi) {
        let answer = api.send(&method, &path, &[ONCE], "{}").await;
        if operation["security"] == json!([{"token": []}]) {
            wants_the_token(&answer, &method, &path);
            guarded.push(format!("{method} {path}"));
        } else {
            assert_ne!(answer.status, 401, "{method} {path}");
            // A new route is one or the other.
            let data = ["/read", "/write", "/update", "/del"].contains(&path.as_str());
            assert!(method == "GET" || data, "{method} {path} wants no token");
        }
    }
    assert_eq!(api.state().await, before);
    guarded.sort();
    let all = [
        "DELETE /plugins/shadow",
        "DELETE /rm",
        "POST /add",
        "POST /init",
        "POST /plugins",
        "POST /rebalance",
        "PUT /plugins/active",
        "PUT /plugins/shadow",
        "PUT /servers/S",
    ];
    assert_eq!(guarded, all);
}

#[tokio::test]
async fn the_token_opens_and_nothing_else_does() {
    let api = guarded().await;
    let init = papers_init().to_string();
    let others = ["Bearer", "Basic 0123456789abcdef", "Bearer 0123456789abcde", "0123456789abcdef"];
    for other in others {
        let answer = api.send("POST", "/init", &[("authorization", other)], init.clone()).await;
        wants_the_token(&answer, "POST", "/init");
    }
    api.send("POST", "/init", &[SHOWN], init).await.ok();
    // Rows are for whoever reaches the balancer.
    api.fill().await;
    assert_eq!(api.keys().await.len(), 5);
}

#[tokio::test]
async fn without_a_token_set_nobody_is_asked_for_one() {
    let api = Api::start().await;
    api.send("POST", "/init", &[WRONG], papers_init().to_string()).await.ok();
}

#[tokio::test]
async fn what_a_stranger_uploads_is_not_read() {
    let api = guarded().await;
    let mut stream = TcpStream::connect(api.address()).await.unwrap();
    // As large as an upload may be, and no byte of it comes.
    let head = "POST /plugins HTTP/1.1\r\nhost: x\r\ncontent-length: 33000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = String::new();
    let end = stream.read_to_string(&mut told);
    tokio::time::timeout(Duration::from_secs(20), end).await.expect("it waits").unwrap();
    assert!(told.starts_with("HTTP/1.1 401 "), "{told}");
}

#[tokio::test]
async fn whoever_guesses_is_slowed_down_and_the_token_opens_all_the_while() {
    let api = guarded().await;
    let guess = async |token| api.send("POST", "/rebalance", &[token], "{}").await;
    let mut refused = 0;
    for _ in 0..100 {
        let answer = guess(WRONG).await;
        if answer.status == 429 {
            assert_eq!(answer.headers["retry-after"], "1");
            assert!(answer.refusal(429).contains("too many wrong tokens"), "{answer:?}");
            refused += 1;
        } else {
            wants_the_token(&answer, "POST", "/rebalance");
        }
        // A proxy makes one address of all clients.
        guess(SHOWN).await.ok();
    }
    assert!(refused > 0, "a hundred guesses a second");
    // Who shows none only looks, or is told so.
    assert_eq!(api.get("/status").await.status, 200);
    wants_the_token(&api.send("POST", "/rebalance", &[], "{}").await, "POST", "/rebalance");
}

#[tokio::test]
async fn whoever_sends_much_that_is_not_read_is_told_why() {
    let mut options = Options::default();
    options.balancer.token = Some(Secret::new(TOKEN).unwrap());
    options.balancer.body_limit = 1024;
    let api = Api::with(options).await;
    let much = vec![b' '; 8 << 20];
    for (path, status) in [("/plugins", 401), ("/write", 413)] {
        let mut stream = TcpStream::connect(api.address()).await.unwrap();
        let length = much.len();
        let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        // As many clients do, it listens only when it has said all.
        stream.write_all(&much).await.unwrap_or_else(|e| panic!("{path}: {e}"));
        let mut told = String::new();
        stream.read_to_string(&mut told).await.unwrap_or_else(|e| panic!("{path}: {e}"));
        assert!(told.starts_with(&format!("HTTP/1.1 {status} ")), "{told}");
    }
}

#[tokio::test]
async fn the_pages_of_another_host_change_nothing() {
    let api = Api::configured().await;
    let write = json!({"data": [row(11)]}).to_string();
    let from = async |origin: &str, path| {
        let headers = [("content-type", "text/plain"), ("origin", origin)];
        api.send("POST", path, &headers, write.clone()).await
    };
    let own = format!("http://{}", api.address());
    let port = api.address().port();
    let before = api.state().await;
    for other in ["http://evil.example", "null", "", &own[..own.len() - 1], &own[7..]] {
        for path in ["/write", "/init", "/rebalance", "/plugins"] {
            let message = from(other, path).await.refusal(403);
            assert!(message.contains("'origin'"), "{other} {path}: {message}");
        }
    }
    assert_eq!(api.state().await, before);
    // It may look, and whoever is no browser may write, as may the page of /docs.
    let page = [("origin", "http://evil.example")];
    assert_eq!(api.send("GET", "/status", &page, "").await.status, 200);
    from(&own, "/write").await.ok();
    let named = [("host", &format!("Balancer:{port}")[..]), ("origin", &own)];
    api.send("POST", "/rebalance", &named, "{}").await.refusal(403);
    let origin = format!("https://balancer:{port}");
    let named = [("host", &format!("Balancer:{port}")[..]), ("origin", &origin)];
    api.send("POST", "/rebalance", &named, "{}").await.ok();
}

#[tokio::test]
async fn more_requests_than_are_taken_on_are_refused_at_once() {
    let mut options = Options::default();
    options.balancer.max_requests = 2;
    let api = Api::with(options).await;
    api.servers.hold_starts(true);
    let under_way: Vec<_> = ["A", "B"]
        .map(|name| {
            let client: Client = api.another_client();
            let add = json!({"n": 1, "hostnames": [name]});
            tokio::spawn(async move { client.post("/add", add).await })
        })
        .into();
    let full = async |api: &Api| {
        let answer = api.get("/rep").await;
        (answer.status == 503).then_some(answer)
    };
    let answer = api.until("full", full).await;
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(answer.refusal(503).contains("too many requests"), "{answer:?}");
    api.get("/healthz").await.ok();
    api.get("/readyz").await.ok();
    api.servers.hold_starts(false);
    for request in under_way {
        request.await.unwrap().ok();
    }
    api.get("/rep").await.ok();
}

#[tokio::test]
async fn an_address_has_so_many_requests_a_second() {
    let mut options = Options::default();
    options.balancer.rate_limit = 3;
    let api = Api::with(options).await;
    for request in 0.. {
        assert!(request < 100, "a hundred requests a second");
        let answer = api.get("/help").await;
        if answer.status == 429 {
            assert!(request >= 3, "request {request} was refused");
            assert_eq!(answer.headers["retry-after"], "1");
            assert!(answer.refusal(429).contains("from this address"), "{answer:?}");
            break;
        }
        answer.ok();
    }
    for _ in 0..5 {
        api.get("/healthz").await.ok();
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    api.get("/help").await.ok();
}
