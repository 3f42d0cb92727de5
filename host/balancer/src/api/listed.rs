//! Plugins as they are listed.

use ringwright_plugin_runtime::{Description, Entry, Listing, Plugin, State, Traits};
use ringwright_ring::Balance;
use serde_json::{Value, json};

use crate::brain::Brain;
use crate::routing::{Router, Share, Tally};

/// A plugin that is active, with its faults since it became so.
struct InUse {
    plugin: Plugin,
    faults: u64,
}

/// All files in the folders, and what is active without one.
pub(crate) fn all(brain: &Brain) -> Vec<Value> {
    let (hash, placement) = (brain.hash(), brain.placement());
    let listing = brain.listing();
    let active = [
        InUse { plugin: Plugin::Hash(hash.plugin.clone()), faults: hash.faults.total() },
        InUse {
            plugin: Plugin::Placement(placement.plugin.clone()),
            faults: placement.faults.total(),
        },
    ];
    let in_use = |e: &Entry| {
        let digest = e.digest().filter(|_| e.is_loaded())?;
        active.iter().find(|a| a.plugin.digest() == digest)
    };
    let mut list: Vec<Value> = listing.entries().map(|e| of_file(brain, e, in_use(e))).collect();
    let fileless = active.iter().filter(|a| !has_file(&listing, &a.plugin));
    list.extend(fileless.map(|a| without_file(brain, a)));
    list
}

/// What a hash function in the shadow of the active one would have done.
pub(crate) fn shadow(router: &Router) -> Value {
    let Some(shadow) = router.shadow() else { return Value::Null };
    let Tally { requests, moved, missed, servers, ended } = shadow.tally();
    let weights: Vec<u32> = servers.values().map(|s| s.weight).collect();
    let peak = |of: fn(&Share) -> u64| {
        let loads: Vec<u64> = servers.values().map(of).collect();
        Balance::of(&loads, &weights).map(|b| b.peak_to_mean)
    };
    let shares: serde_json::Map<String, Value> = servers
        .iter()
        .map(|(name, s)| (name.clone(), json!({"active": s.active, "shadow": s.shadow})))
        .collect();
    json!({
        "hash": shadow.hash.choice.name,
        "digest": shadow.hash.choice.digest,
        "settings": shadow.hash.choice.settings,
        "requests": requests,
        "moved": moved,
        "missed": missed,
        "servers": shares,
        "peak_to_mean": {"active": peak(|s| s.active), "shadow": peak(|s| s.shadow)},
        "faults": shadow.hash.faults.total(),
        "ended": ended,
    })
}

fn has_file(listing: &Listing, plugin: &Plugin) -> bool {
    listing.entries().any(|e| e.is_loaded() && e.digest() == Some(plugin.digest()))
}

fn of_file(brain: &Brain, entry: &Entry, in_use: Option<&InUse>) -> Value {
    let (mut state, mut reason, plugin) = match entry.state() {
        State::Checking => ("checking", None, None),
        State::Loaded(plugin) => ("loaded", None, Some(plugin)),
        State::Refused(reason) => ("refused", Some(reason), None),
    };
    if let Some(why) = plugin.and_then(|p| brain.out_of_service(p.digest())) {
        (state, reason) = ("out_of_service", Some(why));
    }
    let mut listed = json!({
        "name": entry.name(),
        "kind": entry.kind(),
        "file": entry.file(),
        "digest": entry.digest(),
        "size_bytes": entry.size(),
        "api": entry.api(),
        "state": state,
        "reason": reason,
        "active": in_use.is_some(),
        "faults": in_use.map(|a| a.faults),
        "score": entry.report().and_then(|r| r.score()),
        "admission": entry.report(),
    });
    tell(&mut listed, plugin);
    listed
}

/// An active plugin whose file is there no more, or has become another.
fn without_file(brain: &Brain, InUse { plugin, faults }: &InUse) -> Value {
    let goes_on = "its file was removed or overwritten; the plugin as loaded goes on";
    let out = brain.out_of_service(plugin.digest());
    let mut listed = json!({
        "name": plugin.description().name,
        "kind": plugin.kind(),
        "file": null,
        "digest": plugin.digest(),
        "size_bytes": plugin.size(),
        "api": plugin.api(),
        "state": if out.is_some() { "out_of_service" } else { "loaded" },
        "reason": out.as_deref().unwrap_or(goes_on),
        "active": true,
        "faults": faults,
        "score": null,
        "admission": null,
    });
    tell(&mut listed, Some(plugin));
    listed
}

/// What a plugin says of itself.
fn tell(listed: &mut Value, plugin: Option<&Plugin>) {
    let description = plugin.map(Plugin::description);
    listed["version"] = json!(description.map(|d| &d.version));
    listed["summary"] = json!(description.map(|d| &d.summary));
    listed["reference"] = json!(description.map(|d| &d.reference));
    listed["settings"] = description.map_or(Value::Null, settings);
    listed["traits"] = plugin.and_then(traits).unwrap_or_default();
}

fn settings(description: &Description) -> Value {
    let setting = |s: &ringwright_plugin_runtime::Setting| json!({"name": s.name, "summary": s.summary, "default": s.default});
    description.settings.iter().map(setting).collect()
}

fn traits(plugin: &Plugin) -> Option<Value> {
    let Plugin::Hash(plugin) = plugin else { return None };
    let Traits { weighted, virtual_nodes, tail_only, max_servers } = plugin.traits();
    Some(json!({
        "weighted": weighted,
        "virtual_nodes": virtual_nodes,
        "tail_only": tail_only,
        "max_servers": max_servers,
    }))
}
