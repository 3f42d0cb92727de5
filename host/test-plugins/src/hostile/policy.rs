//! Placement policies that load.

use super::{BOMB, Fate, Hostile, LOOP};
use crate::policy::{named, policy};

/// What goes wrong when copies are placed.
pub(super) fn plans() -> Vec<Hostile> {
    let refused =
        |name, plan: &str| Hostile { name, bytes: policy(plan), fate: Fate::RefusedByAdmission };
    // So many moves at 512, all zero: new copies of shard 0 on node 0.
    let moves = |count: u32| {
        format!(
            "(i32.store (i32.const 260) (i32.const 512))
            (i32.store (i32.const 264) (i32.const {count})) (i32.const 256)"
        )
    };
    vec![
        refused("loop-in-plan", LOOP),
        refused("bomb-in-plan", BOMB),
        refused("trap-in-plan", "(unreachable)"),
        refused("plans-nothing", &moves(0)),
        refused("plans-a-copy-twice", &moves(2)),
        refused("huge-plan", &moves(10_000)),
        refused("cannot-plan", CANNOT),
        refused("plan-that-changes", &simple(&ONCE.replace("CANNOT", CANNOT))),
        refused("rebalances-without-end", &simple(TO_AND_FRO)),
        Hostile {
            name: "traps-on-weight-999",
            bytes: named("traps-on-weight-999", &simple(ON_WEIGHT_999)),
            fate: Fate::Admitted,
        },
        Hostile { name: "hardly-plans", bytes: policy(&simple("")), fate: Fate::Admitted },
    ]
}

/// Where the first node has that weight, which none has while it is tried.
const ON_WEIGHT_999: &str = "(if (i32.eq (i32.load offset=12 (local.get 0)) (i32.const 999))
    (then (unreachable)))";

/// An err without a text.
const CANNOT: &str = "(i32.store8 (i32.const 256) (i32.const 1)) (i32.const 256)";

/// Places two copies of each of three shards on three nodes that hold nothing, and says of all
/// else that it cannot, unless `otherwise` has answered.
fn simple(otherwise: &str) -> String {
    let moves: String = (0..6)
        .map(|i| {
            let (shard, target, at) = (i / 2, (i / 2 + i % 2) % 3, 512 + 32 * i);
            format!(
                "(i32.store (i32.const {at}) (i32.const {shard}))
                (i32.store offset=12 (i32.const {at}) (i32.const {target}))"
            )
        })
        .collect();
    format!(
        "(local $t i32) (local $held i32)
        {otherwise}
        (if (i32.or (local.get 4)
                (i32.or (i32.ne (local.get 1) (i32.const 3)) (i32.ne (local.get 3) (i32.const 3))))
            (then (return (block (result i32) {CANNOT}))))
        (i32.store8 (i32.const 256) (i32.const 0))
        (i32.store (i32.const 260) (i32.const 512)) (i32.store (i32.const 264) (i32.const 6))
        {moves} (i32.const 256)"
    )
}

/// Of twelve shards on four nodes, the first moves from its first holder to the first node that
/// holds none of it.
const TO_AND_FRO: &str = "(if (i32.and (i32.eq (local.get 4) (i32.const 2))
        (i32.and (i32.eq (local.get 1) (i32.const 4)) (i32.eq (local.get 3) (i32.const 12))))
    (then
        (local.set $held (i32.load offset=68 (local.get 2)))
        (block $found (loop $next
            (br_if $found (i32.and
                (i32.ne (local.get $t) (i32.load (local.get $held)))
                (i32.ne (local.get $t) (i32.load offset=8 (local.get $held)))))
            (local.set $t (i32.add (local.get $t) (i32.const 1)))
            (br $next)))
        (i32.store8 (i32.const 256) (i32.const 0))
        (i32.store (i32.const 260) (i32.const 512)) (i32.store (i32.const 264) (i32.const 1))
        (i32.store8 offset=4 (i32.const 512) (i32.const 1))
        (i32.store offset=8 (i32.const 512) (i32.load (local.get $held)))
        (i32.store offset=12 (i32.const 512) (local.get $t))
        (return (i32.const 256))))";

/// The first time it plans.
const ONCE: &str = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (if (i32.gt_u (global.get $calls) (i32.const 1)) (then (return (block (result i32) CANNOT))))";
