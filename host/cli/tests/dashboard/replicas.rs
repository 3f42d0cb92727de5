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
