//! Placement policies: the interface.

#[doc(hidden)]
pub mod bindings {
    #![allow(missing_docs)]
    wit_bindgen::generate!({
        path: "../../wit",
        world: "placement-plugin",
        pub_export_macro: true,
        export_macro_name: "export_placement_bindings",
        with: { "ringwright:plugin/types@0.1.0": crate::hash::bindings::ringwright::plugin::types },
    });
}

pub use crate::hash::bindings::ringwright::plugin::types::{Description, Server, Setting};
pub use bindings::exports::ringwright::plugin::placement::{
    Cluster, Goal, Guest as Policy, Holder, Move, Node, Shard,
};

/// Makes the plugin of this crate of a [`Policy`].
#[macro_export]
macro_rules! export_placement {
    ($policy:ident) => {
        #[cfg(target_arch = "wasm32")]
        $crate::placement::bindings::export_placement_bindings!(
            $policy with_types_in $crate::placement::bindings
        );
    };
}
