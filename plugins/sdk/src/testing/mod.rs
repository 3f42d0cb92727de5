//! What tests of plugins share. Failing is what a test is for, so this panics.
#![allow(clippy::unwrap_used, clippy::panic)]

pub mod hash;
pub mod placement;

use crate::hash::{Server, Setting};

/// A server of weight 1 without labels.
pub fn server(id: u32) -> Server {
    Server { id, name: format!("Server{id}"), weight: 1, labels: Vec::new() }
}

/// The values that the host hands over where an operator sets nothing.
fn defaults(settings: Vec<Setting>) -> Vec<(String, String)> {
    settings.into_iter().map(|s| (s.name, s.default)).collect()
}

/// Settings with another value for one of them.
///
/// # Panics
/// Where there is no such setting.
pub fn set(settings: &mut [(String, String)], name: &str, value: &str) {
    settings.iter_mut().find(|(told, _)| told == name).unwrap().1 = value.into();
}
