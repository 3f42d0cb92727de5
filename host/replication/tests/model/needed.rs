//! Every rule is needed: without it, and with all the others, some invariant can be broken.
//!
//! The shortest way to break it is shown with `--nocapture`.

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use crate::cases::Case;
use crate::invariants::{AGREE, ANSWERED, ATOMIC, DURABLE, INVARIANTS, LINEARIZABLE, NOTHING_LOST};
use crate::model::Action;
use crate::protocol as case;
use crate::rules::Rules;

/// Finds the shortest way to break `invariant`.
fn shortest(case: &Case, invariant: &'static str) -> Option<Vec<Action>> {
    (4..40).step_by(2).find_map(|depth| {
        let checker = case
            .clone()
            .checker()
            .target_max_depth(depth)
            .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([invariant])))
            .spawn_bfs()
            .join();
        checker.discovery(invariant).map(|path| path.into_actions())
    })
}

fn breaks(case: Case, rule: &str, invariant: &'static str) {
    let Some(actions) = shortest(&case, invariant) else {
        panic!("without '{rule}' {invariant} holds all the same");
    };
    println!("without '{rule}' {invariant} is broken in {} steps:", actions.len());
    actions.iter().for_each(|action| println!("    {action:?}"));
}

macro_rules! needed {
    ($($rule:ident: $case:ident, $invariant:ident;)*) => {
        $(
            #[test]
            fn $rule() {
                let rules = Rules { $rule: false, ..Rules::ALL };
                breaks(Case { rules, ..case::$case() }, stringify!($rule), $invariant);
            }
        )*
    };
}

needed! {
    write_lock: one_key, DURABLE;
    balancer_gives_term: one_key, AGREE;
    ack_after_all_in_sync: one_key, DURABLE;
    fallen_in_commit: one_key, DURABLE;
    needs_one_in_sync: one_key, NOTHING_LOST;
    vat_commit_before_publish: one_key, DURABLE;
    commit_together: two_shards, ATOMIC;
    publish_together: two_shards, ATOMIC;
    publish_before_answer: one_key, LINEARIZABLE;
    resend_without_refused: refusals, ATOMIC;

    undo_uncommitted: failures, ATOMIC;
    flush_before_answer: one_key, DURABLE;
    fence_epoch: takeover_writes, DURABLE;
    check_incarnation: misdelivery, DURABLE;
    refuse_lower_vat: rejoin, DURABLE;
    refuse_older_rounds: one_key, DURABLE;
    late_assign_undoes_nothing: join, DURABLE;
    late_forget_refused: leave, DURABLE;
    refuse_older_joins: join, DURABLE;

    reads_clean_nothing: one_key, DURABLE;
    snapshot_at_one_instant: two_shards, ATOMIC;
    read_in_sync_only: takeover_two_shards, LINEARIZABLE;
    refuse_below_safe_point: rejoin, LINEARIZABLE;
    safe_point_respects_readers: garbage, ANSWERED;

    fence_commit: takeover, DURABLE;
    adopt_before_serving: takeover_writes, DURABLE;
    take_charge_before_loading: takeover, DURABLE;
    answer_only_in_charge: takeover, LINEARIZABLE;
    away_is_not_out_of_sync: last_replica, NOTHING_LOST;
    never_guess: last_replica, NOTHING_LOST;

    hold_lock_for_last_delta: join, DURABLE;
    copy_committed_only: join, AGREE;
    undo_before_delta: takeover_and_join, AGREE;
    delta_needs_history: join_after_garbage, AGREE;
    attach_holds_all_replicas: lost_disk, DURABLE;
    source_stays_in_sync: join_from_a_source_that_falls, DURABLE;
    leave_ends_join: leave, DURABLE;
    closed_while_joining: late_batch_in_a_join, DURABLE;
}

/// A server takes only what follows on what it has (`refuse_missed`). While disks keep what
/// was answered, whoever is in sync has everything, and the rule has nothing to refuse: no case
/// needs it. It is there for a disk that went back in time, where it keeps reads right.
#[test]
fn refuse_missed() {
    let rules = Rules { refuse_missed: false, ..Rules::ALL };
    let spare = [case::one_key(), case::takeover(), case::rejoin(), case::lost_disk()];
    for case in spare {
        let checker = Case { rules, ..case }.checker().spawn_bfs().join();
        assert!(INVARIANTS.iter().all(|invariant| checker.discovery(invariant).is_none()));
    }
}
