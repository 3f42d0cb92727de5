//! Guests that mean harm: each gives its typed error, and the host goes on.

use crate::tests::support::{HashBodies, hash, placement, policy, runtime, servers, settings};
use crate::{
    CallError, Cluster, Goal, HashPlugin, Node, PlacedShard, Runtime, ServerInfo, Settings,
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
    assert_eq!(faults(slot), CallError::OutOfMemory);
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
    let small = Runtime::new(Settings { answer_bytes: 20_000, ..settings() }).unwrap();
    let plugin = hash(small.load(&HashBodies { slots, ..HashBodies::default() }.component()));
    assert_eq!(plugin.slots(&[1], 512), Err(CallError::TooLarge));
    assert_eq!(plugin.slot(1, 512), Ok(3));
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

#[test]
fn a_plan_that_puts_two_copies_on_a_node_is_unlawful() {
    // result at 256: one move at 512, all zero: a new copy of shard 0 on node 0.
    let plan = "(i32.store (i32.const 260) (i32.const 512))
        (i32.store (i32.const 264) (i32.const 1)) (i32.const 256)";
    let plugin = placement(runtime().load(&policy(plan)));
    let node = |id| Node {
        server: ServerInfo::new(id, "s"),
        accepts: true,
        rows: 0,
        requests: 0.0,
        capacity: None,
    };
    let shard = |held_by: Vec<u32>| PlacedShard {
        id: "sh1".into(),
        size: 0,
        rows: 0,
        requests: 0.0,
        copies: 2,
        held_by,
    };
    let cluster = |held_by| Cluster { nodes: vec![node(1), node(2)], shards: vec![shard(held_by)] };
    assert_eq!(
        plugin.plan(&cluster(vec![0]), &Goal::Place),
        Err(CallError::Unlawful("move 1: node 0 holds a copy already".into()))
    );
    let moves = plugin.plan(&cluster(vec![1]), &Goal::Place).unwrap();
    assert_eq!((moves.len(), moves[0].shard, moves[0].source, moves[0].target), (1, 0, None, 0));
}
