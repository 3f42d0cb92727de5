//! The dashboard of a demo under load, in pictures: `make screenshots`.

use std::path::Path;

use serde_json::json;

use crate::browser::{ESCAPE, LAPTOP, PHONE, PROJECTOR, Page};
use crate::program::Balancer;

#[tokio::test(flavor = "multi_thread")]
async fn a_demo_in_pictures() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::start(data.path(), &["--demo"]).await;
    balancer.says("Ringwright is at").await;
    for (server, zone) in [("Server0", "a"), ("Server1", "b"), ("Server2", "c")] {
        let labels = json!({"labels": {"zone": zone}});
        let path = format!("/servers/{server}");
        balancer.http.send(hyper::Method::PUT, &path, labels).await.unwrap();
    }
    let cast = json!({"hash": "md5"});
    balancer.http.send(hyper::Method::PUT, "/plugins/shadow", cast).await.unwrap();
    let http = balancer.http.clone();
    let load = tokio::spawn(async move {
        for i in (0_u64..).cycle() {
            let low = i * 37 % 12_000;
            let _ = http.get("/home").await;
            let _ = http.post("/read", json!({"Stud_id": {"low": low, "high": low + 9}})).await;
        }
    });

    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#headline", "All replicas are in sync").await;
    // Some seconds of load make lines of the plots.
    page.until("(document.querySelector('#traffic .line')?.getAttribute('d').match(/L/g) ?? []).length >= 15")
        .await;
    let mut taken = Vec::new();
    for (name, look) in [
        ("light", LAPTOP),
        ("dark", LAPTOP.dark()),
        ("projector", PROJECTOR),
        ("projector-dark", PROJECTOR.dark()),
        ("phone", PHONE),
        ("phone-dark", PHONE.dark()),
    ] {
        page.look(look).await;
        page.until(&format!("innerWidth === {}", look.width)).await;
        taken.push(page.picture(name).await);
    }
    page.look(LAPTOP).await;
    page.click("[aria-label='Swap in md5 …']").await;
    page.says("dialog", "Requests that move").await;
    taken.push(page.picture("swap").await);
    page.press(ESCAPE).await;
    balancer.http.post("/demo/kill", json!({"server": "Server1"})).await.unwrap();
    page.says("#headline", "under-replicated").await;
    page.run("scrollTo(0, 0)").await;
    taken.push(page.picture("server-killed").await);
    load.abort();
    balancer.interrupt().await;
    page.says("#lost", "The connection is lost").await;
    taken.push(page.picture("connection-lost").await);
    for picture in taken {
        assert!(is_png(&picture), "{}", picture.display());
    }
}

fn is_png(file: &Path) -> bool {
    std::fs::read(file).unwrap().starts_with(b"\x89PNG")
}
