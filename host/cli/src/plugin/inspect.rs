//! `ringwright plugin inspect`: what a plugin is, without judging it.

use std::process::ExitCode;

use anyhow::{Result, anyhow, bail};
use ringwright_plugin_runtime::{Plugin, Setting};
use serde_json::{Value, json};
use wit_component::DecodedWasm;
use wit_parser::{IndexMap, World, WorldItem, WorldKey};

use super::file;
use crate::output::{self, Output, bytes, items, text};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    file: file::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Shows it.
pub fn run(args: &Args) -> Result<ExitCode> {
    let component = args.file.read()?;
    // Its causes are not for people: they spell bytes.
    let (exports, imports) = interfaces(&component)
        .map_err(|error| anyhow!("the file is no WebAssembly component: {error}"))?;
    let mut told = match args.file.runtime()?.load(&component) {
        Ok(plugin) => description(&plugin),
        Err(error) => json!({"unloadable": error.to_string()}),
    };
    told["size_bytes"] = json!(component.len());
    told["exports"] = json!(exports);
    told["imports"] = json!(imports);
    match args.output.output {
        Output::Json => output::print(&serde_json::to_string_pretty(&told)?)?,
        Output::Text => output::print(&lines(&told))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The interfaces that a component exports, and those that it imports, where they have functions.
fn interfaces(component: &[u8]) -> Result<(Vec<String>, Vec<String>)> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        bail!("it is a package of interfaces");
    };
    let World { exports, imports, .. } = &resolve.worlds[world];
    let has_functions = |item: &WorldItem| match item {
        WorldItem::Interface { id, .. } => !resolve.interfaces[*id].functions.is_empty(),
        WorldItem::Function(_) => true,
        WorldItem::Type { .. } => false,
    };
    let names = |items: &IndexMap<WorldKey, WorldItem>| {
        let named = items.iter().filter(|(_, item)| has_functions(item));
        named.map(|(key, _)| resolve.name_world_key(key)).collect()
    };
    Ok((names(exports), names(imports)))
}

/// What a plugin says of itself, and what is known of its file.
fn description(plugin: &Plugin) -> Value {
    let about = plugin.description();
    let setting = |s: &Setting| json!({"name": s.name, "default": s.default, "summary": s.summary});
    let settings: Vec<Value> = about.settings.iter().map(setting).collect();
    json!({
        "name": about.name,
        "kind": plugin.kind(),
        "version": about.version,
        "summary": about.summary,
        "reference": about.reference,
        "settings": settings,
        "traits": traits(plugin),
        "api": plugin.api(),
        "digest": plugin.digest(),
    })
}

fn traits(plugin: &Plugin) -> Value {
    let Plugin::Hash(hash) = plugin else { return Value::Null };
    let traits = hash.traits();
    json!({
        "weighted": traits.weighted,
        "virtual_nodes": traits.virtual_nodes,
        "tail_only": traits.tail_only,
        "max_servers": traits.max_servers,
    })
}

/// A line for each thing that is known.
fn lines(told: &Value) -> String {
    let names = ["name", "kind", "version", "summary", "reference", "api", "digest", "unloadable"];
    let known = names.iter().filter(|name| !told[**name].is_null());
    let mut lines: Vec<(&str, String)> = known.map(|name| (*name, text(&told[*name]))).collect();
    lines.push(("size", bytes(told["size_bytes"].as_u64())));
    for (name, value) in told["traits"].as_object().into_iter().flatten() {
        lines.push((name, value_told(value)));
    }
    for setting in items(&told["settings"]) {
        let of = |field: &str| text(&setting[field]);
        lines.push(("setting", format!("{} = {}: {}", of("name"), of("default"), of("summary"))));
    }
    for title in ["exports", "imports"] {
        let names: Vec<String> = items(&told[title]).map(text).collect();
        lines.push((title, if names.is_empty() { "nothing".into() } else { names.join(", ") }));
    }
    let line = |(title, value): &(&str, String)| format!("{:<14} {value}", title.replace('_', " "));
    lines.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn value_told(value: &Value) -> String {
    match value {
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Null => "any number".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_told_and_nothing_else() {
        let told = lines(&json!({
            "name": "mine", "kind": "hash", "summary": "one sentence", "size_bytes": 2048,
            "traits": {"weighted": true, "max_servers": null},
            "settings": [{"name": "k", "default": "21", "summary": "probes"}],
            "exports": ["ringwright:plugin/hash@0.1.0"], "imports": [],
        }));
        for line in [
            "name           mine",
            "size           2.0 KiB",
            "weighted       yes",
            "max servers    any number",
            "setting        k = 21: probes",
            "exports        ringwright:plugin/hash@0.1.0",
            "imports        nothing",
        ] {
            assert!(told.lines().any(|l| l == line), "{line}: {told}");
        }
        assert!(!told.contains("unloadable") && !told.contains("null"), "{told}");
    }
}
