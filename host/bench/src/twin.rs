//! What a plugin costs end to end: reads through the balancer, against those through a build of it
//! that has the same hash function compiled in.
//!
//! The two take turns, and each pair of turns gives a ratio; what is told is their median. On a
//! machine that does other things too, that is steadier than a ratio of sums.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use indicatif::ProgressBar;
use ringwright_testbed::{Embedded, plugins as listed, settled};
use serde_json::{Value, json};

use crate::measured::{Filled, Kind, measure};
use crate::{Common, median};

/// Most time the plugins of a folder may take to be tried.
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures reads through two builds of the program, one with its hash function compiled in.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// The build with the hash function compiled in.
    #[arg(long)]
    twin: PathBuf,
    /// How often each measurement is taken; the two take turns.
    #[arg(long, default_value_t = 15)]
    rounds: u32,
}

/// Reads a second, by turns.
struct Twins {
    clients: u16,
    plugin: Vec<f64>,
    native: Vec<f64>,
}

/// Measures both programs, and tells; the second is for machines.
pub async fn run(args: &Args, data: &Path, bar: &ProgressBar) -> Result<(String, Value)> {
    bar.set_length(2 * args.common.clients.len() as u64 * u64::from(args.rounds));
    let twins = measure_both(args, data, bar).await?;
    Ok((table(&twins), twins.iter().map(Twins::json).collect()))
}

async fn measure_both(args: &Args, data: &Path, bar: &ProgressBar) -> Result<Vec<Twins>> {
    let Common { plugin_dir, hash, clients, time, .. } = &args.common;
    let program = args.common.program()?;
    let start = async |program: &Path, folder| {
        Filled::<Embedded>::start(program, &data.join(folder), plugin_dir, hash).await
    };
    let (plugin, native) = (start(&program, "plugin").await?, start(&args.twin, "native").await?);
    bar.set_message("plugins are tried");
    settled(&plugin.front.address, PATIENCE).await?;
    settled(&native.front.address, PATIENCE).await?;
    let mut all = Vec::new();
    for &clients in clients {
        let mut twins = Twins { clients, plugin: Vec::new(), native: Vec::new() };
        bar.set_message(format!("reads, {clients} clients, by turns"));
        for round in 0..args.rounds {
            let mut pair = [(&plugin, &mut twins.plugin), (&native, &mut twins.native)];
            // What comes second may find the machine otherwise.
            if round % 2 == 1 {
                pair.reverse();
            }
            for (balancer, rates) in pair {
                let measured = measure(&balancer.front, Kind::Read, clients, *time).await?;
                rates.push(measured.latencies.len() as f64 / measured.time.as_secs_f64());
                bar.inc(1);
            }
        }
        all.push(twins);
    }
    sound(&listed(&plugin.front.address).await?, hash)?;
    Ok(all)
}

fn plugins(listed: &Value) -> impl Iterator<Item = &Value> {
    listed["plugins"].as_array().into_iter().flatten()
}

/// That it was the plugin that was measured, not what takes the place of one that fails.
fn sound(listed: &Value, hash: &str) -> Result<()> {
    let active = &listed["active"]["hash"];
    ensure!(active == hash, "{active} is active in the place of '{hash}'");
    let is_it = |p: &&Value| p["kind"] == "hash" && p["name"] == hash && p["active"] == true;
    let faults = plugins(listed).find(is_it).map_or(&Value::Null, |plugin| &plugin["faults"]);
    ensure!(*faults == 0, "'{hash}' failed while it was measured: {faults} faults");
    Ok(())
}

impl Twins {
    /// Reads a second of the plugin relative to those of its twin.
    fn ratio(&self) -> f64 {
        median(self.plugin.iter().zip(&self.native).map(|(plugin, native)| plugin / native))
    }

    /// For machines.
    fn json(&self) -> Value {
        json!({"clients": self.clients, "plugin": self.plugin, "native": self.native,
            "ratio": self.ratio()})
    }
}

/// For people.
fn table(all: &[Twins]) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header([
        "clients",
        "as a plugin, reads/s",
        "compiled in, reads/s",
        "plugin / compiled in",
    ]);
    for twins in all {
        table.add_row([
            twins.clients.to_string(),
            format!("{:.0}", median(twins.plugin.iter().copied())),
            format!("{:.0}", median(twins.native.iter().copied())),
            format!("{:.3}", twins.ratio()),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn only_the_plugin_itself_is_measured() {
        let listed = |active: &str, faults: u64| {
            json!({"active": {"hash": active}, "plugins": [
                {"name": "md5", "kind": "hash", "active": true, "faults": faults, "state": "loaded"},
                {"name": "slow", "kind": "unknown", "active": false, "faults": null, "state": "loaded"},
            ]})
        };
        sound(&listed("md5", 0), "md5").unwrap();
        let told = |listed| sound(&listed, "md5").unwrap_err().to_string();
        assert!(told(listed("md5", 2)).contains("2 faults"));
        assert!(told(listed("virtual-node", 0)).contains("in the place of 'md5'"));
        assert!(told(json!({"active": {"hash": "md5"}})).contains("null faults"));
    }

    #[test]
    fn the_ratio_is_the_middle_one_of_the_pairs() {
        let twins = Twins {
            clients: 1,
            plugin: vec![90.0, 10.0, 99.0, 300.0],
            native: vec![100.0, 100.0, 100.0, 100.0],
        };
        assert!((twins.ratio() - 0.945).abs() < 1e-9);
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), 2.0);
    }
}
