//! Part 1, A-3, and part 2, A-4: a server killed under load.

mod story;
mod survived;

use std::collections::BTreeSet;

use anyhow::Result;
use ringwright_compare::six_digits;
use ringwright_testbed::{Replicas, Setup, all_in_sync, student, write};
use serde_json::{Value, json};

use crate::balance::drawn;
use crate::lab::{Bed, PAPERS, call, home, look_up};
use crate::rows::{Shape, keys};
use crate::verdict::{Claim, recovery, verdict};
use crate::{Experiment, Finding, Lab, Outcome, Run, paper};
use survived::{CONNECTIONS, survive};

/// Why a recovery differs from the paper's.
const NO_REPLACEMENT: &str = "which must not be";

/// A-3 of part 1.
pub(crate) async fn requests(lab: &Lab) -> Result<Outcome> {
    let bed = lab.cluster(&setup(lab, &Shape::papers())).await?;
    fill(&bed, &keys(lab, &Shape::papers(), 1_000)).await?;
    let ids = six_digits(100_000, lab.seed);
    let survived = survive(lab, &bed, move |i| home(ids[i % ids.len()])).await?;
    drop(bed);
    let finding = survived.shown();
    Ok(Outcome {
        experiment: Experiment::Recovery,
        how: format!(
            "{} GET /home a second, each timed from when it is due, through {CONNECTIONS} connections on 3 servers that hold 3 \
             shards, two copies each, with 1,000 rows; after {:?} one server is killed (SIGKILL). \
             {} Its disk is kept.",
            lab.scope.rate,
            lab.scope.around,
            heartbeats(lab)
        ),
        paper: paper::recovery(1),
        shows: survived.shows(),
        beside: verdict(&[recovery(lab, survived.replaced(), 55)], NO_REPLACEMENT),
        plots: vec![drawn("1-A-3", survived.plot("Requests answered in each 100 ms"))],
        tables: Vec::new(),
        findings: vec![Finding::new("3 servers, one killed", finding)],
        lost: None,
        figures: survived.json(),
        runs: vec![Run { name: "killed".into(), samples: survived.samples }],
    })
}

/// A-4 of part 2.
pub(crate) async fn rows(lab: &Lab) -> Result<Outcome> {
    let shape = Shape::default();
    let bed = lab.cluster(&setup(lab, &shape)).await?;
    let mut keys = keys(lab, &shape, shape.room(lab) as usize);
    let new = keys.split_off(keys.len() / 4);
    fill(&bed, &keys).await?;
    let (there, fresh) = (keys.clone(), new.clone());
    // Every other request is a write, as long as there are new keys.
    let survived = survive(lab, &bed, move |i| match fresh.get(i / 2) {
        Some(key) if i % 2 == 0 => call(write(*key, i as u64 % 101)),
        _ => look_up(there[i % there.len()]),
    })
    .await?;
    all_in_sync(bed.address()).await?;
    let mut acknowledged: BTreeSet<u64> = keys.into_iter().collect();
    let writes = survived.samples.iter().filter(|s| s.request % 2 == 0 && s.is_good());
    acknowledged.extend(writes.filter_map(|s| new.get(s.request / 2)));
    let lacking = Replicas::of(&bed).await?.lacking(&acknowledged).await?;
    drop(bed);
    let lost: usize = lacking.iter().map(|(_, _, keys)| keys.len()).sum();
    let kept = format!(
        "{} acknowledged rows looked for on {} replicas, {lost} missing",
        acknowledged.len(),
        lacking.len()
    );
    let mut figures = survived.json();
    figures["acknowledged_rows"] = json!(acknowledged.len());
    figures["replicas"] = json!(lacking.len());
    figures["missing"] = json!(lacking);
    let (found, missed) = survived.looked_up();
    figures["reads_that_found_no_row"] = json!(missed);
    let reads = match missed {
        0 => format!("Each of {found} reads that were answered found its row."),
        n => format!("{n} reads were answered without the row they asked for."),
    };
    let kept_all = if lost == 0 {
        "Every acknowledged row was then on every replica that is to have it"
    } else {
        "Acknowledged rows were missing on some replica afterwards"
    };
    Ok(Outcome {
        experiment: Experiment::Dropped,
        how: format!(
            "{} requests a second, each timed from when it is due, through {CONNECTIONS} \
             connections, writes of new rows and reads of rows that exist in turn, in the default configuration; after {:?} one server is \
             killed (SIGKILL). {} Its disk is kept. Afterwards each replica is asked on its own.",
            lab.scope.rate,
            lab.scope.around,
            heartbeats(lab)
        ),
        paper: paper::recovery(2),
        shows: format!("{} {reads} {kept_all}: {kept}.", survived.shows()),
        beside: verdict(
            &[
                recovery(lab, survived.replaced(), 60),
                Claim::new(
                    lost == 0,
                    "the shards’ rows were restored",
                    format!("its shards’ rows were restored, of these {lost} are missing"),
                ),
            ],
            NO_REPLACEMENT,
        ),
        plots: vec![drawn("2-A-4", survived.plot("Writes and reads answered in each 100 ms"))],
        tables: Vec::new(),
        findings: vec![
            Finding::new("6 servers, one dropped", survived.shown()),
            Finding::new("rows afterwards", kept.clone()),
        ],
        lost: (lost + missed > 0)
            .then(|| format!("acknowledged rows are gone: {kept}, {missed} not found by a read")),
        figures,
        runs: vec![Run { name: "dropped".into(), samples: survived.samples }],
    })
}

fn setup(lab: &Lab, shape: &Shape) -> Setup {
    let heartbeat = format!("{}ms", lab.scope.heartbeat.as_millis());
    Setup::new(shape.init(lab), PAPERS).with("RINGWRIGHT_HEARTBEAT_INTERVAL", heartbeat)
}

fn heartbeats(lab: &Lab) -> String {
    format!("Heartbeats every {:?}, a flatline after 5 misses.", lab.scope.heartbeat)
}

async fn fill(bed: &Bed, keys: &[u64]) -> Result<()> {
    let mut connection = bed.connect().await?;
    for batch in keys.chunks(1_000) {
        let rows: Vec<Value> = batch.iter().map(|key| student(*key, 0)).collect();
        connection.post("/write", &json!({"data": rows})).await?;
    }
    Ok(())
}
