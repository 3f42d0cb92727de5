//! How much is measured.

use serde::Serialize;

/// How much is measured.
#[derive(Clone, Debug, Serialize)]
pub struct Scope {
    /// Numbers of servers, ascending.
    pub servers: Vec<u32>,
    /// Numbers of slots, ascending.
    pub slots: Vec<u32>,
    /// Keys of each kind, where there is no end of them.
    pub keys: usize,
    /// Virtual nodes of a server, for functions that have them.
    pub virtual_nodes: u32,
    /// Numbers of virtual nodes that are tried against each other.
    pub more_virtual_nodes: Vec<u32>,
    /// How often a time is taken.
    pub rounds: usize,
}

impl Scope {
    /// What is measured by default: two minutes at most.
    pub fn full() -> Self {
        Scope {
            servers: vec![10, 100, 1000],
            slots: vec![512, 4096, 65_537],
            keys: 500_000,
            virtual_nodes: 9,
            more_virtual_nodes: vec![1, 3, 9, 27, 81, 243, 729],
            rounds: 15,
        }
    }

    /// The fewest servers: those of the plots that have one number of them.
    pub fn few(&self) -> u32 {
        self.servers.first().copied().unwrap_or(1)
    }

    /// The next number of servers.
    pub fn more(&self) -> u32 {
        self.servers.get(1).copied().unwrap_or(self.few())
    }

    /// The most slots: those of the plots.
    pub fn most_slots(&self) -> u32 {
        self.slots.last().copied().unwrap_or(1)
    }

    /// A few seconds' worth of it.
    pub fn quick() -> Self {
        Scope {
            servers: vec![10, 100],
            slots: vec![512, 4096],
            keys: 50_000,
            more_virtual_nodes: vec![1, 3, 9, 27, 81],
            rounds: 5,
            ..Scope::full()
        }
    }
}
