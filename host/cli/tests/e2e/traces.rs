//! Requests followed from the client to the disk: by their ids in the log, and by their traces.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use http_body_util::Full;
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::json;

use crate::program::{Balancer, cluster, student, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACE_PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A span as it was sent: of which service, and what it is called.
type Span = (String, String);

/// A collector, and what it was sent of one trace.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<BTreeSet<Span>>>);

impl Collector {
    /// Where it listens.
    async fn start(&self) -> String {
        let spans = self.clone();
        let take = post(async move |body: Bytes| spans.take(&body));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/v1/traces", take);
        tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
        url
    }

    fn take(&self, body: &[u8]) {
        let sent = ExportTraceServiceRequest::decode(body).unwrap();
        for of in sent.resource_spans {
            let resource = of.resource.unwrap();
            let service = resource.attributes.iter().find(|a| a.key == "service.name").unwrap();
            let service = format!("{:?}", service.value);
            for span in of.scope_spans.into_iter().flat_map(|scope| scope.spans) {
                let trace: String = span.trace_id.iter().map(|b| format!("{b:02x}")).collect();
                if trace == TRACE {
                    self.0.lock().unwrap().insert((service.clone(), span.name));
                }
            }
        }
    }

    /// The spans of a service.
    fn of(&self, service: &str) -> BTreeSet<String> {
        let spans = self.0.lock().unwrap();
        let its = spans.iter().filter(|(of, _)| of.contains(&format!("\"{service}\"")));
        its.map(|(_, name)| name.clone()).collect()
    }
}

/// Writes a row as a request of that trace and id.
async fn write(balancer: &Balancer, id: &str) {
    let body = json!({"data": [student(7)]}).to_string();
    let request = Request::post(format!("{}/write", balancer.url))
        .header("x-request-id", id)
        .header("traceparent", TRACE_PARENT);
    let http = Client::builder(TokioExecutor::new()).build_http();
    let answer = http.request(request.body(Full::<Bytes>::from(body)).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["x-request-id"], id);
}

#[tokio::test(flavor = "multi_thread")]
async fn balancer_and_servers_send_one_trace() {
    let data = tempfile::tempdir().unwrap();
    let collector = Collector::default();
    let url = collector.start().await;
    let mut balancer = Balancer::configured(data.path(), &["--otlp-endpoint", &url]).await;
    write(&balancer, "follow-me").await;
    // What is left is sent at the end.
    assert!(balancer.interrupt().await.success());
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let at_balancer: BTreeSet<String> = names(&["request", "write", "round", "commit"]);
    assert_eq!(collector.of("ringwright-balancer"), at_balancer);
    let at_servers: BTreeSet<String> = names(&["request", "flush"]);
    assert_eq!(collector.of("ringwright-shard-server"), at_servers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_followed_to_the_disk_by_its_id() {
    let data = tempfile::tempdir().unwrap();
    // The servers are told by their surroundings.
    let balancer = Balancer::begin(0, data.path(), &[], |command| {
        let ours = ["replication", "trace", "shard_server"];
        let debug = ours.map(|of| format!("ringwright_{of}=debug")).join(",");
        command.env("RINGWRIGHT_LOG", format!("info,{debug}"));
    });
    let balancer = balancer.serves().await;
    balancer.http.post("/init", cluster()).await.unwrap();
    write(&balancer, "follow-me").await;
    let servers = data.path().join("servers");
    let log_of = |server| std::fs::read_to_string(servers.join(server).join("server.log")).unwrap();
    let told = |log: String, what: &str| {
        log.lines().any(|line| line.contains(what) && line.contains("follow-me")).then_some(())
    };
    for server in ["Server0", "Server2"] {
        until("on disk", async || told(log_of(server), "on disk")).await;
    }
    for what in ["committed", "answered"] {
        until(what, async || told(balancer.log(), what)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_default_level_no_request_has_a_line() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    write(&balancer, "follow-me").await;
    balancer.http.get("/status").await.unwrap();
    assert!(!balancer.log().contains("follow-me") && !balancer.log().contains("/status"));
}

#[tokio::test]
async fn a_collector_that_is_no_url_is_refused_by_name() {
    let told = crate::program::run(&["serve", "--otlp-endpoint", "collector"]);
    let stderr = crate::program::text(&told.stderr);
    assert!(!told.status.success());
    assert!(stderr.contains("--otlp-endpoint") && stderr.contains("'collector'"), "{stderr}");
}
