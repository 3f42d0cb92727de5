//! Part 1, A-1 and A-2: how requests are spread over servers.

mod loads;
mod plots;

pub(crate) use loads::{Loads, findings};
pub(crate) use plots::{bars, drawn, spread_lines, table};

use anyhow::{Context, Result};
use ringwright_compare::six_digits;
use ringwright_testbed::{Connection, Setup};
use serde_json::{Value, json};

use crate::lab::{Bed, PAPERS, home};
use crate::paper;
use crate::{Experiment, Finding, Lab, Outcome, Run};

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
    let (bed, address, servers) = match &lab.at {
        Some(address) => (None, address.clone(), replicas(address).await?),
        None => {
            let bed = cluster(lab, 3, &[]).await?;
            let address = bed.address().to_owned();
            (Some(bed), address, names(3))
        }
    };
    let (run, loads) = homes(lab, &address, "3 servers", servers).await?;
    drop(bed);
    let count = loads.servers.len();
    let shares = lab.shares(PAPERS, count as u32)?;
    let ours = bars("Requests by server", &loads, Some(&shares));
    let theirs = bars(
        "The paper’s functions, all six-digit ids",
        &Loads::of_shares(&shares, loads.all() as usize),
        None,
    );
    let spread = loads.spread();
    let top = spread.most / loads.all().max(1) as f64;
    let agree = if lab.at.is_some() {
        "The cluster was there already: its servers and its hash function need not be the paper’s."
    } else if loads.agree(&shares) {
        "Every server is as near to what the paper’s functions give over all six-digit ids as \
         chance allows."
    } else {
        "That is further from what the paper’s functions give over all six-digit ids than chance \
         allows."
    };
    let shows = format!(
        "{} of {} requests were answered. The busiest of {count} servers got {:.1} % of them where \
         {:.1} % would be even; the standard deviation is {:.0} requests. {agree}",
        loads.all(),
        run.samples.len(),
        100.0 * top,
        100.0 / count as f64,
        spread.deviation
    );
    let finding = format!("{}; σ {:.0}, {} failed", loads.shown(), spread.deviation, loads.failed);
    Ok(Outcome {
        experiment: Experiment::Balance,
        how: format!(
            "{} times GET /home through {} connections at once (aiohttp, the authors’ client, has 100 by \
             default). The ids of the requests are six-digit numbers, drawn with \
             seed {}; 512 slots, 9 virtual nodes a server, the hash function '{PAPERS}', which is \
             the paper’s.",
            lab.scope.requests, lab.scope.connections, lab.seed
        ),
        paper: paper::distribution("Fig. 22", &shares),
        shows,
        plots: vec![drawn("1-A-1", ours), drawn("1-A-1-paper", theirs)],
        tables: Vec::new(),
        findings: vec![Finding::new(format!("{count} servers, {PAPERS}"), finding)],
        lost: None,
        figures: json!({"measured": loads.json(), "paper_shares": shares}),
        runs: vec![run],
    })
}

/// The servers of a balancer that is there.
async fn replicas(address: &str) -> Result<Vec<String>> {
    let answer: Value =
        serde_json::from_slice(&Connection::open(address).await?.get("/rep").await?)?;
    let names = answer["message"]["replicas"].as_array().context("/rep names no replicas")?;
    Ok(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
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
        shows: format!(
            "{} {}",
            growing(&all),
            if agree {
                "On every number of servers the loads are as near to what the paper’s functions \
                 give as chance allows."
            } else {
                "Not on every number of servers are the loads as near to what the paper’s \
                 functions give as chance allows."
            }
        ),
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
