//! The rules of a shard server, on SQLite, on Postgres, and through HTTP.
//!
//! Every case is written once, against the trait, and run on all three.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

mod client;
mod cluster;
mod copies;
mod fences;
mod garbage;
mod measures;
mod outages;
mod paper;
mod place;
mod process;
mod reads;
mod rest;
mod secret;
mod writes;

use place::Place;

macro_rules! suite {
    ($($module:ident { $($case:ident),* $(,)? })*) => {
        mod on_sqlite {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$module::$case(super::Place::sqlite()).await;
            })*)*
        }

        mod over_http {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$module::$case(super::Place::http()).await;
            })*)*
        }

        /// One test, since each would need a Postgres of its own.
        #[tokio::test(flavor = "multi_thread")]
        async fn on_postgres() {
            let cluster = cluster::Cluster::start().await;
            let mut failed = Vec::new();
            $($(
                let place = Place::postgres(cluster.database(stringify!($case)).await);
                if tokio::spawn($module::$case(place)).await.is_err() {
                    failed.push(stringify!($case));
                }
            )*)*
            assert!(failed.is_empty(), "failed on Postgres: {failed:?}");
        }
    };
}

suite! {
    fences {
        a_lower_epoch_is_refused,
        every_message_needs_the_right_epoch,
        every_message_needs_the_right_incarnation,
        a_new_shard_is_in_sync_at_term_0_only,
        what_was_never_sent_is_not_held,
        an_assignment_undoes_what_was_not_committed,
        an_assignment_keeps_what_was_committed,
        a_late_assignment_undoes_nothing,
        an_older_assignment_is_stale,
        an_assignment_is_atomic,
        a_forgotten_shard_is_gone,
        another_clusters_database_is_refused,
        a_late_forget_forgets_nothing,
        an_assignment_from_before_a_join_is_stale,
        everything_survives_a_restart,
    }
    writes {
        an_older_vat_is_stale,
        a_late_round_is_stale,
        a_new_epoch_counts_rounds_anew,
        a_missed_batch_means_not_held,
        what_was_not_committed_is_undone,
        a_request_is_refused_whole_with_its_lowest_key,
        a_message_is_applied_whole_or_not_at_all,
        a_batch_changes_a_key_once,
        an_update_spends_one_term,
        concurrent_messages_do_not_disturb_each_other,
        terms_out_of_range_are_refused,
    }
    reads {
        a_read_sees_its_term,
        a_read_below_the_safe_point_is_told_where_history_starts,
        a_safe_point_never_passes_the_vat,
        a_read_changes_nothing,
        many_queries_are_answered_in_order,
        a_row_is_answered_to_the_byte,
        a_read_beyond_what_was_sent_is_not_answered,
    }
    copies {
        a_copy_and_its_deltas_make_an_equal_replica,
        a_page_takes_the_place_of_what_is_there,
        a_page_hides_what_came_after_it,
        deltas_are_the_same_few_or_many,
        a_page_of_large_rows_is_short,
        history_that_is_gone_is_not_exported,
        a_replica_that_joins_answers_nothing,
        pages_come_in_order,
        a_new_join_ends_the_one_before,
        an_ended_join_takes_no_page,
        a_new_epoch_ends_a_join,
        a_replica_resumes_from_what_it_held,
        a_resumed_join_may_break_off,
        a_replica_resumes_from_less_than_it_held,
        an_assignment_ends_a_join_and_undoes_it,
        an_empty_start_removes_what_was_there,
    }
    garbage {
        versions_nobody_can_need_are_removed,
        a_write_takes_garbage_away,
        more_than_a_chunk_is_removed,
        live_rows_stay,
        another_shards_history_stays,
        rows_of_forgotten_shards_are_removed,
    }
    measures {
        rows_that_live_are_counted,
        bytes_are_no_characters,
        what_is_not_held_whole_is_not_measured,
    }
    paper {
        writes_get_the_papers_terms,
        a_read_loses_a_write_in_flight,
        a_late_read_loses_committed_rows,
        what_cannot_be_done_is_refused,
    }
}
