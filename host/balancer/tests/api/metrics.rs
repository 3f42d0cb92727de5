//! `/metrics`.

use ringwright_wire::Secret;
use serde_json::json;

use crate::support::{Api, Options};

/// A series of requests, as it is told.
fn requests(route: &str, method: &str, code: u16) -> String {
    format!(
        "ringwright_http_requests_total{{code=\"{code}\",method=\"{method}\",route=\"{route}\"}}"
    )
}

#[tokio::test]
async fn each_request_is_counted_by_route_method_and_code() {
    let api = Api::configured().await;
    api.fill().await;
    api.post("/read", json!({"Stud_id": 5})).await.refusal(400);
    for _ in 0..2 {
        api.get("/heartbeat?a=b").await.ok();
        api.get("/nowhere").await.refusal(400);
        api.send("BREW", "/pot", &[], "").await.refusal(404);
        api.send("PATCH", "/rm", &[], "").await.refusal(405);
    }
    let counted = [
        ("/init", "POST", 200, 1),
        ("/write", "POST", 200, 1),
        ("/read", "POST", 400, 1),
        ("forwarded", "GET", 200, 2),
        ("forwarded", "GET", 400, 2),
        ("forwarded", "other", 404, 2),
        ("/rm", "PATCH", 405, 2),
    ];
    let told = api.metrics().await;
    for (route, method, code, times) in counted {
        assert_eq!(told.value(&requests(route, method, code)), Some(f64::from(times)), "{route}");
    }
    assert!(!told.text.contains("/nowhere") && !told.text.contains("BREW"), "{told:?}");
    assert_eq!(told.value("ringwright_http_requests_in_flight"), Some(1.0), "itself");
    let seen = api.balancer.metrics.requests.snapshot();
    let forwarded = seen.iter().find(|a| a.route == "forwarded" && a.code == "200").unwrap();
    assert_eq!((&*forwarded.method, forwarded.latency.count), ("GET", 2));
    assert!(forwarded.latency.sum > 0.0);
    assert!(forwarded.latency.buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1));
}

#[tokio::test]
async fn what_is_refused_at_the_door_is_counted_and_the_metrics_are_not_refused() {
    let mut options = Options::default();
    options.balancer.rate_limit = 1;
    options.balancer.token = Some(Secret::new("0123456789abcdef").unwrap());
    let api = Api::with(options).await;
    let refused = async |api: &Api| (api.get("/help").await.status == 429).then_some(());
    api.until("too many requests", refused).await;
    for _ in 0..5 {
        let told = api.metrics().await;
        assert_eq!(told.value(&requests("/help", "GET", 429)), Some(1.0));
    }
}
