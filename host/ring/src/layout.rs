//! What a hash plugin answers, and what may be wrong with it.

/// A virtual node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Where it stands, or wants to.
    pub slot: u32,
    /// Position in the list of servers.
    pub server: u32,
    /// Which of the server's virtual nodes it is.
    pub virtual_node: u32,
}

/// Servers laid out over slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Virtual nodes, in the order they take their places.
    Ring(Vec<Point>),
    /// The owner of every slot, for algorithms that are no ring.
    Table(Vec<u32>),
}

/// Why a layout cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A ring without slots, or with more than it is worth to keep.
    #[error("{0} slots: a ring has from 1 to {max}", max = crate::MAX_SLOTS)]
    Slots(u32),
    /// A ring without virtual nodes owns nothing.
    #[error("there is no virtual node")]
    NoPoints,
    /// More virtual nodes than places.
    #[error("{points} virtual nodes do not fit on {slots} slots")]
    Crowded {
        /// Virtual nodes.
        points: usize,
        /// Slots.
        slots: u32,
    },
    /// A virtual node beyond the last slot.
    #[error("slot {slot} of {slots}: slots count from 0")]
    NoSuchSlot {
        /// The slot it wants.
        slot: u32,
        /// Slots.
        slots: u32,
    },
    /// A virtual node or a slot of a server that is not in the list.
    #[error("server {server} of {servers}: servers count from 0")]
    NoSuchServer {
        /// The position given.
        server: u32,
        /// Servers.
        servers: usize,
    },
    /// A table that does not say of each slot whose it is.
    #[error("the table has {got} entries for {slots} slots")]
    Length {
        /// Entries.
        got: usize,
        /// Slots.
        slots: u32,
    },
}
