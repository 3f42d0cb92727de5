//! `ringwright plugin check`: admission, without a balancer.

use std::process::ExitCode;

use anyhow::Result;
use comfy_table::{Cell, Color};
use ringwright_plugin_runtime::{Cost, Report};

use super::file;
use crate::output::{self, Output, bytes, table};

#[derive(clap::Args)]
#[group(skip)]
pub struct Args {
    #[command(flatten)]
    file: file::Args,
    #[command(flatten)]
    output: output::Args,
}

/// Tries it and reports; fails where it is refused.
pub fn run(args: &Args) -> Result<ExitCode> {
    let component = args.file.read()?;
    let (report, _) = args.file.runtime()?.examine(&args.file.name(), &component);
    match args.output.output {
        Output::Json => output::print(&serde_json::to_string_pretty(&report)?)?,
        Output::Text => output::print(&told(&report))?,
    }
    Ok(if report.refusal().is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn told(report: &Report) -> String {
    let mut parts = vec![head(report), checks(report)];
    parts.extend(report.limits.iter().map(|limit| format!("limit: {limit}")));
    if !report.measures.is_empty() {
        parts.push(measures(report));
    }
    parts.push(cost(&report.cost));
    parts.push(match (report.refusal(), report.score()) {
        (Some(reason), _) => format!("refused: {reason}"),
        (None, Some(score)) => format!("admitted, with a score of {score} out of 100"),
        (None, None) => "admitted".to_owned(),
    });
    parts.join("\n")
}

fn head(report: &Report) -> String {
    let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".into());
    format!(
        "{} · {} · interface {} · digest {}",
        known(&report.name),
        known(&report.kind),
        known(&report.api),
        report.digest,
    )
}

fn checks(report: &Report) -> String {
    let mut table = table(["check", "result"]);
    for check in &report.checks {
        let (word, color) =
            if check.passed { ("passed", Color::Green) } else { ("failed", Color::Red) };
        table.add_row([Cell::new(words(&check.name)), Cell::new(word).fg(color)]);
    }
    table.to_string()
}

fn measures(report: &Report) -> String {
    let mut table = table(["measure", "part", "measured", "ideal", "points"]);
    for measure in &report.measures {
        let figure = |value: Option<f64>, digits| {
            value.map_or_else(|| "n/a".to_owned(), |v| format!("{v:.digits$}"))
        };
        table.add_row([
            words(&measure.name),
            measure.part.clone(),
            figure(measure.value, 3),
            figure(Some(measure.ideal), 3),
            figure(measure.points, 0),
        ]);
    }
    table.to_string()
}

/// A name as people write it.
fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// What it takes, in a line.
fn cost(cost: &Cost) -> String {
    let time = |what: &str, ns: Option<f64>| ns.map(|ns| format!("{what} {}", nanoseconds(ns)));
    let whole = |ns: Option<u64>| ns.map(|ns| ns as f64);
    let parts = [
        Some(format!("file {}", bytes(Some(cost.component_bytes)))),
        cost.memory_bytes.map(|memory| format!("memory {}", bytes(Some(memory)))),
        time("compiling", whole(cost.compile_ns)),
        time("starting", whole(cost.start_ns)),
        time("a slot alone", cost.slot_ns),
        time("a slot of many", cost.batched_slot_ns),
        time("a layout", whole(cost.layout_ns)),
        time("a plan", whole(cost.plan_ns)),
    ];
    format!("cost: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn nanoseconds(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.1} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.1} ms", ns / 1e6),
        ns => format!("{:.1} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking

    use serde_json::json;

    use super::*;

    fn report(passed: bool) -> Report {
        serde_json::from_value(json!({
            "admission": 1, "digest": "abc", "api": "0.1.0", "kind": "hash", "name": "mine",
            "checks": [{"name": "loads", "passed": true, "reason": null},
                {"name": "slots_in_range", "passed": passed, "reason": (!passed).then_some("slot 9 of 9")}],
            "limits": ["cannot: 30 servers"],
            "measures": [{"name": "peak to mean", "part": "balance", "value": 1.25, "ideal": 1.0,
                "points": 75.0},
                {"name": "moved", "part": "moves", "value": null, "ideal": 0.25, "points": null}],
            "score": passed.then_some(75), "too_slow": false,
            "cost": {"component_bytes": 2048, "slot_ns": 140.0, "layout_ns": 2_500_000},
        }))
        .unwrap()
    }

    #[test]
    fn a_report_tells_checks_measures_cost_and_score() {
        let told = told(&report(true));
        let row = |name: &str| told.lines().find(|l| l.contains(name)).unwrap_or_default();
        assert!(row("loads").contains("passed"), "{told}");
        for part in ["balance", "1.250", "1.000", "75"] {
            assert!(row("peak to mean").contains(part), "{part}: {told}");
        }
        assert_eq!(row("moved").matches("n/a").count(), 2, "{told}");
        assert!(told.contains("limit: cannot: 30 servers"), "{told}");
        assert!(
            told.contains("cost: file 2.0 KiB, a slot alone 140 ns, a layout 2.5 ms"),
            "{told}"
        );
        assert!(told.ends_with("admitted, with a score of 75 out of 100"), "{told}");
    }

    #[test]
    fn a_refusal_tells_which_check_failed_and_why() {
        let told = told(&report(false));
        let row = told.lines().find(|l| l.contains("slots in range")).unwrap_or_default();
        assert!(row.contains("failed"), "{told}");
        assert!(told.ends_with("refused: slot 9 of 9"), "{told}");
    }
}
