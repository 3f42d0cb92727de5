//! A thousand servers, which no test starts: a stand-in tells of them.

use serde_json::{Value, json};

use crate::browser::{LAPTOP, PROJECTOR, Page};
use crate::stand_in::{self, StandIn, ring};

const SERVERS: usize = 1000;
const SHARDS: usize = 1000;

fn snapshot() -> Value {
    let server = |i: usize| {
        let mut server = stand_in::server(i);
        server["state"] = json!(if i == 500 { "dead" } else { "live" });
        server["labels"] = json!({"zone": format!("z{}", i % 3)});
        server
    };
    let shard = |i: usize| {
        let holders = [i, (i + 1) % SERVERS, (i + 2) % SERVERS].map(|server| (server, true));
        let state = if (498..=500).contains(&i) { "under-replicated" } else { "whole" };
        stand_in::shard(i, state, &json!(holders))
    };
    let (servers, shards): (Vec<_>, Vec<_>) =
        ((0..SERVERS).map(server).collect(), (0..SHARDS).map(shard).collect());
    stand_in::snapshot(&servers, &shards)
}

/// A page that is told of them again and again.
async fn opened() -> (StandIn, Page) {
    let balancer = StandIn::start(ring(SERVERS, 9, 65_536), snapshot()).await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#tiles", "1,000").await;
    (balancer, page)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_servers_are_drawn() {
    let (_balancer, page) = opened().await;
    page.says("#headline", "3 shards under-replicated").await;
    page.says("#servers tbody tr:nth-child(2)", "Server500").await; // what is dead comes first
    page.says("#ring [data-note]", "9,000 virtual nodes").await;
    let owners: usize = page.eval("return document.querySelectorAll('#ring svg g').length").await;
    assert_eq!(owners, SERVERS);
    let rows: usize = page.eval("return document.querySelectorAll('tbody tr').length").await;
    assert!(rows < 300, "{rows} rows are in the page");
    page.until("document.querySelector('#servers table').ariaRowCount === '1001'").await;

    // Whoever scrolls gets to all of them.
    page.run("const s = document.querySelector('#servers .scroll'); s.scrollTop = s.scrollHeight")
        .await;
    page.says("#servers tbody tr", "Server999").await;
    page.run("const s = document.querySelector('#shards .scroll'); s.scrollTop = s.scrollHeight")
        .await;
    page.says("#shards tbody tr", "sh999").await;
    page.until(
        "document.querySelector('#shards canvas').ariaLabel.includes('3 on servers that are away')",
    )
    .await;
    let drawn: bool = page
        .eval(
            "const c = document.querySelector('#shards canvas');
            return c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)",
        )
        .await;
    assert!(drawn);
    page.picture("many-servers").await;
}

/// The room that is kept above and below the rows in sight, beside what the rows would take.
const ROOM: &str = r"
    const kept = panel => {
        const [above, ...rows] = document.querySelectorAll(`${panel} tbody tr`);
        const below = rows.pop();
        const high = rows.reduce((sum, row) => sum + row.getBoundingClientRect().height, 0) / rows.length;
        const before = Number(rows[0].ariaRowIndex) - 2;
        const rooms = [above, below].map(row => row.getBoundingClientRect().height);
        return {high, rooms, wanted: [before * high, (1000 - before - rows.length) * high]};
    };
    const first = panel => {
        const scroller = document.querySelector(`${panel} .scroll`);
        const top = scroller.getBoundingClientRect().top + document.querySelector(`${panel} thead`).offsetHeight;
        return [...document.querySelectorAll(`${panel} tbody tr:not(.space)`)]
            .find(row => row.getBoundingClientRect().bottom > top + 1).cells[0].innerText.trim();
    };
    const at = panel => document.querySelector(`${panel} .scroll`).scrollTop;";

/// Checks what is kept free above and below; whoever is at a list finds the whole of it.
async fn rooms_fit(page: &Page, when: &str) {
    for panel in ["#servers", "#shards", "#load"] {
        let off: Value = page.eval(&format!("{ROOM} return kept('{panel}')")).await;
        for i in 0..2 {
            let [is, wanted] = ["rooms", "wanted"].map(|which| off[which][i].as_f64().unwrap());
            // Rows are not all of one height; what differs by less is left as it is.
            assert!((is - wanted).abs() <= 0.02 * wanted + 20.0, "{when}: {panel}: {off}");
        }
    }
}

/// Waits until the page was told so many times more.
async fn told_again(page: &Page, times: usize) {
    page.run(
        "window.times = 0; window.heard ??= new MutationObserver(() => times += 1);
        const canvas = document.querySelector('#shards canvas');
        heard.observe(canvas, {attributes: true, attributeFilter: ['width']})",
    )
    .await;
    page.until(&format!("times >= {times}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_stays_where_it_is_while_it_is_told_again() {
    let (_balancer, page) = opened().await;
    told_again(&page, 2).await;
    rooms_fit(&page, "at first").await;
    for panel in ["#servers", "#shards", "#load"] {
        page.run(&format!("document.querySelector('{panel} .scroll').scrollTop = 9000")).await;
    }
    let places = format!(
        "{ROOM} return ['#servers', '#shards', '#load'].map(panel => [first(panel), at(panel)])"
    );
    told_again(&page, 2).await;
    let before: Value = page.eval(&places).await;
    told_again(&page, 5).await;
    assert_eq!(page.eval::<Value>(&places).await, before, "it moved");
    rooms_fit(&page, "within").await;

    // Letters twice as large: rows are higher, and who was in sight is.
    page.look(PROJECTOR).await;
    page.until(&format!("innerWidth === {}", PROJECTOR.width)).await;
    told_again(&page, 3).await;
    rooms_fit(&page, "on a projector").await;
    let names = format!("{ROOM} return ['#servers', '#shards', '#load'].map(first)");
    let then: Vec<String> = page.eval(&names).await;
    let was: Vec<&str> =
        before.as_array().unwrap().iter().map(|p| p[0].as_str().unwrap()).collect();
    assert_eq!(then, was, "another one is in sight");
}
