//! What the panels show is what the API says.

use serde_json::json;

use crate::browser::{END, HOME, LAPTOP, Page, opened};
use crate::program::Balancer;

/// The texts of a table's rows, cell by cell.
async fn cells(page: &Page, panel: &str) -> Vec<Vec<String>> {
    let rows = json!(format!("{panel} tbody tr:not(.space)"));
    let script = format!(
        "return [...document.querySelectorAll({rows})].map(r => [...r.cells].map(c => c.innerText))"
    );
    page.eval(&script).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_loads_whole_and_from_nowhere_else() {
    let (_data, _balancer, page) = opened().await;
    page.says("#headline", "All replicas are in sync").await;
    let elsewhere: Vec<String> = page
        .eval(
            "return performance.getEntriesByType('resource').map(r => r.name)
                .filter(name => new URL(name).origin !== location.origin)",
        )
        .await;
    assert!(elsewhere.is_empty(), "{elsewhere:?}");
    let complaints = page.complaints().await;
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_shards_and_replicas_are_those_of_the_status() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    balancer.http.write([1, 5000, 9000]).await.unwrap();
    let told = json!({"weight": 2, "labels": {"zone": "a"}});
    let answer = balancer.http.send(hyper::Method::PUT, "/servers/Server0", told).await.unwrap();
    assert_eq!(answer.0, 200, "{answer:?}");
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#servers td", "zone a").await;
    page.says("#shards td", "VAT 1").await;

    let status = balancer.status().await;
    let servers = cells(&page, "#servers").await;
    let shown: Vec<&str> = servers.iter().map(|row| row[0].trim()).collect();
    assert_eq!(shown, ["Server0", "Server1", "Server2"]);
    for row in &servers {
        let name = row[0].trim();
        assert_eq!(json!(row[1]), status["server_states"][name]);
        assert_eq!(row[2], status["weights"][name].to_string());
    }
    let shards = cells(&page, "#shards").await;
    for (row, shard) in shards.iter().zip(status["shards"].as_array().unwrap()) {
        let (id, vat) = (shard["shard_id"].as_str().unwrap(), shard["valid_at"].to_string());
        assert!(row[0].starts_with(id) && row[1].contains("whole"), "{row:?}");
        for (name, cell) in ["Server0", "Server1", "Server2"].into_iter().zip(&row[2..]) {
            let holds = status["servers"][name].as_array().unwrap().contains(&json!(id));
            assert_eq!(cell.trim(), if holds { vat.as_str() } else { "" }, "{id} on {name}");
        }
    }
    assert_eq!(shards.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ring_tells_who_owns_what() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    let ring = balancer.http.get("/ring").await.unwrap().1["message"].take();
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#ring [data-readout]", "3 servers").await;
    page.run("document.querySelector('#ring svg').focus()").await;
    for (key, slot) in [(HOME, 0_usize), (END, 511)] {
        page.press(key).await;
        let owner = ring["owners"][slot].as_str().unwrap();
        let share = ring["slots_owned"][owner].as_f64().unwrap() / 512.0 * 100.0;
        page.says("#ring [data-readout]", owner).await;
        let told: String =
            page.eval("return document.querySelector('#ring svg').ariaValueText").await;
        assert!(told.starts_with(&format!("slot {slot}: {owner}")), "{told}");
        assert!(told.contains(&format!("{share:.1} %")), "{told} is not {share}");
    }
    let owners: u64 = page.eval("return document.querySelectorAll('#ring svg g').length").await;
    assert_eq!(owners, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_seen_by_server_and_over_time() {
    let (_data, balancer, page) = opened().await;
    page.says("#load [data-note]", "No read or forwarded request reached a server").await;
    let http = balancer.http.clone();
    let load = tokio::spawn(async move {
        loop {
            http.get("/home").await.unwrap();
        }
    });
    page.says("#load [data-note]", "a second over 3 servers").await;
    page.until("document.querySelectorAll('#load tbody tr:not(.space)').length === 3").await;
    let sum: f64 = page
        .eval(
            "return [...document.querySelectorAll('#load tbody tr:not(.space)')]
                .reduce((sum, row) => sum + parseFloat(row.cells[2].innerText), 0)",
        )
        .await;
    assert!((sum - 100.0).abs() < 0.5, "{sum}");
    page.until("document.querySelector('#traffic .line.first').getAttribute('d').includes('L')")
        .await;
    page.until("/^p50 [\\d.]+ (µs|ms|s), p95/.test(document.querySelector('#traffic figure:nth-of-type(2) b').innerText)")
        .await;
    load.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn events_and_plugins_are_listed() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    let cast = json!({"hash": "md5"});
    balancer.http.send(hyper::Method::PUT, "/plugins/shadow", cast).await.unwrap();
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.until(
        "document.querySelector('#events li[data-kind=cluster-initialised] time')?.dateTime",
    )
    .await;
    page.says("#shadow", "md5 saw").await;
    let listed = balancer.http.get("/plugins").await.unwrap().1["message"]["plugins"].take();
    for plugin in listed.as_array().unwrap() {
        let name = plugin["name"].as_str().unwrap();
        let row = cells(&page, "#plugins").await.into_iter().find(|row| row[0] == name).unwrap();
        let state = if plugin["active"] == true { "active" } else { "admitted" };
        assert_eq!(row[2], state, "{name}");
        assert_ne!(row[3], "–", "{name} was admitted with a score");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_are_written_as_people_read_them() {
    let (_data, _balancer, page) = opened().await;
    let told: Vec<String> = page
        .eval(
            "return import('/dashboard/js/format.js').then(({ bytes, duration, percent, rate }) => [
                duration(0.00025), duration(0.02), duration(0.1), duration(2.345), duration(null),
                percent(1 / 3), rate(0.25), rate(1234.5), bytes(1536)])",
        )
        .await;
    let wanted = ["250 µs", "20 ms", "100 ms", "2.35 s", "–", "33.3 %", "0.3", "1,235", "1.5 KiB"];
    assert_eq!(told, wanted);
}
