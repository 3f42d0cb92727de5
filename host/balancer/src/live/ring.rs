//! The ring, drawn: its arcs and virtual nodes, told again only where it is another.

use std::sync::Arc;

use ringwright_ring::Table;
use serde::Serialize;

use super::json;
use crate::Balancer;
use crate::routing::{Published, Ring};

/// The most slots that are looked at one by one; of more, so many are, evenly.
const MOST_SLOTS: u32 = 1 << 16;

/// The most virtual nodes that are told.
const MOST_POINTS: usize = 20_000;

/// A ring as it was told last.
#[derive(Clone)]
pub(super) struct Drawn {
    /// Which one: another ring has another number. 0 for none yet.
    pub(super) number: u64,
    /// As JSON.
    pub(super) json: Arc<str>,
    of: Option<Arc<Ring>>,
}

/// A ring as it is told.
#[derive(Serialize)]
struct Picture<'a> {
    /// The hash function.
    hash: &'a str,
    slots: u32,
    /// How many slots were looked at, where not all were.
    sampled: Option<u32>,
    /// The servers that others here are positions in.
    servers: Vec<&'a str>,
    /// Slots owned, by server; where not all were looked at, as many as there would be.
    owned: Vec<u64>,
    /// Runs of slots of one owner, clockwise: the last slot, and the server.
    arcs: Vec<(u32, usize)>,
    /// How many virtual nodes there are.
    virtual_nodes: usize,
    /// Virtual nodes, clockwise, where they are not too many: slot, server, and which one of the server it is.
    points: Vec<(u32, u32, u32)>,
}

impl Drawn {
    pub(super) fn nothing() -> Self {
        Drawn { number: 0, json: "null".into(), of: None }
    }

    /// The ring of the servers that answer now. Where none can be laid out, the router says why,
    /// and the last one stays.
    pub(super) async fn follow(self, balancer: &Balancer) -> Self {
        let live = balancer.live();
        let Ok(Published { hash, ring }) = balancer.router.ring(&live).await else { return self };
        if self.of.as_ref().is_some_and(|drawn| Arc::ptr_eq(drawn, &ring)) {
            return self;
        }
        let names = live.iter().map(|member| member.name.as_str()).collect();
        let picture = Picture::of(&hash.choice.name, &ring.table, names);
        Drawn { number: self.number + 1, json: json(&picture), of: Some(ring) }
    }
}

impl<'a> Picture<'a> {
    fn of(hash: &'a str, table: &Table, servers: Vec<&'a str>) -> Self {
        let slots = table.slots();
        let step = slots.div_ceil(MOST_SLOTS).max(1);
        let mut owned = vec![0_u64; servers.len()];
        let mut arcs: Vec<(u32, usize)> = Vec::new();
        for slot in (0..slots).step_by(step as usize) {
            let end = (slot + step).min(slots) - 1;
            let Some(owner) = table.owner(slot).filter(|owner| *owner < owned.len()) else {
                continue;
            };
            owned[owner] += u64::from(end - slot + 1);
            match arcs.last_mut() {
                Some(last) if last.1 == owner => last.0 = end,
                _ => arcs.push((end, owner)),
            }
        }
        let points = table.points();
        let shown = if points.len() > MOST_POINTS { &[] } else { &*points };
        Picture {
            hash,
            slots,
            sampled: (step > 1).then(|| slots.div_ceil(step)),
            servers,
            owned,
            arcs,
            virtual_nodes: points.len(),
            points: shown.iter().map(|p| (p.slot, p.server, p.virtual_node)).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use ringwright_ring::Layout;

    use super::*;

    fn picture(owners: Vec<u32>, servers: usize) -> Picture<'static> {
        let slots = u32::try_from(owners.len()).unwrap();
        let table = Table::build(Layout::Table(owners), servers, slots).unwrap();
        Picture::of("md5", &table, vec!["a", "b", "c"][..servers].to_vec())
    }

    #[test]
    fn slots_of_one_owner_are_one_arc() {
        let drawn = picture(vec![2, 0, 0, 2], 3);
        assert_eq!(drawn.arcs, [(0, 2), (2, 0), (3, 2)]);
        assert_eq!(drawn.owned, [2, 0, 2]);
        assert_eq!(drawn.points, [(0, 2, 1), (2, 0, 1), (3, 2, 2)]);
        assert_eq!(drawn.sampled, None);
    }

    #[test]
    fn of_very_many_slots_some_are_looked_at() {
        let slots = MOST_SLOTS * 4;
        let half = |slot| u32::from(slot >= slots / 2);
        let drawn = picture((0..slots).map(half).collect(), 2);
        assert_eq!(drawn.sampled, Some(MOST_SLOTS));
        assert_eq!(drawn.arcs, [(slots / 2 - 1, 0), (slots - 1, 1)]);
        assert_eq!(drawn.owned, [u64::from(slots / 2); 2]);
    }
}
