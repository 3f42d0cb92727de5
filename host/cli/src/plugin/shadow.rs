//! `ringwright plugin shadow`: a second hash function that sees the requests and routes none.

use std::process::ExitCode;

use anyhow::Result;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::swap::Settings;
use crate::client::{self, Client};
use crate::output::{self, Output, percent, table, text};

/// Where it is in the API.
const PATH: &str = "/plugins/shadow";

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// The hash function to watch from now on; without one, what was counted so far is shown.
    name: Option<String>,
    /// End it, and show what was counted.
    #[arg(long, conflicts_with = "name")]
    end: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    balancer: client::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Begins, shows or ends it.
pub async fn run(args: Args) -> Result<ExitCode> {
    let client = Client::new(&args.balancer)?;
    let answer = match &args.name {
        Some(name) => client.put(PATH, &json!({"hash": args.settings.of(name)})).await?,
        None if args.end => client.delete(PATH).await?,
        None => client.get(PATH).await?,
    };
    let shadow = match answer.status {
        StatusCode::NOT_FOUND if args.name.is_none() => Value::Null,
        _ => answer.ok()?,
    };
    match args.output.output {
        Output::Json => output::print(&serde_json::to_string_pretty(&shadow)?)?,
        Output::Text => output::print(&told(&shadow))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn told(shadow: &Value) -> String {
    if shadow.is_null() {
        return "no hash function is in the shadow of the active one".into();
    }
    let count = |name: &str| shadow[name].as_u64().unwrap_or(0);
    let share = |part: u64| match count("requests") {
        0 => Value::Null,
        all => json!(part as f64 / all as f64),
    };
    let mut table = table(["server", "active", "shadow"]);
    for (server, seen) in shadow["servers"].as_object().into_iter().flatten() {
        let of = |whose: &str| percent(&share(seen[whose].as_u64().unwrap_or(0)));
        table.add_row([server.clone(), of("active"), of("shadow")]);
    }
    let mut told = format!(
        "{} saw {} requests and missed {}; it would have sent {} of them elsewhere",
        text(&shadow["hash"]),
        count("requests"),
        count("missed"),
        count("moved"),
    );
    let peak = &shadow["peak_to_mean"];
    if let (Some(active), Some(shadow)) = (peak["active"].as_f64(), peak["shadow"].as_f64()) {
        told += &format!(
            "\nbusiest server {active:.2} times its fair share by the active one, {shadow:.2} by it"
        );
    }
    if let Some(why) = shadow["ended"].as_str() {
        told += &format!("\nit was taken out of service: {why}");
    }
    format!("{told}\n\n{table}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_told_as_shares() {
        let told = told(&json!({"hash": "mine", "requests": 200, "moved": 50, "missed": 3,
            "servers": {"Server0": {"active": 150, "shadow": 100},
                "Server1": {"active": 50, "shadow": 100}},
            "peak_to_mean": {"active": 1.5, "shadow": 1.0}, "ended": "it failed"}));
        assert!(
            told.contains("mine saw 200 requests and missed 3; it would have sent 50"),
            "{told}"
        );
        assert!(told.contains("1.50 times") && told.contains("1.00 by it"), "{told}");
        let row = told.lines().find(|l| l.contains("Server0")).unwrap_or_default();
        assert!(row.contains("75.0 %") && row.contains("50.0 %"), "{told}");
        assert!(told.contains("out of service: it failed"), "{told}");
    }

    #[test]
    fn before_the_first_request_there_are_no_shares() {
        let told = told(&json!({"hash": "mine", "requests": 0, "moved": 0, "missed": 0,
            "servers": {"Server0": {"active": 0, "shadow": 0}},
            "peak_to_mean": {"active": null, "shadow": null}, "ended": null}));
        assert!(told.contains("n/a") && !told.contains("NaN"), "{told}");
    }

    #[test]
    fn that_there_is_none_is_told() {
        assert!(told(&Value::Null).starts_with("no hash function"));
    }
}
