//! A server that knows its balancer by a secret.

use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client as Http;
use hyper_util::rt::TokioExecutor;
use ringwright_shard_server::{Storage, guard, router};
use ringwright_wire::{HttpShardServer, Secret, ShardServer, WireError};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::client::adopt;

const OURS: &str = "0123456789abcdef";
const ANOTHERS: &str = "0123456789abcdeX";

/// A server with a secret, for as long as its folder is there.
async fn start() -> (TempDir, String) {
    let dir = TempDir::new().unwrap();
    let storage = Storage::open_sqlite(dir.path().join("data.sqlite")).await.unwrap();
    let app = guard(router("Server0", storage), Secret::new(OURS).ok());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (dir, address)
}

/// The status, the challenge and the text of an answer.
async fn ask(
    address: &str,
    method: Method,
    path: &str,
    shown: Option<&str>,
) -> (u16, bool, String) {
    let mut request = Request::builder().method(method).uri(format!("http://{address}{path}"));
    if let Some(secret) = shown {
        request = request.header("authorization", format!("Bearer {secret}"));
    }
    let http = Http::builder(TokioExecutor::new()).build_http();
    let answer = http.request(request.body(Empty::<&[u8]>::new()).unwrap()).await.unwrap();
    let challenge = answer.headers().get("www-authenticate").is_some_and(|v| v == "Bearer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, challenge, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn only_a_balancer_that_shows_the_secret_is_answered() {
    let (_dir, address) = start().await;
    let client = |secret: Option<&str>| {
        let secret = secret.map(|text| Secret::new(text).unwrap());
        HttpShardServer::new(&address, Duration::from_secs(5)).with_secret(secret)
    };
    for stranger in [client(None), client(Some(ANOTHERS))] {
        assert_eq!(stranger.adopt(adopt(1)).await, Err(WireError::Secret));
    }
    assert_eq!(client(Some(ANOTHERS)).heartbeat().await, Err(WireError::Secret));
    let incarnation = client(None).heartbeat().await.unwrap();
    let ours = client(Some(OURS));
    assert_eq!(ours.heartbeat().await.unwrap(), incarnation);
    assert_eq!(ours.adopt(adopt(1)).await.unwrap().incarnation, incarnation);
}

#[tokio::test]
async fn every_route_but_two_wants_the_secret() {
    let (_dir, address) = start().await;
    let routes = [
        (Method::POST, "/config"),
        (Method::GET, "/copy"),
        (Method::POST, "/read"),
        (Method::POST, "/write"),
        (Method::PUT, "/update"),
        (Method::DELETE, "/del"),
        (Method::POST, "/internal/apply"),
        (Method::POST, "/internal/export"),
        (Method::POST, "/home"),
        (Method::GET, "/nowhere"),
        (Method::GET, "/home/"),
    ];
    for (method, path) in routes {
        for shown in [None, Some(ANOTHERS)] {
            let (status, challenge, text) = ask(&address, method.clone(), path, shown).await;
            assert!(status == 401 && challenge, "{method} {path}: {status}");
            assert!(text.contains("<Error> this server wants the secret"), "{text}");
            assert!(text.contains(r#""status":"failure""#), "{text}");
        }
        assert_ne!(ask(&address, method.clone(), path, Some(OURS)).await.0, 401, "{method} {path}");
    }
    for path in ["/home", "/heartbeat"] {
        assert_eq!(ask(&address, Method::GET, path, None).await.0, 200, "{path}");
        assert_eq!(ask(&address, Method::GET, path, Some(ANOTHERS)).await.0, 401, "{path}");
    }
}
