//! Part 1, A-4: other hash functions, swapped in under requests.

use std::time::{Duration, Instant};

use anyhow::Result;
use hyper::Method;
use ringwright_compare::six_digits;
use ringwright_plot::Plot;
use serde_json::{Value, json};

use crate::balance::{
    Loads, add, bars, cluster, drawn, findings, homes, name, names, spread_lines, table,
};
use crate::lab::{Bed, MD5, PAPERS, home};
use crate::load::Load;
use crate::stats::milliseconds;
use crate::verdict::{Claim, verdict};
use crate::{Drawn, Experiment, Finding, Lab, Outcome, Run, paper};

/// A hash function swapped in while requests are sent.
struct Swap {
    to: String,
    /// From the request for it to its answer.
    took: Duration,
    /// Requests sent in that time.
    meanwhile: usize,
    failed: usize,
    run: Run,
}

/// The loads that a hash function makes, by numbers of servers.
struct Loaded {
    hash: String,
    loads: Vec<Loads>,
    shares: Vec<Vec<f64>>,
}

///
pub(crate) async fn run(lab: &Lab) -> Result<Outcome> {
    let steps = &lab.scope.balanced;
    let (first, last) = (steps.first().copied().unwrap_or(2), steps.last().copied().unwrap_or(2));
    let bed = cluster(lab, first, &[MD5, &lab.best]).await?;
    let mut runs = Vec::new();
    let mut swaps = vec![swap(lab, &bed, MD5).await?];
    let mut md5 = Loaded { hash: MD5.into(), loads: Vec::new(), shares: Vec::new() };
    for count in first..=last {
        if count > first {
            add(&bed, count).await?;
        }
        if steps.contains(&count) {
            md5.measure(lab, &bed, count, &mut runs).await?;
        }
    }
    swaps.push(swap(lab, &bed, &lab.best).await?);
    let mut best = Loaded { hash: lab.best.clone(), loads: Vec::new(), shares: Vec::new() };
    for count in (first..=last).rev() {
        if steps.contains(&count) {
            best.measure(lab, &bed, count, &mut runs).await?;
        }
        if count > first {
            remove(&bed, count).await?;
        }
    }
    best.loads.reverse();
    best.shares.reverse();
    drop(bed);
    let figures = json!({"md5": md5.json(), "best": best.json(),
        "swaps": swaps.iter().map(Swap::json).collect::<Vec<_>>()});
    let mut plots = md5.plots();
    plots.extend(best.plots());
    let mut found = findings(&md5.loads, MD5);
    found.extend(findings(&best.loads, &lab.best));
    found.extend(swaps.iter().map(|s| Finding::new(format!("swap to {}", s.to), s.shown())));
    let papers = papers_top(lab, &md5)?;
    let more_even = Claim::new(
        md5.top().1 < papers,
        "MD5 is more uniform than its own functions",
        "MD5 is more uniform than its own functions, here it is not",
    );
    let shows = shows(papers, &swaps, &md5, &best);
    runs.extend(swaps.into_iter().map(|swap| swap.run));
    Ok(Outcome {
        experiment: Experiment::Swap,
        how: format!(
            "PUT /plugins/active while {} requests are sent, half of them before: '{PAPERS}' gives \
             way to '{MD5}', and that to '{}'. With each, the requests of A-1 and A-2 again.",
            lab.scope.requests, lab.best
        ),
        paper: paper::md5(),
        shows,
        beside: verdict(&[more_even], "on the most servers that were tried"),
        plots,
        tables: vec![
            table("Requests by server, MD5", &md5.loads),
            table(&format!("Requests by server, {}", lab.best), &best.loads),
        ],
        findings: found,
        runs,
        lost: None,
        figures,
    })
}

async fn swap(lab: &Lab, bed: &Bed, to: &str) -> Result<Swap> {
    let label = format!("swap to {to}");
    lab.bar.set_message(label.clone());
    let ids = six_digits(lab.scope.requests, lab.seed);
    let load = Load::start(lab.plan(bed.address(), move |i| home(ids[i]))).await?;
    let mut connection = bed.connect().await?;
    load.reach(lab.scope.requests / 2).await;
    let (began, before) = (Instant::now(), load.sent());
    connection.put("/plugins/active", &json!({"hash": to})).await?;
    let (took, meanwhile) = (began.elapsed(), load.sent() - before);
    let samples = load.finish().await?;
    let failed = samples.iter().filter(|sample| !sample.is_good()).count();
    let run = Run { name: label, samples };
    Ok(Swap { to: to.to_owned(), took, meanwhile, failed, run })
}

async fn remove(bed: &Bed, server: u32) -> Result<()> {
    let names = json!({"n": 1, "hostnames": [name(server)]}).to_string();
    bed.connect().await?.send(Method::DELETE, "/rm", names).await.map(drop)
}

impl Swap {
    fn shown(&self) -> String {
        format!(
            "{:.0} ms, {} requests sent meanwhile, {} of {} failed",
            milliseconds(self.took),
            self.meanwhile,
            self.failed,
            self.run.samples.len()
        )
    }

    fn json(&self) -> Value {
        json!({"to": self.to, "milliseconds": milliseconds(self.took),
            "sent_meanwhile": self.meanwhile, "failed": self.failed,
            "requests": self.run.samples.len()})
    }
}

impl Loaded {
    async fn measure(
        &mut self,
        lab: &Lab,
        bed: &Bed,
        count: u32,
        runs: &mut Vec<Run>,
    ) -> Result<()> {
        let label = format!("{}, {count} servers", self.hash);
        let (run, loads) = homes(lab, bed.address(), &label, names(count)).await?;
        runs.push(run);
        self.loads.push(loads);
        self.shares.push(lab.shares(&self.hash, count)?);
        Ok(())
    }

    /// The counts on 3 and on 6 servers, and the spread on all.
    fn plots(&self) -> Vec<Drawn> {
        let of_paper = |loads: &&Loads| matches!(loads.counts.len(), 3 | 6);
        let with_shares = self.loads.iter().zip(&self.shares);
        let bars = with_shares.filter(|(loads, _)| of_paper(loads)).map(|(loads, shares)| {
            let count = loads.counts.len();
            let title = format!("{}, {count} servers", self.hash);
            drawn(format!("1-A-4-{}-{count}", self.hash), bars(&title, loads, Some(shares)))
        });
        let lines: Plot = spread_lines(&format!("Load of a server, {}", self.hash), &self.loads);
        bars.chain([drawn(format!("1-A-4-{}", self.hash), lines)]).collect()
    }

    /// The part of all requests that the busiest of most servers has.
    fn top(&self) -> (usize, f64) {
        self.loads.last().map_or((0, 0.0), |loads| {
            (loads.counts.len(), loads.spread().most / loads.all().max(1) as f64)
        })
    }

    fn agrees(&self) -> bool {
        self.loads.iter().zip(&self.shares).all(|(loads, shares)| loads.agree(shares))
    }

    fn json(&self) -> Value {
        json!({"hash": self.hash, "shares": self.shares,
            "measured": self.loads.iter().map(Loads::json).collect::<Vec<_>>()})
    }
}

/// The share that the paper's functions give the busiest of as many servers.
fn papers_top(lab: &Lab, of: &Loaded) -> Result<f64> {
    Ok(lab.shares(PAPERS, of.top().0 as u32)?.into_iter().fold(0.0, f64::max))
}

fn shows(papers: f64, swaps: &[Swap], md5: &Loaded, best: &Loaded) -> String {
    let failed: usize = swaps.iter().map(|swap| swap.failed).sum();
    let meanwhile: usize = swaps.iter().map(|swap| swap.meanwhile).sum();
    let (count, top) = md5.top();
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let swapped = match failed {
        0 => "no request failed".to_owned(),
        n => format!("{n} requests failed"),
    };
    let agree = if md5.agrees() && best.agrees() {
        "All loads are as near to the functions’ own shares as chance allows."
    } else {
        "Not all loads are as near to the functions’ own shares as chance allows."
    };
    format!(
        "Two swaps under load, with {meanwhile} requests sent while they were made: {swapped}. The \
         busiest of {count} servers gets {} of the requests by MD5 and {} by '{}', where the \
         paper’s functions give it {} and {} would be even. {agree}",
        percent(top),
        percent(best.top().1),
        best.hash,
        percent(papers),
        percent(1.0 / count.max(1) as f64),
    )
}
