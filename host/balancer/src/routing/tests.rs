//! The router without a cluster.
#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

use std::time::{Duration, Instant};

use ringwright_model::Choice;
use ringwright_plugin_runtime::{CallError, Catalogue, Plugin, Runtime};
use ringwright_test_plugins::{HashBodies, POINTS_TO_LAST, built, dist};

use super::*;
use crate::brain::{self, FaultLimit};

pub(super) fn member(id: u32) -> Arc<Member> {
    Member::new(id, &format!("Server{id}"))
}

fn members(count: u32) -> Vec<Arc<Member>> {
    (1..=count).map(member).collect()
}

fn runtime() -> Runtime {
    // Tests share a machine: a sound plugin must not fail for having to wait for its processor.
    let settings = ringwright_plugin_runtime::Settings {
        slot_deadline: Duration::from_millis(500),
        start_deadline: Duration::from_secs(2),
        work_deadline: Duration::from_secs(5),
        ..Default::default()
    };
    Runtime::new(settings).unwrap()
}

fn active(bytes: &[u8]) -> Active<HashPlugin> {
    let Plugin::Hash(plugin) = runtime().load(bytes).unwrap() else { panic!("no hash function") };
    let choice = Choice::new(&plugin.description().name, plugin.digest());
    Active::new(choice, &plugin)
}

pub(super) fn plugin(name: &str) -> Arc<Active<HashPlugin>> {
    Arc::new(active(&built(name)))
}

fn router(name: &str) -> Router {
    router_with(name, Settings::default())
}

fn router_with(name: &str, settings: Settings) -> Router {
    let catalogue = Catalogue::scan(&runtime(), &[dist()]);
    let (hash, placement) = (name.to_owned(), "spread".to_owned());
    let faults = FaultLimit { faults: 3, ..FaultLimit::default() };
    let brain = brain::Settings { hash, placement, faults };
    Router::new(Arc::new(Brain::new(catalogue, brain, None, None).unwrap()), settings).unwrap()
}

fn hostile(bodies: HashBodies) -> Active<HashPlugin> {
    active(&bodies.component())
}

fn ids(order: &[Arc<Member>]) -> Vec<u32> {
    order.iter().map(|m| m.id).collect()
}

/// Waits for the ring of these servers that a request asked for.
fn laid_out(router: &Router, servers: &[Arc<Member>]) {
    let began = Instant::now();
    while router.maker.published(&sorted(servers)).is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "nothing is laid out");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_first_request_falls_back_and_has_the_ring_laid_out() {
    let (router, servers) = (router("quadratic"), members(3));
    for request in 0..6 {
        let asked = router.order(300_000 + request, &servers);
        assert_eq!(asked.len(), 3);
    }
    laid_out(&router, &servers);
    // H(i) = (i + 1)² + 16 is 17 for 0, and Φ is 26, 29, 34.
    assert_eq!(ids(&router.order(0, &servers)), [1, 2, 3]);
    // H(4) = 41 is beyond all three; H(3) = 32.
    assert_eq!(ids(&router.order(4, &servers)), [1, 2, 3]);
    assert_eq!(ids(&router.order(3, &servers)), [3, 1, 2]);
    let backwards: Vec<_> = servers.iter().rev().cloned().collect();
    assert_eq!(ids(&router.order(3, &backwards)), [3, 1, 2], "in whatever order they are told");
}

#[tokio::test]
async fn all_servers_are_asked_though_one_owns_no_slot() {
    let router = router("quadratic");
    let servers = members(3);
    let hash = hostile(HashBodies::default()); // one point, of the first server
    router.adopt(router.prepare(hash, &servers, &[]).await.unwrap());
    assert_eq!(ids(&router.order(7, &servers)), [1, 2, 3]);
}

#[tokio::test]
async fn a_swap_takes_effect_with_the_next_request() {
    let router = router("quadratic");
    let (servers, shard) = (members(4), Arc::new(vec![member(2), member(3)]));
    let hash = HashBodies { arrange: POINTS_TO_LAST, name: "to-last", ..HashBodies::default() };
    let prepared =
        router.prepare(hostile(hash), &servers, std::slice::from_ref(&shard)).await.unwrap();
    let hash = router.adopt(prepared);
    assert_eq!(hash.choice.name, "to-last");
    // None of these waits for a ring: it is there.
    assert_eq!(ids(&router.order(100, &servers))[0], 4);
    assert_eq!(ids(&router.order(100, &shard))[0], 3);
    assert_eq!(ids(&router.order(100, &servers[..2]))[0], 2);
    assert_eq!(router.ring(&servers).await.unwrap().hash.choice.name, "to-last");
}

#[tokio::test]
async fn what_breaks_its_contract_is_not_prepared() {
    let router = router("quadratic");
    let refused = async |bodies: HashBodies, live: u32| {
        let prepared = router.prepare(hostile(bodies), &members(live), &[]).await;
        prepared.err().unwrap().error
    };
    // It lays out three servers, and no other number of them.
    let arrange = "(if (i32.ne (local.get 1) (i32.const 3)) (then (unreachable)))
        (i32.store (i32.const 264) (i32.const 300)) (i32.store (i32.const 268) (i32.const 1))
        (i32.const 256)";
    let trap = refused(HashBodies { arrange, ..HashBodies::default() }, 3).await;
    assert!(matches!(trap, CallError::Trap(_)), "{trap}");
    // A ring with no points, where there are servers; a cluster without any finds out too.
    let lie = refused(HashBodies { arrange: "(i32.const 256)", ..HashBodies::default() }, 0).await;
    assert_eq!(lie, CallError::Layout(ringwright_ring::LayoutError::NoPoints));
}

#[tokio::test]
async fn a_set_that_cannot_be_laid_out_is_served_evenly_and_not_asked_again() {
    let router = router("virtual-node");
    let servers = members(57); // of 9 virtual nodes each, more than 512 slots
    let refusal = router.ring(&servers).await.err().unwrap();
    assert!(matches!(refusal.error, CallError::Refused(_)), "{refusal}");
    assert!(router.maker.published(&servers).is_some(), "it is known");
    assert_eq!(ids(&router.order(57 * 2_000 + 56, &servers))[..3], [57, 1, 2]);
    assert!(router.ring(&servers[1..]).await.is_ok(), "others are laid out");
    assert!(router.try_out(&servers).await.is_err());
}

#[test]
fn one_server_needs_no_ring() {
    let (router, one) = (router("md5"), members(1));
    assert_eq!(ids(&router.order(5, &one)), [1]);
    assert!(router.maker.published(&one).is_none());
    assert!(router.order(5, &[]).is_empty());
}

#[test]
fn what_is_expected_is_laid_out_before_it_is_asked_for() {
    let (router, servers) = (router("md5"), members(3));
    router.expect(&servers);
    laid_out(&router, &servers);
}

#[test]
fn a_ring_of_a_function_that_was_swapped_out_is_not_published() {
    let (router, servers) = (router("quadratic"), members(3));
    let before = router.maker.ensure(&servers).unwrap();
    let late = router.maker.lay_out(&before.hash, &servers).unwrap();
    let last = HashBodies { arrange: POINTS_TO_LAST, ..HashBodies::default() };
    router.adopt(router.maker.prepare(hostile(last), members(2), Vec::new()).unwrap());
    assert!(!router.maker.publish(&before.hash, &servers, Ok(late)));
    assert!(router.maker.published(&servers).is_none());
    let after = router.maker.ensure(&servers).unwrap();
    assert!(!Arc::ptr_eq(&before.hash, &after.hash));
    assert_eq!(after.ring.table.owner(0), Some(2));
}

/// Traps on request 13, and answers 3 otherwise.
fn traps() -> HashBodies {
    let slot = "(if (i64.eq (local.get 0) (i64.const 13)) (then (unreachable))) (i32.const 3)";
    HashBodies { slot, ..HashBodies::default() }
}

#[tokio::test]
async fn a_fault_costs_no_request_and_too_many_are_told() {
    let router = router("quadratic");
    let servers = members(3);
    let hash = router.adopt(router.prepare(hostile(traps()), &servers, &[]).await.unwrap());
    assert_eq!(ids(&router.order(13, &servers)), [2, 3, 1], "evenly, by the request's number");
    router.order(13, &servers);
    let out = || router.brain.out_of_service(&hash.choice.digest);
    assert_eq!((out(), hash.faults.total()), (None, 2));
    router.order(13, &servers);
    assert!(out().unwrap().contains("3 times"), "{:?}", out());
    router.brain.trouble().await;
    assert!(hash.faults.is_out());
    assert_eq!(ids(&router.order(7, &servers)), [2, 3, 1], "it is not asked any more");
}

#[test]
fn a_server_that_has_its_part_is_passed_over() {
    let bounded_load = Some(0.25);
    let router = router_with("quadratic", Settings { bounded_load, ..Settings::default() });
    let servers = members(3);
    router.expect(&servers);
    laid_out(&router, &servers);
    assert_eq!(ids(&router.order(3, &servers)), [3, 1, 2]);
    let busy = servers[2].begin();
    // Two with this one: at most ceil(1.25 × 2 / 3) = 1 each.
    assert_eq!(ids(&router.order(3, &servers)), [1, 2, 3]);
    drop(busy);
    assert_eq!(ids(&router.order(3, &servers)), [3, 1, 2]);
}

fn seen(router: &Router, requests: u64) -> Tally {
    let began = Instant::now();
    loop {
        let tally = router.shadow().unwrap().tally();
        if tally.requests + tally.missed >= requests {
            return tally;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{tally:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn a_shadow_counts_and_routes_nothing() {
    let router = router("quadratic");
    let servers = members(3);
    router.expect(&servers);
    laid_out(&router, &servers);
    let last = HashBodies { arrange: POINTS_TO_LAST, ..HashBodies::default() };
    let prepared = router.prepare(hostile(last), &servers, &[]).await.unwrap();
    router.start_shadow(prepared).unwrap();
    // As without it: of these two requests the first belongs to server 3, the second to 1.
    for _ in 0..10 {
        assert_eq!(ids(&router.order(3, &servers)), [3, 1, 2]);
        assert_eq!(ids(&router.order(4, &servers)), [1, 2, 3]);
    }
    let tally = seen(&router, 20);
    assert_eq!((tally.requests, tally.moved, tally.missed), (20, 10, 0));
    let shares: Vec<_> = tally.servers.iter().map(|(n, s)| (&n[..], s.active, s.shadow)).collect();
    assert_eq!(shares, [("Server1", 10, 0), ("Server2", 0, 0), ("Server3", 10, 20)]);
    router.end_shadow();
    assert!(router.shadow().is_none());
}

#[tokio::test]
async fn a_shadow_that_fails_too_often_ends() {
    let router = router("quadratic");
    let servers = members(3);
    router.expect(&servers);
    laid_out(&router, &servers);
    router.start_shadow(router.prepare(hostile(traps()), &servers, &[]).await.unwrap()).unwrap();
    for _ in 0..3 {
        router.order(13, &servers);
    }
    let tally = seen(&router, 3);
    assert_eq!((tally.requests, tally.missed), (0, 3));
    assert!(tally.ended.unwrap().contains("unreachable"));
    assert_eq!(ids(&router.order(3, &servers)), [3, 1, 2]);
}

#[test]
fn a_ring_of_what_was_told_before_is_neither_used_nor_published() {
    let (router, servers) = (router("quadratic"), members(3));
    let before = router.maker.ensure(&servers).unwrap();
    let late = router.maker.lay_out(&before.hash, &servers).unwrap();
    router.forget();
    assert!(router.maker.published(&servers).is_none());
    assert!(!router.maker.publish(&before.hash, &servers, Ok(late)));
    let after = router.maker.ensure(&servers).unwrap();
    assert_eq!(after.hash.choice.name, "quadratic");
    assert!(!Arc::ptr_eq(&before.ring, &after.ring));
}

#[tokio::test]
async fn what_cannot_lay_out_the_servers_there_are_is_taken_out_of_service() {
    let router = router("quadratic");
    // It traps on four servers, and lies about five.
    let arrange = "(if (i32.eq (local.get 1) (i32.const 4)) (then (unreachable)))
        (i32.store (i32.const 264) (i32.const 300))
        (i32.store (i32.const 268) (i32.and (i32.ne (local.get 1) (i32.const 0))
            (i32.ne (local.get 1) (i32.const 5))))
        (i32.const 256)";
    for servers in [4, 5] {
        let bodies = HashBodies { arrange, ..HashBodies::default() };
        let hash = router.prepare(hostile(bodies), &members(3), &[]).await.unwrap();
        let hash = router.adopt(hash);
        assert!(router.try_out(&members(servers)).await.is_err());
        assert!(!hash.faults.is_out(), "nobody needs it yet");
        assert!(router.ring(&members(servers)).await.is_err());
        assert!(hash.faults.is_out(), "{servers} servers");
    }
}

#[test]
fn a_balancer_starts_though_the_chosen_plugin_cannot_be_set_so() {
    let folder = tempfile::tempdir().unwrap();
    // The default lies behind the chosen one, in a file of another name.
    for (file, plugin) in [("a", "md5"), ("b", "spread"), ("z", "quadratic")] {
        std::fs::write(folder.path().join(file).with_extension("wasm"), built(plugin)).unwrap();
    }
    let catalogue = Catalogue::open(&runtime(), &[folder.path().to_owned()]);
    let (hash, placement) = ("quadratic".to_owned(), "spread".to_owned());
    let brain = brain::Settings { hash, placement, faults: FaultLimit::default() };
    let settings = [("speed".to_owned(), "9".to_owned())].into();
    let chosen = Choice { settings, ..Choice::new("md5", "") };
    let brain = Brain::new(catalogue, brain, Some(chosen), None).unwrap();
    assert_eq!(brain.hash().choice.name, "quadratic");
}
