//! What must hold in every state, and what must be possible in some.

use stateright::Property;

use crate::cases::{Case, Kind, Mask, Term, Value, bits, has};
use crate::clients::{Answer, Client, Stage};
use crate::server::{Shard, Version};
use crate::state::State;

pub const DURABLE: &str = "I1 durable";
pub const ATOMIC: &str = "I2 atomic";
pub const LINEARIZABLE: &str = "I3 linearizable";
pub const AGREE: &str = "I4 agree";
pub const NOTHING_LOST: &str = "I5 nothing lost";
/// Beyond the five: a replica in sync answers every read of the balancer in charge.
pub const ANSWERED: &str = "reads are answered";

pub const INVARIANTS: [&str; 5] = [DURABLE, ATOMIC, LINEARIZABLE, AGREE, NOTHING_LOST];

/// What shows that a case is not empty. Which of them each case must show, its test says.
pub const WRITTEN: &str = "a write is done";
pub const REFUSED: &str = "a write is refused";
pub const UNAVAILABLE: &str = "a write finds no replica";
pub const FELL: &str = "a write is done without a replica that fell";
pub const SEEN: &str = "a read sees a write";
pub const UNKNOWN: &str = "a write is done and its client never told";
pub const LEFT_BEHIND: &str = "a new balancer finds a write left half done";
pub const DEPOSED: &str = "an old balancer's message is refused";
pub const SUCCEEDED: &str = "a new balancer's write is done";
pub const JOINED: &str = "a replica joins while writes go on";
pub const REPLACED: &str = "a replica on a new disk is in sync";
pub const COLLECTED: &str = "a version is collected";

pub fn properties() -> Vec<Property<Case>> {
    vec![
        Property::always(DURABLE, durable),
        Property::always(ATOMIC, atomic),
        Property::always(LINEARIZABLE, |_, s: &State| !s.nonlinear),
        Property::always(AGREE, agree),
        Property::always(NOTHING_LOST, nothing_lost),
        Property::always(ANSWERED, |_, s: &State| !s.sent_back),
        Property::sometimes(WRITTEN, |_, s: &State| was_told(s, &Answer::Written)),
        Property::sometimes(REFUSED, |_, s: &State| was_told(s, &Answer::Refused)),
        Property::sometimes(UNAVAILABLE, |_, s: &State| was_told(s, &Answer::Unavailable)),
        Property::sometimes(FELL, |c, s: &State| {
            let all: Mask = (1 << c.servers) - 1;
            let fell = |in_sync: &Mask| *in_sync != all & !c.behind && *in_sync != all;
            was_told(s, &Answer::Written) && s.meta.view.in_sync.iter().any(fell)
        }),
        Property::sometimes(SEEN, |_, s: &State| {
            let seen = |rows: &[Option<Value>]| rows.iter().any(|r| r.is_some_and(|v| v > 0));
            told(s).any(|a| matches!(a, Answer::Rows(rows) if seen(rows)))
        }),
        Property::sometimes(UNKNOWN, |_, s: &State| {
            let silent = s.balancers[0].stood_down;
            silent && s.clients.iter().any(|c| c.stage == Stage::Asked && is_committed(c))
        }),
        Property::sometimes(LEFT_BEHIND, |_, s: &State| {
            let half_done = |(shard, vat): (&Option<Shard>, &Term)| {
                shard.as_ref().is_some_and(|shard| shard.rows.iter().any(|v| v.cat > *vat))
            };
            let mut old = s.servers.iter().filter(|server| server.epoch == 1);
            s.balancers.len() > 1
                && old.any(|server| server.shards.iter().zip(&s.meta.view.vat).any(half_done))
        }),
        Property::sometimes(DEPOSED, |_, s: &State| {
            s.balancers.len() > 1 && s.balancers[0].stood_down
        }),
        Property::sometimes(SUCCEEDED, |_, s: &State| {
            s.balancers.get(1).is_some_and(|b| b.view.vat.iter().any(|vat| *vat > 1))
                && was_told(s, &Answer::Written)
        }),
        Property::sometimes(JOINED, |c, s: &State| {
            let all: Mask = (1 << c.servers) - 1;
            s.meta.view.vat[0] > 1
                && s.meta.view.in_sync[0] == all
                && s.balancers.iter().any(|b| b.joins > 0)
        }),
        Property::sometimes(REPLACED, |c, s: &State| {
            let new = |i: u8| s.meta.incarnations[usize::from(i)] >= c.servers;
            bits(s.meta.view.in_sync[0]).any(new)
        }),
        Property::sometimes(COLLECTED, |c, s: &State| {
            let gone = |i: &u8| {
                let key = c.present.first().copied().unwrap_or(0);
                let shard = &s.servers[usize::from(*i)].shards[usize::from(c.shard_of(key))];
                let first = |shard: &Shard| shard.rows.iter().any(|v| v.key == key && v.value == 0);
                shard.as_ref().is_some_and(|shard| shard.safe_point > 1 && !first(shard))
            };
            (0..c.servers).any(|i| gone(&i))
        }),
    ]
}

fn told(state: &State) -> impl Iterator<Item = &Answer> {
    state.clients.iter().filter_map(|c| match &c.stage {
        Stage::Told(answer) => Some(answer),
        _ => None,
    })
}

fn was_told(state: &State, wanted: &Answer) -> bool {
    told(state).any(|answer| answer == wanted)
}

fn is_committed(client: &Client) -> bool {
    client.committed.iter().any(Option::is_some)
}

/// The writes committed on a shard, each with its term.
fn committed(case: &Case, state: &State, shard: u8) -> impl Iterator<Item = (u8, Term)> {
    let of = move |i: &u8| state.clients[usize::from(*i)].committed[usize::from(shard)];
    (0..case.requests.len() as u8).filter_map(move |i| Some((i, of(&i)?)))
}

/// I1. Stronger than it says: what is committed is on the disks, acknowledged or not.
fn durable(case: &Case, state: &State) -> bool {
    let acknowledged = (0..).zip(&state.clients).all(|(i, client)| {
        client.stage != Stage::Told(Answer::Written)
            || bits(case.shards_of(i)).map(usize::from).all(|shard| {
                client.committed[shard].is_some_and(|term| term <= state.meta.view.vat[shard])
            })
    });
    acknowledged
        && (0..case.shards).all(|shard| {
            state.intact(shard).all(|server| {
                server.on_disk()[usize::from(shard)]
                    .as_ref()
                    .is_some_and(|here| holds_all(case, state, shard, here))
            })
        })
}

fn holds_all(case: &Case, state: &State, shard: u8, here: &Shard) -> bool {
    committed(case, state, shard).all(|(request, term)| {
        case.ops(request, shard).all(|op| {
            let of_key = || here.rows.iter().filter(|v| v.key == op.key);
            if op.kind == Kind::Delete {
                return !of_key().any(|v| v.cat < term && v.dat > term);
            }
            let superseded = committed(case, state, shard).any(|(other, later)| {
                later > term
                    && later <= here.safe_point
                    && case.ops(other, shard).any(|o| o.key == op.key)
            });
            superseded || of_key().any(|v| (v.cat, v.value) == (term, request + 1))
        })
    })
}

/// I2: committed on all its shards or on none; nothing else is visible; no read saw a part.
fn atomic(case: &Case, state: &State) -> bool {
    let whole = (0..).zip(&state.clients).all(|(i, client)| {
        let on = |s: u8| client.committed[usize::from(s)].is_some();
        let mut shards = bits(case.shards_of(i));
        let first = shards.next().is_some_and(on);
        !case.is_write(i) || shards.all(|s| on(s) == first)
    });
    let only_committed = (0..case.shards).all(|shard| {
        let vat = state.meta.view.vat[usize::from(shard)];
        let visible = |v: &&Version| v.value > 0 && v.cat <= vat;
        let mut rows = state
            .intact(shard)
            .filter_map(|server| server.shards[usize::from(shard)].as_ref())
            .flat_map(|here| &here.rows)
            .filter(visible);
        rows.all(|v| {
            state.clients[usize::from(v.value - 1)].committed[usize::from(shard)].is_some()
        })
    });
    whole && only_committed && !state.torn
}

/// I4.
fn agree(case: &Case, state: &State) -> bool {
    (0..case.shards).all(|shard| {
        let vat = state.meta.view.vat[usize::from(shard)];
        let mut here =
            state.intact(shard).filter_map(|server| server.shards[usize::from(shard)].as_ref());
        let Some(first) = here.next() else { return true };
        here.all(|other| {
            let from = first.safe_point.max(other.safe_point);
            (from..=vat).all(|at| shown(first, at).eq(shown(other, at)))
        })
    })
}

/// What a replica answers at a term; rows are sorted by key.
fn shown(shard: &Shard, vat: Term) -> impl Iterator<Item = (u8, Value)> {
    let visible = move |v: &&Version| v.cat <= vat && vat < v.dat;
    shard.rows.iter().filter(visible).map(|v| (v.key, v.value))
}

/// I5: while a disk of a replica in sync is left, one is known to be in sync, and holds all.
fn nothing_lost(case: &Case, state: &State) -> bool {
    (0..case.shards).filter(|shard| !has(state.excused, *shard)).all(|shard| {
        state.intact(shard).any(|server| {
            server.on_disk()[usize::from(shard)]
                .as_ref()
                .is_some_and(|here| holds_all(case, state, shard, here))
        })
    })
}
