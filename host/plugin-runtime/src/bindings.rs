//! What is generated from the WIT package, version 0.1: the two worlds, sharing their types.
#![allow(missing_docs)] // generated

pub(crate) mod hash {
    wasmtime::component::bindgen!({ path: "../../wit", world: "hash-plugin" });
    pub(crate) use exports::ringwright::plugin::hash::{
        Description, Layout, Point, Server, Topology, Traits,
    };
    pub(crate) use ringwright::plugin::types::Setting;
}

pub(crate) mod placement {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "placement-plugin",
        with: { "ringwright:plugin/types": super::hash::ringwright::plugin::types },
    });
    pub(crate) use exports::ringwright::plugin::placement::{
        Cluster, Goal, Holder, Move, Node, Shard,
    };
}
