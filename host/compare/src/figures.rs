//! What a comparison finds: data, and no word of how it is shown.

use serde::{Serialize, Serializer};

use crate::{Keys, Scope};

/// A figure, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure<T>(pub Result<T, String>);

impl<T> Figure<T> {
    /// The figure, where there is one.
    pub fn known(&self) -> Option<&T> {
        self.0.as_ref().ok()
    }
}

impl<T: Serialize> Serialize for Figure<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct None<'a> {
            not_applicable: &'a str,
        }
        match &self.0 {
            Ok(figure) => figure.serialize(serializer),
            Err(reason) => None { not_applicable: reason }.serialize(serializer),
        }
    }
}

/// All that was found.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Of the random keys.
    pub seed: u64,
    /// What was measured.
    pub scope: Scope,
    /// By name.
    pub plugins: Vec<Figures>,
    /// How even chance alone would be: every key to any server.
    pub chance: Vec<ChanceSpread>,
    /// What was not compared.
    pub left_out: Vec<Left>,
}

/// A file that was not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// All that was found of one plugin.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Which it is.
    pub about: About,
    /// The paper's experiment, on 2 to 6 servers.
    pub paper: Vec<Paper>,
    /// The ring of the paper's experiment on 3 servers.
    pub ring: Figure<Ring>,
    /// By number of slots.
    pub reach: Vec<Reach>,
    /// By slots, servers and keys.
    pub spreads: Vec<Spreads>,
    /// By slots, servers and change.
    pub moves: Vec<Moves>,
    /// By number of virtual nodes.
    pub virtual_nodes: Figure<Vec<Grown>>,
    /// In time and memory.
    pub cost: Cost,
}

/// Which plugin it is.
#[derive(Clone, Debug, Serialize)]
pub struct About {
    /// What it is called here: no two have one name.
    pub name: String,
    /// The version it gives itself.
    pub version: String,
    /// What it says of itself.
    pub summary: String,
    /// Where the algorithm comes from.
    pub reference: String,
    /// The file it came as.
    pub file: String,
    /// SHA-256 of the file, in hex.
    pub digest: String,
    /// The size of the file.
    pub bytes: usize,
    /// It heeds weights, by its own account.
    pub weighted: bool,
    /// It has virtual nodes, by its own account.
    pub virtual_nodes: bool,
    /// Only the last server can be lost, by its own account.
    pub tail_only: bool,
}

/// The paper's experiment on so many servers.
#[derive(Clone, Debug, Serialize)]
pub struct Paper {
    /// Servers.
    pub servers: u32,
    /// Who got how many.
    pub counts: Figure<Counts>,
}

/// Requests by server.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// In the order of the servers.
    pub requests: Vec<u64>,
    /// Of one server.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

/// A ring, cut open before its first slot.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ring {
    /// Its slots.
    pub slots: u32,
    /// Runs of slots of one owner, in order.
    pub arcs: Vec<Arc>,
    /// The slots that some of the paper's requests hash to.
    pub reached: Vec<u32>,
}

/// A run of slots of one owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arc {
    /// Its first slot.
    pub from: u32,
    /// The slot after its last.
    pub to: u32,
    /// The position of its owner.
    pub server: usize,
}

/// How many slots H answers at all.
#[derive(Clone, Debug, Serialize)]
pub struct Reach {
    /// Slots there are.
    pub slots: u32,
    /// Slots that sequential ids hash to.
    pub reached: Figure<u32>,
}

/// How evenly some keys fall.
#[derive(Clone, Debug, Serialize)]
pub struct Spreads {
    /// Slots.
    pub slots: u32,
    /// Servers.
    pub servers: u32,
    /// The keys.
    pub keys: Keys,
    /// How evenly.
    pub spread: Figure<Spread>,
}

/// How evenly keys fall.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The fullest server against the mean.
    pub peak_to_mean: f64,
    /// The standard deviation, against the mean.
    pub deviation: f64,
    /// How likely chance is to be as uneven as this, by a chi-square test.
    pub p_value: Figure<f64>,
}

/// What chance would do with some keys.
#[derive(Clone, Debug, Serialize)]
pub struct ChanceSpread {
    /// Servers.
    pub servers: u32,
    /// The keys.
    pub keys: Keys,
    /// How evenly.
    pub spread: Spread,
}

/// A change of the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// One more, after the last.
    AddOne,
    /// Without the last.
    RemoveLast,
    /// Without one in the middle of the list.
    RemoveMiddle,
    /// Without every tenth of the list.
    RemoveTenth,
}

/// What a change moves.
#[derive(Clone, Debug, Serialize)]
pub struct Moves {
    /// Slots.
    pub slots: u32,
    /// Servers before.
    pub servers: u32,
    /// The change.
    pub change: Change,
    /// The share of the keys that must move if every server has its fair part.
    pub ideal: f64,
    /// What moves.
    pub moved: Figure<Moved>,
}

/// Shares of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Moved {
    /// That another server has now.
    pub share: f64,
    /// That moved between two servers that both stayed.
    pub needless: f64,
}

/// Balance with so many virtual nodes.
#[derive(Clone, Debug, Serialize)]
pub struct Grown {
    /// Virtual nodes of a server.
    pub virtual_nodes: u32,
    /// How evenly uniform keys fall.
    pub spread: Figure<Spread>,
}

/// What it takes.
#[derive(Clone, Debug, Serialize)]
pub struct Cost {
    /// Of a slot in the host's table.
    pub lookup_ns: Figure<f64>,
    /// Of H for one request.
    pub scalar_ns: Figure<f64>,
    /// Of H for one of many requests at once.
    pub batch_ns: Figure<f64>,
    /// Of the same function compiled into the host.
    pub native: Figure<Native>,
    /// Of whole tables.
    pub builds: Vec<Build>,
    /// The memory of an instance that was handed full batches.
    pub instance_bytes: Figure<usize>,
}

/// The same function compiled into the host.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Native {
    /// Of H for one of many requests at once.
    pub batch_ns: f64,
}

/// The cost of laying servers out.
#[derive(Clone, Debug, Serialize)]
pub struct Build {
    /// Servers.
    pub servers: u32,
    /// Slots.
    pub slots: u32,
    /// From the question to the table.
    pub milliseconds: Figure<f64>,
}
