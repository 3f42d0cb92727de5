//! Part 1, A-1 and A-2: how requests are spread over servers.

mod layout;
mod loads;
mod plots;

pub(crate) use loads::{Loads, findings};
pub(crate) use plots::{bars, drawn, spread_lines, table};

use anyhow::Result;
use ringwright_compare::six_digits;
use ringwright_testbed::Setup;
use serde_json::json;

use crate::lab::{Bed, PAPERS, home};
use crate::{Experiment, Finding, Lab, Outcome, Run, paper, verdict};
use layout::Layout;

/// A cluster without a table, with servers 1 to `count` and these hash functions to swap in.
pub(crate) async fn cluster(lab: &Lab, count: u32, hashes: &[&str]) -> Result<Bed> {
    let setup = Setup::default().with("RINGWRIGHT_HASH", PAPERS);
    let bed = lab.cluster_with(&setup, hashes).await?;
    for server in 1..=count {
        add(&bed, server).await?;
    }
    Ok(bed)
}

/// Adds a server. One at a time: they are numbered as they come.
pub(crate) async fn add(bed: &Bed, server: u32) -> Result<()> {
    let names = json!({"n": 1, "hostnames": [name(server)]});
    bed.connect().await?.post("/add", &names).await.map(drop)
}

pub(crate) fn name(server: u32) -> String {
    format!("Server{server}")
}

pub(crate) fn names(count: u32) -> Vec<String> {
    (1..=count).map(name).collect()
}

/// Sends a run of `GET /home`, with six-digit ids as the paper's balancer draws them.
pub(crate) async fn homes(
    lab: &Lab,
    address: &str,
    run: &str,
    servers: Vec<String>,
) -> Result<(Run, Loads)> {
    let ids = six_digits(lab.scope.requests, lab.seed);
    let plan = lab.plan(address, move |i| home(ids[i]));
    let run = lab.send(run, plan).await?;
    let loads = Loads::of(&run.samples, servers);
    Ok((run, loads))
}

///
pub(crate) async fn three(lab: &Lab) -> Result<Outcome> {
    let (bed, address) = match &lab.at {
        Some(address) => (None, address.clone()),
        None => {
            let bed = cluster(lab, 3, &[]).await?;
            let address = bed.address().to_owned();
            (Some(bed), address)
        }
    };
    let Layout { hash, servers, told, shares } = Layout::of(lab, &address).await?;
    let count = servers.len();
    let (run, loads) = homes(lab, &address, &format!("{count} servers"), servers).await?;
    drop(bed);
    let mut plots = vec![drawn("1-A-1", bars("Requests by server", &loads, shares.as_deref()))];
    if let Some(shares) = &shares {
        let papers = Loads::of_shares(shares, loads.all() as usize);
        let theirs = bars("The paper’s functions, all six-digit ids", &papers, None);
        plots.push(drawn("1-A-1-paper", theirs));
    }
    let spread = loads.spread();
    let top = spread.most / loads.all().max(1) as f64;
    let finding = format!("{}; σ {:.0}, {} failed", loads.shown(), spread.deviation, loads.failed);
    Ok(Outcome {
        experiment: Experiment::Balance,
        how: format!(
            "{} times GET /home through {} connections at once (aiohttp, the authors’ client, has 100 by \
             default). The ids of the requests are six-digit numbers, drawn with \
             seed {}; {told}.",
            lab.scope.requests, lab.scope.connections, lab.seed
        ),
        paper: paper::distribution(shares.as_deref()),
        shows: format!(
            "{} of {} requests were answered. The busiest of {count} servers got {:.1} % of them \
             where {:.1} % would be even; the standard deviation is {:.0} requests.",
            loads.all(),
            run.samples.len(),
            100.0 * top,
            100.0 / count as f64,
            spread.deviation
        ),
        beside: match &shares {
            Some(shares) => verdict::loads(loads.agree(shares), loads.failed),
            None => "Not held against the paper: its servers lie on other slots than these, or \
                     its functions are others."
                .into(),
        },
        plots,
        tables: Vec::new(),
        findings: vec![Finding::new(format!("{count} servers, {hash}"), finding)],
        lost: None,
        figures: json!({"measured": loads.json(), "hash": hash, "paper_shares": shares}),
        runs: vec![run],
    })
}

///
pub(crate) async fn more(lab: &Lab) -> Result<Outcome> {
    let steps = &lab.scope.balanced;
    let bed = cluster(lab, steps.first().copied().unwrap_or(2), &[]).await?;
    let (mut runs, mut all, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    let mut there = steps.first().copied().unwrap_or(2);
    for &count in steps {
        while there < count {
            there += 1;
            add(&bed, there).await?;
        }
        let label = format!("{count} servers");
        let (run, loads) = homes(lab, bed.address(), &label, names(count)).await?;
        runs.push(run);
        all.push(loads);
        shares.push(lab.shares(PAPERS, count)?);
    }
    drop(bed);
    let ideal: Vec<Loads> =
        shares.iter().map(|shares| Loads::of_shares(shares, lab.scope.requests)).collect();
    let plots = vec![
        drawn("1-A-2", spread_lines("Load of a server, measured", &all)),
        drawn("1-A-2-paper", spread_lines("The same by the paper’s functions alone", &ideal)),
    ];
    let agree = all.iter().zip(&shares).all(|(loads, shares)| loads.agree(shares));
    Ok(Outcome {
        experiment: Experiment::Scale,
        how: format!(
            "The same {} requests, each time with one server more, added while it runs.",
            lab.scope.requests
        ),
        paper: paper::scaling(),
        shows: growing(&all),
        beside: verdict::loads(agree, all.iter().map(|loads| loads.failed).sum()),
        plots,
        tables: vec![table("Requests by server", &all)],
        findings: findings(&all, PAPERS),
        lost: None,
        figures: json!({"measured": all.iter().map(Loads::json).collect::<Vec<_>>(),
            "paper_shares": shares}),
        runs,
    })
}

/// What becomes of the loads as servers are added.
fn growing(all: &[Loads]) -> String {
    let (Some(first), Some(last)) = (all.first(), all.last()) else { return String::new() };
    let (from, to) = (first.counts.len(), last.counts.len());
    let (a, b) = (first.spread(), last.spread());
    let busiest = if b.most < 0.9 * a.most {
        "and the busiest server’s falls from"
    } else {
        "yet the busiest server keeps nearly all of its own:"
    };
    format!(
        "From {from} to {to} servers the mean load falls from {:.0} to {:.0} requests, {busiest} \
         {:.0} to {:.0}. The least busy of {to} gets {:.0}.",
        a.mean, b.mean, a.most, b.most, b.least
    )
}
