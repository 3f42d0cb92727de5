//! The rules of the protocol, each of which can be taken out.

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Which rules hold.
        #[derive(Clone, Copy, Debug)]
        pub struct Rules {
            $($(#[$doc])* pub $name: bool,)*
        }

        impl Rules {
            /// The protocol.
            pub const ALL: Rules = Rules { $($name: true,)* };
        }
    };
}

rules! {
    // Writes.
    /// One batch of a shard at a time.
    write_lock,
    /// The balancer gives the term, `VAT + 1`; a server does not count its own (line 11).
    balancer_gives_term,
    /// A write is acknowledged after all replicas in sync have it, not after the first.
    ack_after_all_in_sync,
    /// The commit writes down which replicas fell out of sync.
    fallen_in_commit,
    /// A write that no replica in sync holds is refused.
    needs_one_in_sync,
    /// The VATs are on disk before anybody sees them.
    vat_commit_before_publish,
    /// One metadata transaction raises the VATs of all shards of a request.
    commit_together,
    /// The VATs of all shards of a request become visible at one instant.
    publish_together,
    /// The client is answered after the write is visible.
    publish_before_answer,
    /// A request refused on one shard is taken off the others by another round.
    resend_without_refused,

    // Servers.
    /// A server undoes what was never committed before it applies a batch.
    undo_uncommitted,
    /// A server answers after its transaction is on disk.
    flush_before_answer,
    /// A server refuses epochs other than the one it was adopted in.
    fence_epoch,
    /// A server refuses requests that mean another database.
    check_incarnation,
    /// A server refuses a batch whose VAT is lower than it has seen.
    refuse_lower_vat,
    /// At an equal VAT, a server refuses a round that is not higher than the last.
    refuse_older_rounds,
    /// A server refuses batches, reads and assignments for a term it was never sent
    /// everything of.
    refuse_missed,
    /// An assignment undoes nothing once a batch has come.
    late_assign_undoes_nothing,
    /// A server refuses to forget a shard that it was told to join since.
    late_forget_refused,
    /// A server refuses pages of any join but the latest.
    refuse_older_joins,

    // Reads.
    /// Reads change nothing.
    reads_clean_nothing,
    /// A read takes the VATs of all its shards at one instant.
    snapshot_at_one_instant,
    /// Only replicas in sync answer reads.
    read_in_sync_only,
    /// A server refuses to read below its safe point.
    refuse_below_safe_point,
    /// The safe point stays at or below what running reads need.
    safe_point_respects_readers,

    // Balancers.
    /// The metadata refuses changes from an epoch that is over.
    fence_commit,
    /// A new balancer adopts a server before it asks anything of it.
    adopt_before_serving,
    /// A new balancer reads the metadata after its epoch is on disk, not before.
    take_charge_before_loading,
    /// A balancer answers only while it is in charge.
    answer_only_in_charge,
    /// A server that is let go holds in sync what it held, until a write goes on without it.
    away_is_not_out_of_sync,
    /// A replica that fell behind is never taken for one in sync because no other is there.
    never_guess,

    // Joins.
    /// The last delta is taken, and the replica admitted, while the shard is held.
    hold_lock_for_last_delta,
    /// A copy holds what was committed at one VAT and nothing else.
    copy_committed_only,
    /// A replica that comes back undoes what it held above the term its deltas start from.
    undo_before_delta,
    /// Deltas are refused where the source has collected what they would tell.
    delta_needs_history,
    /// What its source was sent last before it fell out of sync is not copied.
    source_stays_in_sync,
    /// A join ends where its replica is taken off.
    leave_ends_join,
    /// While a server is attached, all shards it has a replica of are held, in sync or not: none
    /// of them is admitted on the word of the database that was there before.
    attach_holds_all_replicas,
    /// A server keeps out of a shard's reads and writes until its join has ended.
    closed_while_joining,
}
