//! `ringwright plugin swap`: shows the bill of a swap, and swaps where that was asked for.

use std::process::ExitCode;

use anyhow::{Result, bail};
use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::{Kind, bill};
use crate::client::{self, Answer, Client};
use crate::output::{self, Output, items};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The plugin that is to be active.
    name: String,
    /// What it decides; needed only where two have the name.
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    #[command(flatten)]
    settings: Settings,
    /// Swap, rather than only show what would change.
    #[arg(long, alias = "yes")]
    apply: bool,
    /// Take even one that was taken out of service because it failed.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    balancer: client::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Settings of a plugin.
#[derive(clap::Args)]
#[group(skip)]
pub(super) struct Settings {
    /// A setting of the plugin; can be given more than once. Those not given get their defaults.
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = setting, requires = "name")]
    set: Vec<(String, String)>,
}

impl Settings {
    /// A plugin with these settings, as the API is told.
    pub(super) fn of(&self, name: &str) -> Value {
        let settings: Map<String, Value> =
            self.set.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        json!({"name": name, "settings": settings})
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write it as key=value")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// Shows the bill; swaps.
pub async fn run(args: Args) -> Result<ExitCode> {
    let client = Client::new(&args.balancer)?;
    let (pick, bill) = billed(&client, &args).await?;
    if args.output.output == Output::Text {
        output::print(&bill::told(&bill))?;
    }
    if args.apply {
        put(&client, &pick, false).await?.ok()?;
    }
    let told = match (args.output.output, args.apply) {
        (Output::Json, applied) => {
            serde_json::to_string_pretty(&json!({"bill": bill, "applied": applied}))?
        }
        (Output::Text, true) => format!("\n{} is active.", args.name),
        (Output::Text, false) => "\nNothing was changed; the same with --apply swaps.".to_owned(),
    };
    output::print(&told)?;
    Ok(ExitCode::SUCCESS)
}

/// The plugin as the API is told to pick it, and the bill.
async fn billed(client: &Client, args: &Args) -> Result<(Value, Value)> {
    let list = async || client.get("/plugins").await?.ok();
    let known = match args.kind {
        Some(kind) => Some(kind),
        None => known(&list().await?, &args.name)?,
    };
    for kind in known.map_or(vec![Kind::Hash, Kind::Placement], |kind| vec![kind]) {
        let pick = json!({kind.name(): args.settings.of(&args.name), "force": args.force});
        let answer = put(client, &pick, true).await?;
        if known.is_some() || answer.status != StatusCode::NOT_FOUND {
            return Ok((pick, answer.ok()?));
        }
    }
    bail!(why_unknown(&list().await?, &args.name))
}

async fn put(client: &Client, pick: &Value, dry_run: bool) -> Result<Answer> {
    let mut pick = pick.clone();
    pick["dry_run"] = json!(dry_run);
    client.put("/plugins/active", &pick).await
}

fn of_name<'a>(listed: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    items(&listed["plugins"]).filter(move |p| p["name"] == name)
}

/// What kind of plugin has the name. A file that was just copied in has none yet.
fn known(listed: &Value, name: &str) -> Result<Option<Kind>> {
    let is = |kind: Kind| of_name(listed, name).any(|p| p["kind"] == kind.name());
    match [Kind::Hash, Kind::Placement].into_iter().find(|kind| is(*kind)) {
        Some(kind) => Ok(Some(kind)),
        None => match of_name(listed, name).find_map(|p| p["reason"].as_str()) {
            Some(reason) => bail!("'{name}' cannot be used: {reason}"),
            None => Ok(None),
        },
    }
}

fn why_unknown(listed: &Value, name: &str) -> String {
    if of_name(listed, name).any(|p| p["state"] == "checking") {
        format!("'{name}' is still being checked: try again in a moment")
    } else {
        format!("no plugin is called '{name}': see ringwright plugin list")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use super::*;

    #[test]
    fn the_kind_of_a_plugin_is_looked_up() {
        let plugin = |name: &str, kind: &str| json!({"name": name, "kind": kind, "reason": "half"});
        let listed = json!({"plugins": [plugin("a", "hash"), plugin("b", "placement"),
            plugin("both", "placement"), plugin("both", "hash"), plugin("c", "unknown"),
            {"name": "d", "kind": "unknown", "state": "checking", "reason": null}]});
        assert_eq!(known(&listed, "a").unwrap(), Some(Kind::Hash));
        assert_eq!(known(&listed, "b").unwrap(), Some(Kind::Placement));
        assert_eq!(known(&listed, "both").unwrap(), Some(Kind::Hash));
        assert_eq!(known(&listed, "c").unwrap_err().to_string(), "'c' cannot be used: half");
        for new in ["d", "e"] {
            assert_eq!(known(&listed, new).unwrap(), None);
        }
        assert!(why_unknown(&listed, "d").contains("still being checked"));
        assert!(why_unknown(&listed, "e").contains("no plugin is called 'e'"));
    }

    #[test]
    fn a_setting_is_a_key_and_a_value_which_may_have_an_equals_sign() {
        assert_eq!(setting("k=a=b").unwrap(), ("k".to_owned(), "a=b".to_owned()));
        assert!(setting("k").is_err());
    }
}
