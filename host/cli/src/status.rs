//! `ringwright status`: the cluster in two tables.

use std::process::ExitCode;

use anyhow::Result;
use comfy_table::{Cell, Color, Table};
use serde_json::Value;

use crate::client::{self, Client};
use crate::output::{self, Output, items, table, text};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    balancer: client::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Shows the cluster.
pub async fn run(args: Args) -> Result<ExitCode> {
    let status = Client::new(&args.balancer)?.get("/status").await?.ok()?;
    match args.output.output {
        Output::Json => output::print(&serde_json::to_string_pretty(&status)?)?,
        Output::Text => output::print(&tables(&status))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn tables(status: &Value) -> String {
    if status["schema"].is_null() {
        return format!("{}\n\nThe database is not configured: POST /init", servers(status));
    }
    let field = |name: &str| text(&status[name]);
    let columns: Vec<String> = items(&status["schema"]["columns"])
        .zip(items(&status["schema"]["dtypes"]))
        .map(|(name, dtype)| format!("{} {}", text(name), text(dtype)))
        .collect();
    format!(
        "{}\n\n{}\n\ntable ({}) · {} sharding · hash {} · placement {} · epoch {}",
        servers(status),
        shards(status),
        columns.join(", "),
        field("sharding").to_lowercase(),
        field("hash"),
        field("placement"),
        field("epoch"),
    )
}

fn servers(status: &Value) -> Table {
    let mut table = table(["server", "state", "in sync", "out of sync"]);
    let held = |server: &str, state: &str| {
        let replicas = items(&status["replicas"]);
        let its = replicas.filter(|r| r["server"] == server && r["state"] == state);
        its.map(|r| text(&r["shard_id"])).collect::<Vec<_>>().join(", ")
    };
    for (name, state) in status["server_states"].as_object().into_iter().flatten() {
        let color = match state.as_str() {
            Some("live") => Color::Green,
            Some("suspect") => Color::Yellow,
            _ => Color::Red,
        };
        table.add_row([
            Cell::new(name),
            Cell::new(text(state)).fg(color),
            Cell::new(held(name, "in_sync")),
            Cell::new(held(name, "out_of_sync")).fg(Color::Yellow),
        ]);
    }
    table
}

fn shards(status: &Value) -> Table {
    let mut table = table(["shard", "keys", "VAT", "in sync", "out of sync"]);
    for shard in items(&status["shards"]) {
        let id = text(&shard["shard_id"]);
        let on = |state: &str| {
            let replicas = items(&status["replicas"]);
            let its = replicas.filter(|r| r["shard_id"] == id.as_str() && r["state"] == state);
            its.map(|r| text(&r["server"])).collect::<Vec<_>>().join(", ")
        };
        table.add_row([
            Cell::new(&id),
            Cell::new(range(shard)),
            Cell::new(text(&shard["valid_at"])),
            Cell::new(on("in_sync")),
            Cell::new(on("out_of_sync")).fg(Color::Yellow),
        ]);
    }
    table
}

/// The keys of a shard; modulo sharding has no ranges.
fn range(shard: &Value) -> String {
    let fields = shard.as_object().into_iter().flatten();
    let low = fields.filter(|(name, _)| name.ends_with("_low")).find_map(|(_, v)| v.as_u64());
    match (low, shard["shard_size"].as_u64()) {
        (Some(low), Some(size)) => format!("{low}..{}", low.saturating_add(size) - 1),
        _ => "key mod count".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_tell_who_holds_what() {
        let told = tables(&json!({
            "schema": {"columns": ["id"], "dtypes": ["Number"]}, "sharding": "Range",
            "shards": [{"id_low": 10, "shard_id": "sh1", "shard_size": 5, "valid_at": 7}],
            "replicas": [{"shard_id": "sh1", "server": "A", "state": "in_sync"},
                {"shard_id": "sh1", "server": "B", "state": "out_of_sync"}],
            "server_states": {"A": "live", "B": "dead"},
            "hash": "md5", "placement": "spread", "epoch": 3,
        }));
        let row = |name: &str| told.lines().find(|l| l.contains(name)).unwrap_or_default();
        assert!(row("dead").contains('B') && row("dead").contains("sh1"), "{told}");
        let shard = row("10..14");
        assert!(shard.contains("sh1") && shard.contains('7') && shard.contains('A'), "{told}");
        assert!(told.ends_with("hash md5 · placement spread · epoch 3"), "{told}");
    }

    #[test]
    fn a_cluster_without_a_table_says_so() {
        assert!(tables(&json!({"schema": null})).contains("not configured"));
    }
}
