//! Guests that mean harm: each gives its typed error, and the host goes on.

use std::time::{Duration, Instant};

use ringwright_ring::LayoutError;
use ringwright_test_plugins::{HashBodies, policy};

use crate::tests::support::{hash, placement, runtime, servers, settings};
use crate::{
    CallError, Cluster, Goal, HashPlugin, Holder, LoadError, Node, PlacedShard, Runtime,
    ServerInfo, Settings,
};

/// A plugin that does harm when asked for request 0 and answers 3 otherwise.
fn harmful(slot: &'static str) -> HashPlugin {
    hash(runtime().load(&HashBodies { slot, ..HashBodies::default() }.component()))
}

fn faults(slot: &'static str) -> CallError {
    let plugin = harmful(slot);
    let fault = plugin.slot(0, 512).unwrap_err();
    assert_eq!(plugin.slot(1, 512), Ok(3), "the host goes on after: {fault}");
    assert_eq!(plugin.slot(0, 512), Err(fault.clone()), "and again");
    fault
}

#[test]
fn an_endless_loop_is_stopped() {
    let slot = "(if (i64.eqz (local.get 0)) (then (loop $l (br $l)))) (i32.const 3)";
    assert_eq!(faults(slot), CallError::TimedOut);
}

#[test]
fn a_memory_bomb_is_stopped() {
    let slot = "(if (i64.eqz (local.get 0))
        (then (loop $l (drop (memory.grow (i32.const 8))) (br $l)))) (i32.const 3)";
    let fault = faults(slot);
    assert!(matches!(fault, CallError::OutOfMemory { .. }), "{fault}");
}

#[test]
fn endless_recursion_is_stopped() {
    let slot = "(if (i64.eqz (local.get 0))
        (then (drop (call $slot (local.get 0) (local.get 1))))) (i32.const 3)";
    assert_eq!(faults(slot), CallError::StackOverflow);
}

#[test]
fn a_trap_is_told() {
    let slot = "(if (i64.eqz (local.get 0)) (then (unreachable))) (i32.const 3)";
    let CallError::Trap(text) = faults(slot) else { panic!("no trap") };
    assert!(text.contains("unreachable"), "{text}");
}

#[test]
fn a_slot_that_there_is_not_is_refused() {
    let slot = "(if (i64.eqz (local.get 0)) (then (return (local.get 1)))) (i32.const 3)";
    assert_eq!(faults(slot), CallError::OutOfRange { slot: 512, slots: 512 });
}

/// A plugin that counts its calls and fails on request 0.
const COUNTS: &str = "(if (i64.eqz (local.get 0)) (then (unreachable)))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls)";

#[test]
fn an_instance_is_kept_until_it_fails() {
    let plugin = harmful(COUNTS);
    assert_eq!([1, 1].map(|i| plugin.slot(i, 512)), [Ok(1), Ok(2)]);
    assert!(plugin.slot(0, 512).is_err());
    assert_eq!(plugin.slot(1, 512), Ok(1), "a fresh one counts from the start");
}

#[test]
fn each_thread_has_an_instance() {
    let plugin = harmful(COUNTS);
    assert_eq!(plugin.slot(1, 512), Ok(1));
    let there = plugin.clone();
    assert_eq!(std::thread::spawn(move || there.slot(1, 512)).join().unwrap(), Ok(1));
    assert_eq!(plugin.slot(1, 512), Ok(2));
}

#[test]
fn slots_are_counted_and_checked() {
    // The answer at 256: so many numbers from 264 on, all 0 but the second, which is 600.
    let slots = "(i32.store (i32.const 256) (i32.const 264))
        (i32.store (i32.const 260) (i32.const 2))
        (i32.store (i32.const 268) (i32.const 600)) (i32.const 256)";
    let plugin = hash(runtime().load(&HashBodies { slots, ..HashBodies::default() }.component()));
    assert_eq!(plugin.slots(&[1, 2], 601), Ok(vec![0, 600]));
    assert_eq!(plugin.slots(&[1, 2], 600), Err(CallError::OutOfRange { slot: 600, slots: 600 }));
    assert_eq!(plugin.slots(&[1, 2, 3], 601), Err(CallError::Length { got: 2, asked: 3 }));
    assert_eq!(plugin.slots(&[], 601), Ok(Vec::new()), "nothing is asked for nothing");
}

#[test]
fn an_answer_that_is_too_large_is_refused() {
    let slots = "(i32.store (i32.const 256) (i32.const 0))
        (i32.store (i32.const 260) (i32.const 10000)) (i32.const 256)";
    let plugin = hash(runtime().load(&HashBodies { slots, ..HashBodies::default() }.component()));
    assert_eq!(plugin.slots(&[1], 512), Err(CallError::TooLarge));
    assert_eq!(plugin.slot(1, 512), Ok(3));
}

#[test]
fn what_is_asked_bounds_the_answer() {
    // 2,000 points of no content, or 2,000 entries of a table.
    let ring = "(i32.store (i32.const 264) (i32.const 2048))
        (i32.store (i32.const 268) (i32.const 2000)) (i32.const 256)";
    let table = "(i32.store (i32.const 260) (i32.const 1))
        (i32.store (i32.const 264) (i32.const 2048))
        (i32.store (i32.const 268) (i32.const 2000)) (i32.const 256)";
    let of = |arrange| {
        let bytes = HashBodies { arrange, ..HashBodies::default() }.component();
        move |slots| hash(runtime().load(&bytes)).table(&servers(1), 9, slots).unwrap_err()
    };
    let (ring, table) = (of(ring), of(table));
    assert_eq!(ring(512), CallError::TooLarge);
    let crowded = LayoutError::Crowded { points: 2000, slots: 1999 };
    assert_eq!(ring(1999), CallError::Layout(crowded));
    assert_eq!(table(100), CallError::TooLarge);
    let length = LayoutError::Length { got: 2000, slots: 1999 };
    assert_eq!(table(1999), CallError::Layout(length));
}

#[test]
fn a_plan_has_no_more_moves_than_copies() {
    // 1,000 moves where two are called for.
    let plan = "(i32.store (i32.const 260) (i32.const 512))
        (i32.store (i32.const 264) (i32.const 1000)) (i32.const 256)";
    let plugin = placement(runtime().load(&policy(plan)));
    let cluster = Cluster { nodes: vec![node(1)], shards: vec![shard(Vec::new())] };
    assert_eq!(plugin.plan(&cluster, &Goal::Place), Err(CallError::TooLarge));
}

#[test]
fn a_plugin_that_does_not_start_is_none() {
    let refused = |start| {
        let bytes = HashBodies { start, ..HashBodies::default() }.component();
        runtime().load(&bytes).unwrap_err()
    };
    let began = Instant::now();
    assert_eq!(refused("(loop $l (br $l))"), LoadError::Describe(CallError::TimedOut));
    assert!(began.elapsed() < Duration::from_secs(5));
    let LoadError::Describe(CallError::Trap(_)) = refused("(unreachable)") else { panic!() };
    let bomb = "(loop $l (drop (memory.grow (i32.const 8))) (br $l))";
    let LoadError::Describe(CallError::OutOfMemory { .. }) = refused(bomb) else { panic!() };
}

#[test]
fn a_start_that_a_request_waits_for_is_cut_short() {
    // It takes some 10 ms or more, which no more than 1 ms is allowed for.
    let start = "(local $i i32) (loop $l
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get $i) (i32.const 100000000))))";
    let bytes = HashBodies { start, ..HashBodies::default() }.component();
    let short = Duration::from_millis(1);
    let work_deadline = Duration::from_secs(10);
    let impatient =
        Runtime::new(Settings { start_deadline: short, work_deadline, ..settings() }).unwrap();
    let plugin = hash(impatient.load(&bytes));
    assert!(plugin.table(&servers(3), 9, 512).is_ok(), "where nobody waits it may");
    assert_eq!(plugin.slot(1, 512), Err(CallError::TimedOut));
}

#[test]
fn a_liar_loses_its_instance() {
    let slot = "(if (i64.eqz (local.get 0)) (then (return (local.get 1))))
        (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls)";
    let plugin = harmful(slot);
    assert_eq!([1, 1].map(|i| plugin.slot(i, 512)), [Ok(1), Ok(2)]);
    assert!(plugin.slot(0, 512).unwrap_err().is_fault());
    assert_eq!(plugin.slot(1, 512), Ok(1), "a fresh one counts from the start");
    assert!(!CallError::NoSlots.is_fault() && !CallError::Refused(String::new()).is_fault());
}

#[test]
fn a_layout_has_a_deadline_too() {
    let arrange = "(loop $l (br $l)) (unreachable)";
    let plugin = hash(runtime().load(&HashBodies { arrange, ..HashBodies::default() }.component()));
    assert_eq!(plugin.layout(&servers(3), 9, 512), Err(CallError::TimedOut));
    assert_eq!(plugin.slot(1, 512), Ok(3));
}

#[test]
fn a_refusal_carries_its_reason() {
    // result at 256: an error, its text the name at 1024.
    let arrange = "(i32.store (i32.const 256) (i32.const 1))
        (i32.store (i32.const 260) (i32.const 1024))
        (i32.store (i32.const 264) (i32.const 7)) (i32.const 256)";
    let plugin = hash(runtime().load(&HashBodies { arrange, ..HashBodies::default() }.component()));
    assert_eq!(plugin.layout(&servers(3), 9, 512), Err(CallError::Refused("hostile".into())));
}

fn node(id: u32) -> Node {
    Node { server: ServerInfo::new(id, "s"), accepts: true, requests: None, capacity: None }
}

fn shard(held_by: Vec<Holder>) -> PlacedShard {
    let id = "sh1".into();
    PlacedShard { id, size: 0, rows: None, bytes: None, requests: None, copies: 2, held_by }
}

#[test]
fn a_plan_that_stops_short_is_refused() {
    let plugin = placement(runtime().load(&policy("(i32.const 512)"))); // no moves
    let cluster = Cluster { nodes: vec![node(1)], shards: vec![shard(Vec::new())] };
    let told = "shard 0 lacks a copy, and node 0 has room for one";
    assert_eq!(plugin.plan(&cluster, &Goal::Place), Err(CallError::Unlawful(told.into())));
    assert_eq!(plugin.plan(&cluster, &Goal::Rebalance), Ok(Vec::new()));
}

#[test]
fn a_reason_is_made_fit_to_be_shown() {
    // A move whose reason is 600 bytes, all zero but one.
    let plan = "(i32.store (i32.const 260) (i32.const 512))
        (i32.store (i32.const 264) (i32.const 1))
        (i32.store (i32.const 528) (i32.const 60000)) (i32.store (i32.const 532) (i32.const 600))
        (i32.store8 (i32.const 60500) (i32.const 33)) (i32.const 256)";
    let plugin = placement(runtime().load(&policy(plan)));
    let cluster = Cluster { nodes: vec![node(1)], shards: vec![shard(Vec::new())] };
    assert_eq!(plugin.plan(&cluster, &Goal::Place).unwrap()[0].reason, "!");
}

/// Machines differ in the bits of a NaN; plugins must not.
#[test]
fn a_nan_has_the_same_bits_everywhere() {
    let slot = "(i32.and (i32.const 0xff) (i32.reinterpret_f32
        (f32.add (f32.const 1) (f32.reinterpret_i32 (i32.wrap_i64 (local.get 0))))))";
    assert_eq!(harmful(slot).slot(0x7fa0_0001, 512), Ok(0));
}

#[test]
fn a_plan_that_puts_two_copies_on_a_node_is_unlawful() {
    // result at 256: one move at 512, all zero: a new copy of shard 0 on node 0.
    let plan = "(i32.store (i32.const 260) (i32.const 512))
        (i32.store (i32.const 264) (i32.const 1)) (i32.const 256)";
    let plugin = placement(runtime().load(&policy(plan)));
    let cluster = |held_by| Cluster { nodes: vec![node(1), node(2)], shards: vec![shard(held_by)] };
    assert_eq!(
        plugin.plan(&cluster(vec![Holder { node: 0, in_sync: true }]), &Goal::Place),
        Err(CallError::Unlawful("move 1: node 0 holds a copy already".into()))
    );
    let moves =
        plugin.plan(&cluster(vec![Holder { node: 1, in_sync: true }]), &Goal::Place).unwrap();
    assert_eq!((moves.len(), moves[0].shard, moves[0].source, moves[0].target), (1, 0, None, 0));
}
