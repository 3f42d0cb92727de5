//! The rules of the metadata store, on SQLite and on Postgres.
//!
//! Every case is written once and run on both, unless it is about one of them.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by panicking

mod changes;
mod charge;
mod cluster;
mod events;
mod home;
mod layouts;
mod outages;

use std::sync::Arc;

use home::Home;

macro_rules! suite {
    (
        on_both { $($module:ident { $($case:ident),* $(,)? })* }
        on_sqlite { $($only_module:ident { $($only:ident),* $(,)? })* }
    ) => {
        mod on_sqlite {
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$module::$case(super::Home::sqlite()).await;
            })*)*
            $($(#[tokio::test(flavor = "multi_thread")]
            async fn $only() {
                super::$only_module::$only(super::Home::sqlite()).await;
            })*)*
        }

        /// One test, since each would need a Postgres of its own.
        #[tokio::test(flavor = "multi_thread")]
        async fn on_postgres() {
            let cluster = Arc::new(cluster::Cluster::started().await);
            let mut failed = Vec::new();
            $($(
                let home = Home::postgres(&cluster).await;
                if tokio::spawn($module::$case(home)).await.is_err() {
                    failed.push(stringify!($case));
                }
            )*)*
            assert!(failed.is_empty(), "failed on Postgres: {failed:?}");
        }
    };
}

suite! {
    on_both {
        changes {
            a_new_store_is_empty,
            everything_is_there_after_the_database_was_closed_and_opened,
            a_vat_is_never_lowered,
            a_list_made_twice_is_a_list_made_once,
            a_new_incarnation_replaces_the_old_one_and_keeps_the_order,
            a_new_incarnation_leaves_what_is_told_about_a_server,
            a_removed_server_takes_its_replicas_and_leaves_its_number,
            a_change_that_cannot_be_is_refused_with_all_that_came_with_it,
            a_new_ring_replaces_the_old_one,
            the_first_answer_of_a_key_stays_until_it_is_forgotten,
            a_refused_list_keeps_no_answer,
            replicas_are_in_the_order_of_their_bytes,
            what_cannot_be_read_is_said_to_be_corrupt,
            each_cluster_has_an_id_of_its_own_and_keeps_it,
            the_protocol_is_kept,
        }
        charge {
            each_charge_taken_is_a_new_epoch,
            a_charge_that_has_beaten_or_passed_on_since_it_was_seen_is_not_taken,
            a_charge_beats_while_its_holder_renews_or_writes,
            a_fenced_balancer_changes_nothing,
            a_charge_given_back_is_in_charge_of_nothing,
            concurrent_applies_all_count,
            nothing_is_committed_after_the_charge_was_taken,
            an_apply_given_up_half_way_leaves_the_store_usable,
        }
        events {
            events_are_there_as_they_were_kept_the_oldest_first,
            an_event_kept_twice_is_there_once,
            the_newest_are_kept_and_the_others_go,
            whoever_lost_the_charge_keeps_its_events,
            a_kind_of_a_newer_version_is_left_out,
            what_can_never_be_kept_is_told_from_what_could_not_be_now,
        }
        layouts {
            several_that_find_the_same_new_database_all_open_it,
            a_charge_of_the_second_layout_has_a_term_nobody_knows,
            a_database_of_the_layout_before_the_last_gets_a_log_of_events,
            the_database_of_a_newer_version_is_left_alone,
        }
    }
    on_sqlite {
        charge {
            a_transaction_that_the_database_ends_by_itself_leaves_the_store_usable,
        }
        layouts {
            a_file_of_the_first_layout_is_brought_up_with_all_that_is_in_it,
            two_that_find_an_old_file_bring_it_up_once,
        }
    }
}
