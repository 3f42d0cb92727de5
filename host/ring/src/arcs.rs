//! The ring as arcs: runs of slots with one owner, which a walk can step over.

/// Slots up to and with `end`, from the arc before.
#[derive(Clone, Copy, Debug)]
struct Arc {
    end: u32,
    server: u32,
}

/// The arcs in slot order.
#[derive(Clone, Debug)]
pub(crate) struct Arcs {
    arcs: Box<[Arc]>,
    /// Servers that own a slot: a walk ends when it has met them all.
    owners: usize,
}

impl Arcs {
    pub(crate) fn of(owners: &[u32], servers: usize) -> Self {
        let mut arcs: Vec<Arc> = Vec::new();
        let mut met = vec![false; servers];
        for (end, &server) in (0..).zip(owners) {
            met[server as usize] = true;
            match arcs.last_mut() {
                Some(last) if last.server == server => last.end = end,
                _ => arcs.push(Arc { end, server }),
            }
        }
        Arcs { arcs: arcs.into(), owners: met.into_iter().filter(|m| *m).count() }
    }

    /// The owners from a slot on, clockwise, each once.
    pub(crate) fn walk(&self, slot: u32, servers: usize) -> impl Iterator<Item = usize> {
        let (before, after) = self.arcs.split_at(self.arcs.partition_point(|a| a.end < slot));
        let mut met = vec![false; servers];
        after
            .iter()
            .chain(before)
            .map(|a| a.server as usize)
            .filter(move |&s| !std::mem::replace(&mut met[s], true))
            .take(self.owners)
    }
}
