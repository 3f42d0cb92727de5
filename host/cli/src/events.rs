//! `ringwright events`: what happened to the cluster, and what happens.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tokio::time::sleep;

use crate::client::{self, Client};
use crate::output::{self, Output, items, text};

/// Pause before a balancer that was lost is asked again.
const RETRY: Duration = Duration::from_secs(1);

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    /// How many, the newest.
    #[arg(long, default_value_t = 20, value_name = "EVENTS",
        value_parser = clap::value_parser!(u32).range(0..=10_000))]
    last: u32,
    /// Go on with those to come, whatever becomes of the balancer, until Ctrl-C.
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    balancer: client::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Shows the events.
pub async fn run(args: Args) -> Result<ExitCode> {
    let client = Client::new(&args.balancer)?;
    let page = client.get(&format!("/events?last={}", args.last)).await?.ok()?;
    match args.output.output {
        Output::Json if !args.follow => {
            output::print(&serde_json::to_string_pretty(&page["events"])?)?;
        }
        output => items(&page["events"]).try_for_each(|event| print(output, event))?,
    }
    if args.follow {
        let last = items(&page["events"]).last().and_then(id);
        follow(&client, last, args.output.output).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Shows what follows an event, and asks again wherever a stream ends. It is an error only where
/// nothing can be shown any more.
async fn follow(client: &Client, mut last: Option<u64>, output: Output) -> Result<()> {
    loop {
        let those = last.map_or("last=0".to_owned(), |id| format!("after={id}"));
        match client.listen(&format!("/events?{those}")).await {
            Ok(mut events) => {
                while let Some(event) = events.next().await {
                    print(output, &event)?;
                    last = id(&event).or(last);
                }
                tracing::warn!("the balancer ended the stream; asking again");
            }
            Err(error) => tracing::warn!(error = format!("{error:#}"), "asking again"),
        }
        sleep(RETRY).await;
    }
}

/// Its number; what tells of the stream itself has none.
fn id(event: &Value) -> Option<u64> {
    event["id"].as_u64()
}

fn print(output: Output, event: &Value) -> Result<()> {
    Ok(output::print(&match output {
        Output::Json => event.to_string(),
        Output::Text => line(event),
    })?)
}

/// An event for people.
fn line(event: &Value) -> String {
    let field = |name: &str| event[name].as_str().unwrap_or_default();
    let about: Vec<&str> =
        ["server", "shard", "plugin"].map(field).into_iter().filter(|f| !f.is_empty()).collect();
    let details = event["details"].as_object().into_iter().flatten();
    let details: String = details.map(|(name, value)| format!(" {name}={}", text(value))).collect();
    let (time, kind, about) = (field("time"), field("kind"), about.join(" "));
    format!("{time}  {kind:<20} {about:<16} {}{details}", field("message"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_tells_when_what_about_whom_and_why() {
        let told =
            line(&json!({"id": 1, "time": "2001-09-09T01:46:40.123Z", "kind": "copy-failed",
            "server": "A", "shard": "sh1", "message": "a copy failed",
            "details": {"error": "no answer", "rows": 7}}));
        let expected = "2001-09-09T01:46:40.123Z  copy-failed          A sh1            \
                        a copy failed error=no answer rows=7";
        assert_eq!(told, expected);
    }
}
