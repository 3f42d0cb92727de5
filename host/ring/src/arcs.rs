//! The ring as arcs: runs of slots with one owner, which a walk can step over.

use crate::Point;

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
    /// Servers that own a slot: having met them all, a walk need not go on.
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

    /// All servers, each once: the owners from a slot on, clockwise, then those that own nothing.
    pub(crate) fn walk(&self, slot: u32, servers: usize) -> Vec<usize> {
        let (before, after) = self.arcs.split_at(self.arcs.partition_point(|a| a.end < slot));
        let mut met = vec![false; servers];
        let mut order = Vec::with_capacity(servers);
        for server in after.iter().chain(before).map(|a| a.server as usize) {
            if order.len() == self.owners {
                break;
            }
            if !std::mem::replace(&mut met[server], true) {
                order.push(server);
            }
        }
        order.extend((0..servers).filter(|&s| !met[s]));
        order
    }

    /// Virtual nodes that make the same ring: one at the last slot of each arc.
    pub(crate) fn points(&self, servers: usize) -> Vec<Point> {
        let mut nodes = vec![0; servers];
        let point = |a: &Arc| {
            let virtual_node = &mut nodes[a.server as usize];
            *virtual_node += 1;
            Point { slot: a.end, server: a.server, virtual_node: *virtual_node }
        };
        self.arcs.iter().map(point).collect()
    }

    /// The memory they take.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.arcs)
    }
}
