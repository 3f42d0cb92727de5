//! How a balancer lays its servers out on slots, and whether that is the paper's way.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use ringwright_testbed::{replicas, ring};
use serde_json::Value;

use crate::Lab;
use crate::lab::PAPERS;

/// How a balancer lays its servers out on slots.
pub(super) struct Layout {
    pub hash: String,
    pub servers: Vec<String>,
    /// In words.
    pub told: String,
    /// The share of all six-digit ids that each server gets by the paper's functions, where the
    /// layout is the paper's.
    pub shares: Option<Vec<f64>>,
}

impl Layout {
    /// That of a balancer.
    pub async fn of(lab: &Lab, address: &str) -> Result<Self> {
        let servers = replicas(address).await?;
        ensure!(!servers.is_empty(), "the balancer at {address} has no servers");
        let ring = ring(address).await?;
        let hash = ring["hash"].as_str().context("/ring names no hash function")?.to_owned();
        let owners = ring["owners"].as_array().context("/ring names no owners")?;
        let owners: Vec<Option<&str>> = owners.iter().map(Value::as_str).collect();
        let count = servers.len() as u32;
        let shares = if hash == PAPERS {
            let papers = lab.owners(PAPERS, count)?;
            let shares = lab.shares(PAPERS, count)?;
            counterparts(&papers, &owners).and_then(|of| in_order(&servers, &of, &shares))
        } else {
            None
        };
        let (slots, nodes) = (owners.len(), virtual_nodes(&ring));
        let papers = if shares.is_some() { ", which is the paper’s" } else { "" };
        let told = format!("{slots} slots{nodes}, the hash function '{hash}'{papers}");
        Ok(Layout { hash, servers, told, shares })
    }
}

/// How many virtual nodes a server has, where all have as many.
fn virtual_nodes(ring: &Value) -> String {
    let mut counts = BTreeMap::<&str, usize>::new();
    for node in ring["virtual_nodes"].as_array().into_iter().flatten() {
        *counts.entry(node["server"].as_str().unwrap_or_default()).or_default() += 1;
    }
    let mut counts = counts.into_values();
    match counts.next() {
        Some(count) if counts.all(|other| other == count) => {
            format!(", {count} virtual nodes a server")
        }
        _ => String::new(),
    }
}

/// The place in the paper's layout of each server, where each slot's owners are one another's.
fn counterparts<'a>(
    papers: &[Option<usize>],
    owners: &[Option<&'a str>],
) -> Option<BTreeMap<&'a str, usize>> {
    let (mut of, mut back) = (BTreeMap::new(), BTreeMap::new());
    let same = papers.len() == owners.len()
        && papers.iter().zip(owners).all(|(paper, owner)| match (paper, owner) {
            (Some(paper), Some(owner)) => {
                of.entry(*owner).or_insert(*paper) == paper
                    && back.entry(*paper).or_insert(*owner) == owner
            }
            (None, None) => true,
            _ => false,
        });
    same.then_some(of)
}

/// The shares in the order of the servers. One that owns no slot has no counterpart.
fn in_order(servers: &[String], of: &BTreeMap<&str, usize>, shares: &[f64]) -> Option<Vec<f64>> {
    servers.iter().map(|name| shares.get(*of.get(name.as_str())?).copied()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_layout_is_the_papers_whatever_its_servers_are_called() {
        let papers = [Some(0), Some(1), Some(1), Some(2)];
        let of = counterparts(&papers, &[Some("c"), Some("a"), Some("a"), Some("b")]);
        let of = of.unwrap_or_default();
        assert_eq!(of, BTreeMap::from([("a", 1), ("b", 2), ("c", 0)]));
        let servers = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(in_order(&servers, &of, &[0.5, 0.3, 0.2]), Some(vec![0.3, 0.2, 0.5]));
        for other in [
            vec![Some("c"), Some("a"), Some("b"), Some("b")],
            vec![Some("c"), Some("a"), Some("a"), Some("a")],
            vec![Some("c"), Some("a"), Some("a"), None],
            vec![Some("c"), Some("a"), Some("a")],
        ] {
            assert_eq!(counterparts(&papers, &other), None, "{other:?}");
        }
    }

    #[test]
    fn virtual_nodes_are_told_where_all_servers_have_as_many() {
        let ring = |servers: &[&str]| {
            let nodes: Vec<Value> = servers.iter().map(|s| json!({"server": s})).collect();
            virtual_nodes(&json!({"virtual_nodes": nodes}))
        };
        assert_eq!(ring(&["a", "b", "b", "a"]), ", 2 virtual nodes a server");
        assert_eq!(ring(&["a", "b", "b"]), "");
    }
}
