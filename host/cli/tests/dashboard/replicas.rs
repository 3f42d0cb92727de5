//! What is said of shards and replicas that are not well, and who has how much to do.

use serde_json::{Value, json};

use crate::browser::{LAPTOP, Page};
use crate::stand_in::{StandIn, ring, server, shard, snapshot};

/// A page that is told of three servers with these shards.
async fn opened(servers: &[Value], shards: &[Value]) -> (StandIn, Page) {
    let balancer = StandIn::start(ring(3, 4, 512), snapshot(servers, shards)).await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    (balancer, page)
}

fn servers() -> Vec<Value> {
    (0..3).map(server).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_is_read_and_not_written_is_told_as_such() {
    let replicas = json!([[0, true], [1, true]]);
    let shards = [
        shard(1, "read-only", &replicas),
        shard(2, "read-only", &replicas),
        shard(3, "under-replicated", &replicas),
    ];
    let (_balancer, page) = opened(&servers(), &shards).await;
    page.says("#headline", "2 shards cannot be written").await;
    page.says("#tiles", "1 under-replicated, 2 read-only").await;
    page.says("#shards td", "read-only").await;
    let kind: String = page.eval("return document.getElementById('headline').className").await;
    assert_eq!(kind, "bad");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_behind_tells_how_far_it_is() {
    let copying = |copying: Value| json!({"vat": null, "copying": copying});
    let shards = [
        shard(1, "under-replicated", &json!([[0, true], [1, false, copying(json!([620, 1000]))]])),
        shard(2, "under-replicated", &json!([[0, true], [1, false, copying(json!([620, null]))]])),
        shard(3, "under-replicated", &json!([[0, true], [1, false, {"vat": 5, "copying": null}]])),
        shard(4, "under-replicated", &json!([[0, true], [1, false, copying(json!([1200, 1000]))]])),
    ];
    let (balancer, page) = opened(&servers(), &shards).await;
    page.says("#shards tr:nth-child(2) td", "copying 62 %").await;
    page.says("#shards tr:nth-child(3) td", "copying, 620 rows so far").await;
    page.says("#shards tr:nth-child(4) td", "behind, at 5").await;
    // Rows are copied that came after they were counted.
    page.says("#shards tr:nth-child(5) td", "copying 99 %").await;
    let told: Vec<Value> = page
        .eval(
            "return [...document.querySelectorAll('#shards progress')]
                .filter(p => p.checkVisibility()).map(p => [p.ariaLabel, p.value, p.max])",
        )
        .await;
    let wanted = [
        json!(["Copy of sh1 to Server1", 620, 1000]),
        json!(["Copy of sh4 to Server1", 990, 1000]),
    ];
    assert_eq!(told, wanted);

    balancer.tell(snapshot(&servers(), &[shard(1, "whole", &json!([[0, true], [1, true]]))]));
    page.until(
        "![...document.querySelectorAll('#shards progress')].some(p => p.checkVisibility())",
    )
    .await;
    page.says("#headline", "All replicas are in sync").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_many_servers_are_listed_a_copy_is_told_too() {
    let servers: Vec<Value> = (0..20).map(server).collect();
    let behind = json!([[0, true], [1, false, {"vat": 5, "copying": [1, 4]}]]);
    let (_balancer, page) = opened(&servers, &[shard(1, "under-replicated", &behind)]).await;
    page.says("#shards .chips", "Server1 copying 25 %").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_do_not_even_out_what_the_hash_deals() {
    let at = |reads: [u64; 3], writes: [u64; 3]| {
        let mut servers = servers();
        for (server, (reads, writes)) in servers.iter_mut().zip(reads.into_iter().zip(writes)) {
            server["reads"] = json!(reads);
            server["writes"] = json!(writes);
        }
        snapshot(&servers, &[])
    };
    let balancer = StandIn::start(ring(3, 4, 512), at([0; 3], [0; 3])).await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#load [data-note]", "No read or forwarded request reached a server").await;
    // Every write is on each; the reads all go to one.
    balancer.tell(at([30, 0, 0], [900, 900, 900]));
    page.says("#load [data-note]", "the busiest has 3.00 times its fair part").await;
    let share: String = page
        .eval("return document.querySelector('#load tbody tr:not(.space)').cells[2].innerText")
        .await;
    assert_eq!(share, "100.0 %");
    page.until("[...document.querySelectorAll('#load tbody tr:not(.space)')].every(r => parseFloat(r.cells[5].innerText) > 0)")
        .await;
}
