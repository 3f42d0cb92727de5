//! What a request costs: single rows read, updated and inserted through the balancer, and the
//! same by a yardstick, by turns.
//!
//! Closed loop: each client has one connection, kept alive, and sends its next request when it
//! has the answer to the last. The clients share the machine with what they measure.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use indicatif::ProgressBar;
use ringwright_testbed::{Embedded, engine_answers};
use serde_json::Value;

use crate::Common;
use crate::cpu::Roots;
use crate::measured::{Filled, Front, Kind, Measured, Pgbench, ROOM, ROWS, ShardServer, measure};
use crate::report::{Report, Row};

const KINDS: [Kind; 3] = [Kind::Read, Kind::Update, Kind::Insert];

/// Measures reads, updates and inserts of single rows through the balancer.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    common: Common,
    /// What to measure; the deployment wants an engine and its images: make images.
    #[arg(long, value_enum, default_value_t = Where::Any)]
    r#where: Where,
    /// How often each measurement is taken; balancer and yardstick take turns.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Where {
    /// Processes with SQLite, and one shard server asked directly as the yardstick.
    Embedded,
    /// Containers with Postgres, and pgbench as the yardstick.
    Docker,
    /// Both, or the first alone where no Docker engine answers.
    Any,
}

/// What is measured beside the balancer.
enum Yardstick {
    Direct(ShardServer),
    Pgbench(Box<Pgbench>),
}

impl Yardstick {
    async fn measure(&self, kind: Kind, clients: u16, time: Duration) -> Result<Measured> {
        match self {
            Yardstick::Direct(server) => measure(server, kind, clients, time).await,
            Yardstick::Pgbench(pgbench) => pgbench.measure(kind, clients, time),
        }
    }
}

/// Measures, and tells; the second is for machines.
pub async fn run(args: &Args, data: &Path, bar: &ProgressBar) -> Result<(String, Value)> {
    let there = engine_answers();
    ensure!(there || args.r#where != Where::Docker, "no Docker engine answers");
    let docker = there && args.r#where != Where::Embedded;
    let embedded = args.r#where != Where::Docker;
    let tables = u64::from(docker) + u64::from(embedded);
    let steps = 2 * KINDS.len() as u64 * args.common.clients.len() as u64;
    bar.set_length(tables * steps * u64::from(args.rounds));
    let mut reports = Vec::new();
    if embedded {
        reports.push(self::embedded(args, data, bar).await?);
    }
    if docker {
        reports.push(deployed(args, data, bar).await?);
    }
    let texts: Vec<_> = reports.iter().map(Report::text).collect();
    Ok((texts.join("\n\n"), reports.iter().map(Report::json).collect()))
}

async fn embedded(args: &Args, data: &Path, bar: &ProgressBar) -> Result<Report> {
    let program: PathBuf = args.common.program()?;
    let most = args.common.clients.iter().copied().max().unwrap_or(1);
    let direct = ShardServer::start(&program, &data.join("direct"), most).await?;
    let (plugins, hash) = (&args.common.plugin_dir, &args.common.hash);
    let data = data.join("cluster");
    let balancer = Filled::<Embedded>::start(&program, &data, plugins, hash).await?;
    let roots = balancer.cluster.processes();
    let rows = by_turns(args, &balancer.front, &Yardstick::Direct(direct), &roots, bar).await?;
    let title = "processes, SQLite";
    Ok(Report {
        title,
        yardstick: "direct",
        rows,
        balancer_mb: Some(balancer.cluster.resident_mb()?),
    })
}

async fn deployed(args: &Args, data: &Path, bar: &ProgressBar) -> Result<Report> {
    bar.set_message("the deployment starts");
    let deployment =
        Filled::deploy(&data.join("deployment"), &args.common.hash, ROOM, ROWS).await?;
    let pgbench = Pgbench::start(&data.join("pgbench")).await?;
    let roots = deployment.cluster.processes()?;
    let yardstick = Yardstick::Pgbench(Box::new(pgbench));
    let rows = by_turns(args, &deployment.front, &yardstick, &roots, bar).await?;
    Ok(Report { title: "containers, Postgres", yardstick: "pgbench", rows, balancer_mb: None })
}

async fn by_turns(
    args: &Args,
    front: &Front,
    yardstick: &Yardstick,
    roots: &Roots,
    bar: &ProgressBar,
) -> Result<Vec<Row>> {
    let time = args.common.time;
    let mut rows = Vec::new();
    for kind in KINDS {
        for &clients in &args.common.clients {
            let mut row = Row::new(kind, clients)?;
            for _ in 0..args.rounds {
                bar.set_message(format!("{kind}s, {clients} clients, the yardstick"));
                row.yardstick.add(&yardstick.measure(kind, clients, time).await?)?;
                bar.inc(1);
                bar.set_message(format!("{kind}s, {clients} clients, through the balancer"));
                let work = measure(front, kind, clients, time);
                let measured = row.cpu.during(roots, work).await?;
                row.balancer.add(&measured)?;
                bar.inc(1);
            }
            rows.push(row);
        }
    }
    Ok(rows)
}
