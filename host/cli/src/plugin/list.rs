//! `ringwright plugin list`: the plugins of a balancer.

use std::process::ExitCode;

use anyhow::Result;
use comfy_table::{Cell, Color};
use serde_json::Value;

use crate::client::{self, Client};
use crate::output::{self, Output, bytes, items, table, text};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    balancer: client::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Lists them.
pub async fn run(args: Args) -> Result<ExitCode> {
    let listed = Client::new(&args.balancer)?.get("/plugins").await?.ok()?;
    match args.output.output {
        Output::Json => output::print(&serde_json::to_string_pretty(&listed)?)?,
        Output::Text => output::print(&told(&listed))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A table, and below it why plugins cannot be used.
fn told(listed: &Value) -> String {
    let mut table = table(["plugin", "kind", "version", "state", "score", "size", "summary"]);
    let mut reasons = String::new();
    for plugin in items(&listed["plugins"]) {
        let field = |name: &str| text(&plugin[name]);
        let or_nothing =
            |name: &str| if plugin[name].is_null() { String::new() } else { field(name) };
        table.add_row([
            Cell::new(field("name")),
            Cell::new(field("kind")),
            Cell::new(or_nothing("version")),
            state(plugin),
            Cell::new(or_nothing("score")),
            Cell::new(bytes(plugin["size_bytes"].as_u64())),
            Cell::new(or_nothing("summary")),
        ]);
        if let Some(reason) = plugin["reason"].as_str() {
            reasons += &format!("\n{}: {reason}", field("name"));
        }
    }
    format!("{table}{reasons}")
}

fn state(plugin: &Value) -> Cell {
    let state = text(&plugin["state"]).replace('_', " ");
    match (plugin["active"].as_bool(), state.as_str()) {
        (Some(true), "loaded") => Cell::new("active").fg(Color::Green),
        (_, "loaded") => Cell::new(state),
        (_, "checking") => Cell::new(state).fg(Color::Yellow),
        _ => Cell::new(state).fg(Color::Red),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plugin_is_a_row_and_what_is_wrong_with_it_a_line() {
        let told = told(&json!({"plugins": [
            {"name": "md5", "kind": "hash", "version": "0.1.0", "state": "loaded", "active": true,
             "score": 81, "size_bytes": 2048, "summary": "MD5", "reason": null},
            {"name": "half", "kind": "unknown", "version": null, "state": "refused",
             "active": false, "score": null, "size_bytes": 9, "summary": null,
             "reason": "it is no component"},
        ]}));
        let row = |name: &str| told.lines().find(|l| l.contains(name)).unwrap_or_default();
        for part in ["hash", "0.1.0", "active", "81", "2.0 KiB"] {
            assert!(row("md5").contains(part), "{part}: {told}");
        }
        assert!(row("half").contains("refused") && !row("half").contains("null"), "{told}");
        assert!(told.ends_with("\nhalf: it is no component"), "{told}");
    }
}
