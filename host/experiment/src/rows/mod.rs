//! Part 2, A-1 to A-3: rows written and read.

mod measured;
mod plots;
mod shape;

pub use measured::Measured;
pub(crate) use shape::{Shape, keys};

use anyhow::Result;
use serde_json::json;

use crate::balance::drawn;
use crate::stats::Taken;
use crate::{Experiment, Lab, Outcome, paper, verdict};
use measured::measure;
use plots::{over_servers, table};

async fn default(lab: &Lab) -> Result<&Measured> {
    lab.baseline.get_or_try_init(|| measure(lab, Shape::default())).await
}

///
pub(crate) async fn baseline(lab: &Lab) -> Result<Outcome> {
    let default = default(lab).await?;
    let papers = measure(lab, Shape::papers()).await?;
    let mut plots = default.plots("2-A-1-default");
    plots.extend(papers.plots("2-A-1-paper"));
    let Taken { total_s: writes, .. } = default.writes;
    Ok(Outcome {
        experiment: Experiment::Rows,
        how: format!(
            "{} writes of one new row each, then {} reads of one row each, through {} connections at \
             once: in the assignment’s default configuration, and with the paper’s 3 shards on 3 \
             servers, two copies of each. Keys are drawn over all shards with seed {}.",
            lab.scope.requests, lab.scope.requests, lab.scope.connections, lab.seed
        ),
        paper: paper::rows(),
        shows: format!(
            "In the default configuration the writes took {writes:.2} s ({:.0} a second, {:.1} ms \
             on average) and the reads {:.2} s ({:.0} a second, {:.1} ms). {} {}",
            default.writes.per_second(),
            default.writes.latency_ms.mean,
            default.reads.total_s,
            default.reads.per_second(),
            default.reads.latency_ms.mean,
            apart("With 3 servers and 2 copies", &papers, default),
            failures(&[default, &papers])
        ),
        beside:
            "Nothing to agree with or to differ from: the paper prints no numbers, and its reads \
                 found no rows."
                .into(),
        plots,
        tables: vec![table(&[default, &papers], default)],
        findings: [default, &papers].into_iter().flat_map(|m| m.findings(default)).collect(),
        lost: lost(&[default, &papers]),
        figures: json!([default.json(default), papers.json(default)]),
        runs: [default, &papers].into_iter().flat_map(Measured::runs).collect(),
    })
}

///
pub(crate) async fn replicas(lab: &Lab) -> Result<Outcome> {
    let default = default(lab).await?;
    let more = measure(lab, Shape { servers: 7, replicas: 7, ..Shape::default() }).await?;
    Ok(Outcome {
        experiment: Experiment::Replicas,
        how:
            "The same with 7 replicas of each of the 4 shards. A server holds one copy of a shard, \
              so there are 7 servers; all share the machine."
                .into(),
        paper: paper::replicas(),
        shows: format!("{} {}", apart("With 7 replicas", &more, default), failures(&[&more])),
        beside: verdict::replicas(
            ratio(&more.writes, &default.writes),
            ratio(&more.reads, &default.reads),
        ),
        plots: more.plots("2-A-2"),
        tables: vec![table(&[default, &more], default)],
        findings: more.findings(default),
        lost: lost(&[&more]),
        figures: json!([more.json(default)]),
        runs: more.runs(),
    })
}

///
pub(crate) async fn servers(lab: &Lab) -> Result<Outcome> {
    let default = default(lab).await?;
    let mut all = Vec::new();
    for &count in &lab.scope.scaled {
        let servers = u64::from(count);
        let shape = Shape { shards: 6, servers, replicas: servers.min(8), as_papers: false };
        all.push(measure(lab, shape).await?);
    }
    let refs: Vec<&Measured> = all.iter().collect();
    let (first, last) = (refs.first().copied().unwrap_or(default), refs.last().copied());
    let last = last.unwrap_or(default);
    let growth = format!("From {} to {} servers", first.shape.servers, last.shape.servers);
    Ok(Outcome {
        experiment: Experiment::Servers,
        how:
            "6 shards, each time on a new cluster with more servers. A server holds one copy of a \
              shard, so there are as many replicas as servers, up to 8; all share the machine."
                .into(),
        paper: paper::servers(),
        shows: format!("{} {}", apart(&growth, last, first), failures(&refs)),
        beside: verdict::servers(&all.iter().map(Measured::growth).collect::<Vec<_>>()),
        plots: vec![
            drawn("2-A-3-total", over_servers("Total time", "seconds", &all, |t| t.total_s)),
            drawn(
                "2-A-3-mean",
                over_servers("Mean latency", "milliseconds", &all, |t| t.latency_ms.mean),
            ),
            drawn("2-A-3-rate", over_servers("Throughput", "a second", &all, Taken::per_second)),
        ],
        tables: vec![table(&refs, default)],
        findings: all.iter().flat_map(|m| m.findings(default)).collect(),
        lost: lost(&refs),
        figures: all.iter().map(|m| m.json(default)).collect(),
        runs: all.iter().flat_map(Measured::runs).collect(),
    })
}

/// How many times as fast one is as another.
fn ratio(one: &Taken, other: &Taken) -> f64 {
    one.per_second() / other.per_second().max(f64::MIN_POSITIVE)
}

/// How one configuration compares with another.
fn apart(what: &str, one: &Measured, other: &Measured) -> String {
    let compared = |one: &Taken, other: &Taken| {
        let ratio = ratio(one, other);
        let word = match ratio {
            r if r > 1.05 => "faster",
            r if r < 0.95 => "slower",
            _ => "the same within 5 %",
        };
        format!("{word} ({:.0} a second, {ratio:.2} times)", one.per_second())
    };
    format!(
        "{what}, writes are {} and reads {}.",
        compared(&one.writes, &other.writes),
        compared(&one.reads, &other.reads)
    )
}

fn failures(all: &[&Measured]) -> String {
    let sum = |of: fn(&Measured) -> usize| all.iter().map(|m| of(m)).sum::<usize>();
    match (sum(|m| m.writes.failed + m.reads.failed), sum(|m| m.reads.missed)) {
        (0, _) if all.iter().all(|m| m.reads.found_all) => {
            "No request failed, and every read found its row.".into()
        }
        (0, _) => "No request failed.".into(),
        (failed, 0) => format!("{failed} requests failed."),
        (failed, missed) => format!(
            "{failed} requests failed; {missed} of them were reads that were answered without the \
             row they asked for."
        ),
    }
}

fn lost(all: &[&Measured]) -> Option<String> {
    let lost: usize = all.iter().map(|m| m.lost).sum();
    (lost > 0).then(|| format!("{lost} reads did not find a row that was acknowledged"))
}
