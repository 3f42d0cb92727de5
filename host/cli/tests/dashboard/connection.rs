//! A connection that is lost, or refused, and comes back.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::browser::{LAPTOP, Page};
use crate::program::Balancer;
use crate::stand_in::{StandIn, ring, snapshot};

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
    page.says("#events [data-note]", "does not answer").await;
    let again = Balancer::start_on(port, data.path(), &[]).await;
    page.until("document.getElementById('lost').hidden").await;
    page.says("#live", "Live").await;
    again.http.write([3]).await.unwrap();
    page.says("#shards td", "VAT 1").await;
    page.until("document.querySelectorAll('#events li[data-kind=charge-taken]').length === 2")
        .await;
    page.until("document.querySelector('#events [data-note]').innerText === ''").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed_anew_when_the_page_is_live_again() {
    let balancer = StandIn::start(ring(1, 4, 512), snapshot(&[], &[])).await;
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#events li", "the flatline of stream 1").await;
    // Nobody says that the stream of events is dead: it is only silent.
    balancer.end_live();
    page.says("#events li", "the flatline of stream 2").await;
    assert_eq!(balancer.event_streams(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_cannot_be_had_are_missed_in_their_panel_and_come_back() {
    let balancer = StandIn::start(ring(1, 4, 512), snapshot(&[], &[])).await;
    balancer.refuse_events(true);
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#events [data-note]", "Too many are watching").await;
    page.says("#live", "Live").await;
    balancer.refuse_events(false);
    page.says("#events li", "the flatline of stream 1").await;
    page.until("document.querySelector('#events [data-note]').innerText === ''").await;
    balancer.refuse_events(true);
    balancer.end_events();
    page.says("#events [data-note]", "Too many are watching").await;
    page.says("#events li", "the flatline of stream 1").await;
    balancer.refuse_events(false);
    page.says("#events li", "the flatline of stream 2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_too_many_watch_it_is_said_and_there_is_a_place_later() {
    let data = tempfile::tempdir().unwrap();
    let balancer = Balancer::configured(data.path(), &[]).await;
    let address = balancer.url.strip_prefix("http://").unwrap().to_owned();
    let watch = || {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(b"GET /events HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        (head == *b"HTTP/1.1 200").then_some(stream)
    };
    let others: Vec<TcpStream> = std::iter::from_fn(watch).collect();
    assert_eq!(others.len(), 256);
    let page = Page::open(&balancer.url, LAPTOP).await;
    page.says("#lost", "Too many are watching").await;
    page.says("#live", "Refused").await;
    let told: String = page.eval("return document.getElementById('lost').innerText").await;
    assert!(!told.contains("does not answer"), "{told}");
    drop(others);
    page.says("#live", "Live").await;
    page.says("#events li", "cluster initialised").await;
}
