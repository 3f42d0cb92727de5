//! A connection that is lost, and comes back.

use crate::browser::{LAPTOP, Page};
use crate::program::Balancer;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_says_so_and_comes_back_by_itself() {
    let data = tempfile::tempdir().unwrap();
    let mut balancer = Balancer::configured(data.path(), &[]).await;
    let port = balancer.url.rsplit_once(':').unwrap().1.parse().unwrap();
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#headline", "in sync").await;
    page.until("document.getElementById('lost').hidden").await;
    assert!(balancer.interrupt().await.success(), "whoever watches does not hold it up");
    assert!(!balancer.log().contains("given up after"), "{}", balancer.log());
    page.says("#lost", "The connection is lost").await;
    page.says("#live", "Lost").await;
    page.until("document.body.classList.contains('is-lost')").await;
    let again = Balancer::start_on(port, data.path(), &[]).await;
    page.until("document.getElementById('lost').hidden").await;
    page.says("#live", "Live").await;
    again.http.write([3]).await.unwrap();
    page.says("#shards td", "VAT 1").await;
    page.until("document.querySelectorAll('#events li[data-kind=charge-taken]').length === 2")
        .await;
}
