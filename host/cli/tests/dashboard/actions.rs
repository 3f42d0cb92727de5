//! What people do on the page is done to the cluster.

use serde_json::json;

use crate::browser::{ENTER, ESCAPE, LAPTOP, Page, opened};
use crate::program::{Balancer, until};
use crate::stand_in::{self, StandIn};

const TOKEN: &str = "a-token-of-some-length";

/// Waits until no dialog is open.
async fn closed(page: &Page) {
    page.until("!document.querySelector('dialog')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_is_missed_given_up_and_back() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::start(data.path(), &["--demo"]).await;
    balancer.says("Ringwright is at").await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#headline", "All replicas are in sync").await;
    let row = "[data-server=Server1]";
    page.run(&format!(
        "window.seen = []; new MutationObserver(() => seen.push(
            document.querySelector('#servers {row} .state').innerText + ', '
            + document.getElementById('headline').innerText
        )).observe(document.body, {{subtree: true, childList: true, characterData: true}})"
    ))
    .await;
    page.click(&format!("#servers {row} [aria-label='Kill Server1']")).await;
    page.says("dialog", "Kill Server1?").await;
    page.click("dialog .primary").await;
    closed(&page).await;
    page.until("seen.some(s => /suspect|dead/.test(s))").await;
    page.until("seen.some(s => s.includes('under-replicated'))").await;
    for kind in ["heartbeat-missed", "flatline", "respawn-begun", "server-back"] {
        page.until(&format!("document.querySelector('#events li[data-kind={kind}]')")).await;
    }
    page.says(&format!("#servers {row} .state"), "live").await;
    page.says("#headline", "All replicas are in sync").await;
    assert!(balancer.log().contains("FLATLINE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_kills_a_server_that_is_no_demo() {
    let (_data, balancer, page) = opened().await;
    page.says("#servers", "Server1").await;
    let offered: bool = page
        .eval(
            "return [...document.querySelectorAll('#servers button')]
                .some(b => b.innerText === 'Kill' && b.checkVisibility())",
        )
        .await;
    assert!(!offered);
    let (status, _) = balancer.http.post("/demo/kill", json!({"server": "Server1"})).await.unwrap();
    assert_eq!(status, 404);
    assert_eq!(balancer.status().await["server_states"]["Server1"], "live");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_is_swapped_once_its_bill_was_seen() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    let active =
        async || balancer.http.get("/plugins").await.unwrap().1["message"]["active"]["hash"].take();
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.click("[aria-label='Swap in md5 …']").await;
    page.says("dialog", "Requests that move").await;
    page.says("dialog td", "%").await;
    assert_eq!(active().await, "virtual-node", "seeing the bill changes nothing");
    page.press(ESCAPE).await;
    closed(&page).await;
    assert_eq!(active().await, "virtual-node");
    page.click("[aria-label='Swap in md5 …']").await;
    page.says("dialog .primary", "Swap to md5").await;
    page.click("dialog .primary").await;
    closed(&page).await;
    assert_eq!(active().await, "md5");
    page.says("#about", "md5 hashes").await;
    page.says("#ring [data-note]", "md5 lays").await;
    page.until("document.querySelector('#events li[data-kind=plugin-swapped]')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_is_written_and_a_refusal_is_told_where_it_was_typed() {
    let (_data, balancer, page) = opened().await;
    page.says("#headline", "in sync").await;
    let write = async || {
        page.click("#write-row").await;
        page.says("dialog .note", "Whoever reaches the balancer may write rows").await;
        for (field, words) in [("Stud_id", "77"), ("Stud_name", "Ada"), ("Stud_marks", "99")] {
            page.fill(&format!("dialog [name={field}]"), words).await;
        }
        page.click("dialog .primary").await;
    };
    write().await;
    closed(&page).await;
    page.says("#toast", "1 Data entries added").await;
    assert_eq!(balancer.http.keys(0, 100).await, [77]);
    write().await;
    page.says("dialog .fault", "77").await;
    page.press(ESCAPE).await;
    closed(&page).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_token_is_asked_for_and_kept_for_the_tab_alone() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::start(data.path(), &["--token", TOKEN]).await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#headline", "No cluster yet").await;
    page.click("#add-server").await;
    page.fill("dialog [name=name]", "S1").await;
    page.click("dialog .primary").await;
    page.fill("dialog [name=token]", "another-one-of-that-length").await;
    page.press(ENTER).await;
    page.says("dialog .fault", "did not take that token").await;
    page.fill("dialog [name=token]", TOKEN).await;
    page.press(ENTER).await;
    closed(&page).await;
    page.says("#servers", "S1").await;
    let kept: Vec<bool> = page
        .eval(&format!(
            "const token = {};
            return [Object.values(sessionStorage), Object.values(localStorage), [location.href],
                performance.getEntriesByType('resource').map(r => r.name)]
                .map(all => all.some(text => decodeURIComponent(text).includes(token)))",
            json!(TOKEN)
        ))
        .await;
    assert_eq!(kept, [true, false, false, false], "session, local, address, requests");

    // It is not asked for again.
    page.click("[aria-label='Remove S1']").await;
    page.click("dialog .primary").await;
    closed(&page).await;
    until("the server is gone", async || {
        balancer.status().await["servers"].as_object().unwrap().is_empty().then_some(())
    })
    .await;
    page.says("#servers [data-note]", "There is no server yet").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_very_many_shards_a_new_server_is_offered_some_and_that_is_said() {
    let shard = |i| stand_in::shard(i, "whole", &json!([[0, true]]));
    let shards: Vec<_> = (0..100).map(shard).collect();
    let told = stand_in::snapshot(&[stand_in::server(0)], &shards);
    let balancer = StandIn::start(stand_in::ring(1, 4, 512), told).await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#tiles", "100").await;
    page.click("#add-server").await;
    page.says("dialog fieldset", "and 36 more: by /add").await;
    let offered: usize =
        page.eval("return document.querySelectorAll('dialog [name=shard]').length").await;
    assert_eq!(offered, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shadow_is_cast_and_ended() {
    let (_data, balancer, page) = opened().await;
    let cast = async || balancer.http.get("/plugins/shadow").await.unwrap().0;
    page.says("#shadow", "No function is in the shadow").await;
    page.click("[aria-label='Cast the shadow of md5']").await;
    page.says("#shadow", "md5 saw").await;
    assert_eq!(cast().await, 200);
    let again: bool = page
        .eval("return document.querySelector(\"[aria-label='Cast the shadow of md5']\").checkVisibility()")
        .await;
    assert!(!again, "it is cast already");
    page.click("#shadow button").await;
    page.says("#shadow", "No function is in the shadow").await;
    assert_eq!(cast().await, 404);
    page.says("#toast", "md5 is in the shadow no more").await;
}
