//! Bounded loads: whatever the ring says, no server gets much more than its part.
//!
//! Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads", SODA 2018: a
//! server that already has (1 + ε) times the mean is passed over, and the request walks on to the
//! next server clockwise. Load is what is under way, so that nothing has to be remembered.

/// A server's load and its weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Requests under way.
    pub(super) requests: u64,
    pub(super) weight: u32,
}

/// Puts the servers that are full behind those that are not, each in the order of the walk.
pub(super) fn bound(walk: Vec<usize>, loads: &[Load], epsilon: f64) -> Vec<usize> {
    let weights: f64 = loads.iter().map(|l| f64::from(l.weight)).sum();
    // The request that walks counts as well, so that somebody has room for it.
    let requests = loads.iter().map(|l| l.requests).sum::<u64>() + 1;
    let has_room = |i: &usize| {
        loads.get(*i).is_some_and(|load| {
            // Where all have weight 0, they are equal.
            let part = if weights > 0.0 {
                f64::from(load.weight) / weights
            } else {
                1.0 / loads.len() as f64
            };
            let most = ((1.0 + epsilon) * requests as f64 * part).ceil();
            ((load.requests + 1) as f64) <= most
        })
    };
    let (mut order, full): (Vec<_>, Vec<_>) = walk.into_iter().partition(has_room);
    order.extend(full);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loads(of: &[(u64, u32)]) -> Vec<Load> {
        of.iter().map(|&(requests, weight)| Load { requests, weight }).collect()
    }

    #[test]
    fn a_server_with_its_part_is_passed_over() {
        // 13 with this one: at most ceil(1.25 × 13 / 3) = 6 each.
        let busy = loads(&[(6, 1), (6, 1), (0, 1)]);
        assert_eq!(bound(vec![1, 0, 2], &busy, 0.25), [2, 1, 0]);
        let less = loads(&[(5, 1), (6, 1), (1, 1)]);
        assert_eq!(bound(vec![1, 0, 2], &less, 0.25), [0, 2, 1]);
    }

    #[test]
    fn without_load_the_walk_stays() {
        assert_eq!(bound(vec![2, 0, 1], &loads(&[(0, 1); 3]), 0.25), [2, 0, 1]);
    }

    #[test]
    fn parts_are_by_weight() {
        // 9 with this one, ε = 0: two thirds are 6, one third 3.
        assert_eq!(bound(vec![0, 1], &loads(&[(5, 2), (3, 1)]), 0.0), [0, 1]);
        assert_eq!(bound(vec![1, 0], &loads(&[(5, 2), (3, 1)]), 0.0), [0, 1]);
        assert_eq!(bound(vec![0, 1], &loads(&[(0, 0), (3, 1)]), 0.0), [1, 0], "a last resort");
        assert_eq!(bound(vec![0, 1], &loads(&[(0, 0), (0, 0)]), 0.0), [0, 1]);
    }

    /// The bound of the paper: nobody ever has more than ceil((1 + ε) × mean).
    #[test]
    fn whatever_the_walk_nobody_gets_more_than_the_bound() {
        let mut loads = loads(&[(0, 1); 5]);
        for n in 1..=1_000_u64 {
            let first = bound(vec![0, 1, 2, 3, 4], &loads, 0.1)[0];
            loads[first].requests += 1;
            let most = (1.1 * n as f64 / 5.0).ceil() as u64;
            assert!(loads.iter().all(|l| l.requests <= most), "{n}: {loads:?}");
        }
        assert!(loads[4].requests > 0);
    }
}
