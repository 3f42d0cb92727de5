//! What the balancer says of itself.

use serde_json::json;

use crate::support::{Api, Options, papers_init};

#[tokio::test]
async fn help_and_root_list_the_routes() {
    let api = Api::start().await;
    for path in ["/", "/help"] {
        let body = api.get(path).await.ok();
        assert_eq!(body["status"], "successful");
        assert_eq!(body["message"]["init"], "/init - Methods : GET,POST");
        assert_eq!(body["message"]["update"], "/update - Methods : GET,PUT");
        assert_eq!(body["message"]["del"], "/del - Methods : GET,DELETE");
        assert_eq!(body["message"]["servers/<name>"], "/servers/<name> - Methods : PUT");
        assert_eq!(body["message"]["rebalance"], "/rebalance - Methods : POST");
        assert_eq!(body["message"]["status"], "/status - Methods : GET");
    }
}

#[tokio::test]
async fn browsers_get_a_page() {
    let api = Api::start().await;
    let browser = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
    for path in ["/", "/help"] {
        let page = api.send("GET", path, &[browser], "").await;
        assert_eq!(page.status, 200, "{page:?}");
        let kind = page.headers["content-type"].to_str().unwrap();
        assert!(kind.starts_with("text/html"), "{path}: {kind}");
        assert!(page.text.contains("/init - Methods : GET,POST"), "{}", page.text);
        assert!(page.text.contains("/&lt;path>"), "a path's name is no tag: {}", page.text);
        // curl's own header is no wish for a page.
        let any = api.send("GET", path, &[("accept", "*/*")], "").await;
        assert_eq!(any.ok()["status"], "successful");
    }
}

#[tokio::test]
async fn it_lives_and_is_ready() {
    let api = Api::start().await;
    assert_eq!(api.get("/healthz").await.ok()["status"], "success");
    assert_eq!(api.get("/readyz").await.ok()["status"], "success");
    api.post("/init", papers_init()).await.ok();
    assert_eq!(api.get("/readyz").await.ok(), json!({"message": "ready", "status": "success"}));
}

#[tokio::test]
async fn each_route_with_a_payload_shows_one() {
    let api = Api::start().await;
    for path in ["/init", "/add", "/rm", "/read", "/write", "/update", "/del"] {
        let body = api.get(path).await.ok();
        assert_eq!(body["status"], "success", "{path}");
        assert!(body["message"].is_string(), "{path}");
        assert!(body["payload_structure"].is_object(), "{path}");
        assert_eq!(body.as_object().unwrap().len(), 3, "{path}: {body}");
    }
}

#[tokio::test]
async fn the_examples_work_as_they_stand() {
    let api = Api::start().await;
    let route = [
        ("POST", "/init"),
        ("POST", "/write"),
        ("PUT", "/update"),
        ("POST", "/read"),
        ("DELETE", "/del"),
        ("POST", "/add"),
        ("DELETE", "/rm"),
    ];
    for (method, path) in route {
        let example = api.get(path).await.ok()["payload_structure"].take();
        api.call(method, path, &example).await.ok();
    }
}

#[tokio::test]
async fn another_method_is_refused() {
    let api = Api::start().await;
    let wrong = [
        ("DELETE", "/init"),
        ("POST", "/rm"),
        ("POST", "/status"),
        ("PUT", "/write"),
        ("POST", "/update"),
        ("GET", "/plugins/active"),
        ("GET", "/servers/Server0"),
        ("GET", "/rebalance"),
        ("POST", "/help"),
        ("POST", "/"),
    ];
    for (method, path) in wrong {
        let message = api.send(method, path, &[], "{}").await.refusal(405);
        assert!(message.contains(path) && message.contains(method), "{message}");
    }
    let message = api.send("POST", "/nowhere", &[], "{}").await.refusal(404);
    assert!(message.contains("/nowhere"), "{message}");
}

#[tokio::test]
async fn the_api_describes_itself() {
    let api = Api::start().await;
    let openapi = api.get("/openapi.json").await.ok();
    let method = |path: &str, method: &str| openapi["paths"][path][method].is_object();
    for path in ["/init", "/add", "/read", "/write"] {
        assert!(method(path, "post") && method(path, "get"), "{path}");
    }
    assert!(method("/rm", "delete") && method("/del", "delete"));
    assert!(method("/servers/{name}", "put") && method("/rebalance", "post"));
    assert!(method("/update", "put") && method("/plugins/active", "put"));
    for path in ["/", "/help", "/status", "/rep", "/plugins", "/ring", "/healthz", "/readyz"] {
        assert!(method(path, "get"), "{path}");
    }
    let example = &openapi["paths"]["/read"]["post"]["requestBody"]["content"];
    assert_eq!(example["application/json"]["example"]["Stud_id"]["low"], 1000, "{example}");

    let docs = api.get("/docs").await;
    let to = docs.headers.get("location").map(|l| l.to_str().unwrap());
    let page = if let Some(to) = to { api.get(to).await } else { docs };
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let mut options = Options::default();
    options.balancer.body_limit = 10_000;
    let api = Api::configured_with(options).await;
    let before = api.state().await;
    let name = "x".repeat(20_000);
    let big = json!({"data": [{"Stud_id": 1, "Stud_name": name, "Stud_marks": 1}]});
    for (method, path) in [("POST", "/init"), ("POST", "/write"), ("PUT", "/update")] {
        let message = api.call(method, path, &big).await.refusal(413);
        assert!(message.contains("larger"), "{message}");
    }
    assert_eq!(api.state().await, before);
}

#[tokio::test]
async fn what_is_no_object_is_refused() {
    let api = Api::filled().await;
    let before = api.state().await;
    let bodies =
        ["", "{", "[]", "null", "\"x\"", "{\"data\":}", "{} {}", "\u{feff}{}", "{\"a\":1,}"];
    let routes = [
        ("POST", "/init"),
        ("POST", "/add"),
        ("DELETE", "/rm"),
        ("POST", "/read"),
        ("POST", "/write"),
        ("PUT", "/update"),
        ("DELETE", "/del"),
        ("PUT", "/plugins/active"),
    ];
    for (method, path) in routes {
        for body in bodies {
            let message = api.send(method, path, &[], body).await.refusal(400);
            assert!(message.contains("JSON object"), "{method} {path} {body}: {message}");
        }
        let bytes: &[u8] = b"{\"data\":\"\xff\"}";
        api.send(method, path, &[], bytes).await.refusal(400);
    }
    assert_eq!(api.state().await, before);
}
