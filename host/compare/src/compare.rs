//! The comparison as a whole.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::chance::chance;
use crate::keys::six_digits;
use crate::{
    About, Comparison, Cost, Figure, Figures, Gathered, Keys, SEED, Scope, Subject, cost, grid,
    paper, virtual_nodes,
};

/// Told of each step when it is done.
type Step<'a> = &'a (dyn Fn(&str) + Sync);

/// How many steps there are.
pub fn steps(subjects: usize, scope: &Scope) -> u64 {
    // Its cost, its paper, and each field of its grid.
    (subjects * (2 + scope.slots.len() * scope.servers.len())) as u64
}

/// Compares. What takes time is timed while nothing else runs, the rest is shared among the
/// processors.
pub fn compare(gathered: &Gathered, scope: &Scope, step: Step) -> Comparison {
    let subjects = &gathered.subjects;
    let costs: Vec<Cost> = subjects
        .iter()
        .map(|subject| {
            let cost = cost::measure(&subject.plugin, scope);
            step(&subject.name);
            cost
        })
        .collect();
    let keys = Drawn::new(scope);
    let plugins = shared(subjects.len(), |i| {
        let name = &subjects[i].name;
        keys.figures(&subjects[i], costs[i].clone(), scope, &|| step(name))
    });
    let chance = scope.servers.iter().flat_map(|&servers| {
        keys.kinds.iter().filter_map(move |(kind, drawn)| chance(servers, *kind, drawn))
    });
    Comparison {
        seed: SEED,
        scope: scope.clone(),
        plugins,
        chance: chance.collect(),
        left_out: gathered.left_out.clone(),
    }
}

/// The keys, drawn once for all.
struct Drawn {
    paper: Vec<u64>,
    kinds: Vec<(Keys, Vec<u64>)>,
}

impl Drawn {
    fn new(scope: &Scope) -> Self {
        let kinds = Keys::ALL.map(|kind| (kind, kind.draw(scope.keys))).into();
        Drawn { paper: six_digits(paper::REQUESTS, SEED), kinds }
    }

    fn uniform(&self) -> &[u64] {
        let uniform = self.kinds.iter().find(|(kind, _)| *kind == Keys::Uniform);
        uniform.map_or(&[], |(_, drawn)| drawn)
    }

    fn figures(&self, subject: &Subject, cost: Cost, scope: &Scope, step: &dyn Fn()) -> Figures {
        // Its instances end with this.
        let plugin = &subject.plugin.seated();
        let (paper, ring) = paper::measure(plugin, &self.paper);
        let virtual_nodes = Figure(virtual_nodes::measure(plugin, scope, self.uniform()));
        step();
        let grid::Grid { reach, spreads, moves } = grid::measure(plugin, scope, &self.kinds, step);
        Figures { about: about(subject), paper, ring, reach, spreads, moves, virtual_nodes, cost }
    }
}

fn about(subject: &Subject) -> About {
    let (told, traits) = (subject.plugin.description(), subject.plugin.traits());
    About {
        name: subject.name.clone(),
        version: told.version.clone(),
        summary: told.summary.clone(),
        reference: told.reference.clone(),
        file: subject.file.display().to_string(),
        digest: subject.plugin.digest().to_owned(),
        bytes: subject.bytes,
        weighted: traits.weighted,
        virtual_nodes: traits.virtual_nodes,
        tail_only: traits.tail_only,
    }
}

/// Does so many things on all processors; the answers are in order.
fn shared<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let ours = std::iter::from_fn(|| Some(next.fetch_add(1, Ordering::Relaxed)));
        ours.take_while(|&i| i < count).map(|i| (i, work(i))).collect::<Vec<_>>()
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(count);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let all: Vec<_> = (0..workers).map(|_| scope.spawn(worker)).collect();
        let join = |worker: thread::ScopedJoinHandle<_>| {
            worker.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        all.into_iter().flat_map(join).collect()
    });
    done.sort_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_is_shared_is_done_once_and_answered_in_order() {
        assert_eq!(shared(100, |i| i * i), (0..100).map(|i| i * i).collect::<Vec<_>>());
        assert!(shared(0, |i| i).is_empty());
    }
}
