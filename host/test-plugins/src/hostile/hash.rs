//! Hash functions that load.

use super::{BOMB, Fate, Hostile, LOOP, bodies, default};
use crate::{HashBodies, POINTS_TO_FIRST};

/// Counts its calls.
const COUNT: &str = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))";

/// What goes wrong when it is asked for slots, or what it is.
pub(super) fn slots() -> Vec<Hostile> {
    let refused = |name, harm| bodies(name, Fate::RefusedByAdmission, harm);
    let slot = |slot| HashBodies { slot, ..default() };
    let slots = |slots| HashBodies { slots, ..default() };
    // One slot, or 10,000,000 of them, whatever it was asked for.
    let one = "(i32.store (i32.const 256) (i32.const 264))
        (i32.store (i32.const 260) (i32.const 1)) (i32.const 256)";
    let many = "(i32.store (i32.const 256) (i32.const 264))
        (i32.store (i32.const 260) (i32.const 10000000)) (i32.const 256)";
    let counts = format!("{COUNT} (i32.rem_u (global.get $calls) (local.get 1))").leak();
    let grows = "(drop (memory.grow (i32.const 1))) (i32.rem_u (i32.const 3) (local.get 1))";
    let renames = format!(
        "{COUNT} (i32.store (i32.const 4) (i32.sub (i32.const 8) (global.get $calls)))
        (i32.const 0)"
    )
    .leak();
    vec![
        refused("loop-in-slot", slot(LOOP)),
        refused("loop-in-slots", slots(LOOP)),
        refused("bomb-in-slot", slot(BOMB)),
        refused("recursion", slot("(call $slot (local.get 0) (local.get 1))")),
        refused("trap", slot("(unreachable)")),
        refused("slot-out-of-range", slot("(local.get 1)")),
        refused("list-of-wrong-length", slots(one)),
        refused("huge-list", slots(many)),
        refused("not-deterministic", slot(counts)),
        refused("grows-with-each-call", slot(grows)),
        refused("changes-its-description", HashBodies { describe: renames, ..default() }),
        Hostile {
            fate: Fate::RefusedByAdmission,
            ..breaks(
                "breaks-after-1000-calls",
                "(if (i32.gt_u (global.get $calls) (i32.const 1000)) (then (unreachable)))",
            )
        },
        slow("slow-everywhere"),
        breaks(
            "breaks-after-3000-calls",
            "(if (i32.gt_u (global.get $calls) (i32.const 3000))
            (then (unreachable)))",
        ),
        breaks(
            "hangs-after-3000-calls",
            "(if (i32.gt_u (global.get $calls) (i32.const 3000))
            (then (loop $l (br $l))))",
        ),
        breaks(
            "lies-after-3000-calls",
            "(if (i32.gt_u (global.get $calls) (i32.const 3000))
            (then (return (local.get 1))))",
        ),
        breaks(
            "grows-now-and-then",
            "(if (i32.eqz (i32.rem_u (global.get $calls) (i32.const 100)))
            (then (drop (memory.grow (i32.const 1)))))",
        ),
    ]
}

/// A plugin that does harm once it has been asked for many slots one by one, as requests do.
fn breaks(name: &'static str, harm: &str) -> Hostile {
    let slot = format!("{COUNT} {harm} (i32.rem_u (i32.const 3) (local.get 1))");
    bodies(
        name,
        Fate::WorksThenBreaks,
        HashBodies { slot: slot.leak(), slots: THREES, ..default() },
    )
}

/// 3 for each, without a call that counts.
const THREES: &str = "(local $i i32)
        (loop $next (if (i32.lt_u (local.get $i) (local.get 1)) (then
            (i32.store (i32.add (i32.const 0x100000) (i32.shl (local.get $i) (i32.const 2)))
                (i32.rem_u (i32.const 3) (local.get 2)))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next))))
        (i32.store (i32.const 256) (i32.const 0x100000))
        (i32.store (i32.const 260) (local.get 1))
        (i32.const 256)";

/// A plugin that takes its time over each call, though hardly more than it may.
fn slow(name: &'static str) -> Hostile {
    let [slot, slots, arrange] = [default().slot, THREES, POINTS_TO_FIRST].map(slowly);
    bodies(name, Fate::RefusedByAdmission, HashBodies { slot, slots, arrange, ..default() })
}

/// The same after 40,000,000 rounds of a loop. Declarations come first in a body.
fn slowly(body: &'static str) -> &'static str {
    let (locals, rest) = body.strip_prefix(LOCAL).map_or(("", body), |rest| (LOCAL, rest));
    format!(
        "{locals} (local $rounds i32) (local.set $rounds (i32.const 40000000))
        (loop $round (br_if $round (local.tee $rounds
            (i32.sub (local.get $rounds) (i32.const 1)))))
        {rest}"
    )
    .leak()
}

const LOCAL: &str = "(local $i i32)";

/// What goes wrong when servers are laid out.
pub(super) fn layouts() -> Vec<Hostile> {
    let refused = |name, harm| bodies(name, Fate::RefusedByAdmission, harm);
    let arrange = |arrange| HashBodies { arrange, ..default() };
    // Where a weight of the servers is 0, `then`; otherwise all goes to the first.
    const OF_WEIGHT_0: &str = "(local $i i32) (i32.store (i32.const 304) (i32.const 0))
        (loop $next (if (i32.lt_u (local.get $i) (local.get 1)) (then
            (if (i32.eqz (i32.load offset=12
                (i32.add (local.get 0) (i32.mul (local.get $i) (i32.const 24)))))
                (then THEN))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next))))
        (i32.store (i32.const 264) (i32.const 300))
        (i32.store (i32.const 268) (i32.ne (local.get 1) (i32.const 0)))
        (i32.const 256)";
    let to_it = OF_WEIGHT_0.replace("THEN", "(i32.store (i32.const 304) (local.get $i))");
    let traps = OF_WEIGHT_0.replace("THEN", "(unreachable)");
    let (to_it, traps): (&str, &str) = (to_it.leak(), traps.leak());
    // One point, of another slot with each call.
    let moves = format!(
        "{COUNT} (i32.store (i32.const 300) (i32.rem_u (global.get $calls) (local.get 3)))
        (i32.store (i32.const 264) (i32.const 300))
        (i32.store (i32.const 268) (i32.ne (local.get 1) (i32.const 0)))
        (i32.const 256)"
    )
    .leak();
    // A point of a server that there is not.
    let nobody = "(i32.store (i32.const 264) (i32.const 300))
        (i32.store (i32.const 268) (i32.const 1)) (i32.store (i32.const 304) (local.get 1))
        (i32.const 256)";
    let too_many = "(i32.store (i32.const 264) (i32.const 0x100000))
        (i32.store (i32.const 268) (i32.const 80000)) (i32.const 256)";
    // err of no text.
    let cannot = "(i32.store8 (i32.const 256) (i32.const 1)) (i32.const 256)";
    let no_servers = "(if (i32.eqz (local.get 1)) (then (unreachable)))
        (i32.store (i32.const 264) (i32.const 300))
        (i32.store (i32.const 268) (i32.const 1)) (i32.const 256)";
    let weighted = "(i32.store8 (i32.const 512) (i32.const 1)) (i32.const 512)";
    // As many points as it weighs, and one where it weighs nothing.
    let some_to_it = "(local $i i32) (local $left i32) (local $at i32)
        (local.set $at (i32.const 0x100000))
        (loop $next (if (i32.lt_u (local.get $i) (local.get 1)) (then
            (local.set $left (i32.load offset=12
                (i32.add (local.get 0) (i32.mul (local.get $i) (i32.const 24)))))
            (loop $more
                (i32.store (local.get $at) (i32.rem_u
                    (i32.mul (local.get $at) (i32.const 0x9e3779b1)) (local.get 3)))
                (i32.store offset=4 (local.get $at) (local.get $i))
                (local.set $at (i32.add (local.get $at) (i32.const 12)))
                (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                (br_if $more (i32.gt_s (local.get $left) (i32.const 0))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $next))))
        (i32.store (i32.const 264) (i32.const 0x100000))
        (i32.store (i32.const 268)
            (i32.div_u (i32.sub (local.get $at) (i32.const 0x100000)) (i32.const 12)))
        (i32.const 256)";
    let virtual_nodes = "(i32.store8 (i32.const 513) (i32.const 1)) (i32.const 512)";
    // At most seven servers, and it lays out any number.
    let at_most_seven = "(i32.store8 (i32.const 516) (i32.const 1))
        (i32.store (i32.const 520) (i32.const 7)) (i32.const 512)";
    vec![
        refused("loop-in-arrange", arrange(LOOP)),
        refused("bomb-in-arrange", arrange(BOMB)),
        refused("point-of-nobody", arrange(nobody)),
        refused("layout-that-changes", arrange(moves)),
        refused("too-many-points", arrange(too_many)),
        refused("no-points", arrange("(i32.const 256)")),
        refused("lays-out-nothing", arrange(cannot)),
        refused("traps-without-servers", arrange(no_servers)),
        refused("traps-on-weight-zero", arrange(traps)),
        refused(
            "all-to-weight-zero-and-says-weighted",
            HashBodies { arrange: to_it, declare: weighted, ..default() },
        ),
        refused(
            "some-to-weight-zero-and-says-weighted",
            HashBodies { arrange: some_to_it, declare: weighted, ..default() },
        ),
        refused("lies-about-virtual-nodes", HashBodies { declare: virtual_nodes, ..default() }),
        refused("lies-about-its-limit", HashBodies { declare: at_most_seven, ..default() }),
        bodies("all-to-weight-zero", Fate::Admitted, arrange(to_it)),
        bodies("some-to-weight-zero", Fate::Admitted, arrange(some_to_it)),
        bodies("all-to-the-first", Fate::Admitted, default()),
    ]
}
