//! The paper's protocol and ours, live, under one schedule: one loses a write it acknowledged.
//!
//! The schedule is the one that the tests of the protocol hold both against, done to processes: a
//! read comes while a write is on one replica and under way to the other, which stands still. It
//! is the same each time, as each step waits until the one before can be seen to be done: on the
//! disk of a server, in the balancer's log, or in an answer.

mod client;
mod schedule;

use anyhow::{Context, Result};
use ringwright_plot::{Axis, Bar, Bars, Colour, Length, Plot, Scale, Table};
use serde_json::json;

use crate::balance::drawn;
use crate::verdict::{Claim, verdict};
use crate::{Experiment, Finding, Lab, Outcome, Run};
use client::{Played, list};
use schedule::{STEPS, play};

/// Both, under the same schedule.
pub(crate) async fn run(lab: &Lab) -> Result<Outcome> {
    lab.bar.set_message("the protocols");
    let paper = play(lab, "paper").await.context("--protocol paper")?;
    let ours = play(lab, "safe").await.context("our protocol")?;
    let finding = |played: &Played| {
        format!(
            "acknowledged rows {}, read at the end {}, lost {}",
            list(&played.acknowledged),
            list(&played.found),
            list(&lost(played).into_iter().collect())
        )
    };
    let figures = json!({"steps": STEPS, "paper": paper.json(), "ours": ours.json(),
        "lost": {"paper": lost(&paper), "ours": lost(&ours)}});
    Ok(Outcome {
        experiment: Experiment::Protocol,
        how:
            "One shard on two servers; the ten steps below, each begun when the one before can be \
              seen to be done, once with --protocol paper (Algorithm 1 as printed) and once with \
              ours. What a server holds is asked of it alone, which changes nothing. Nobody is \
              given up meanwhile: a server that stands still is no flatline yet."
                .into(),
        paper: "The paper gives Algorithm 1 and calls it consistent; it shows no run of this kind."
            .into(),
        shows: format!("{} {}", losses(&lost(&paper), &lost(&ours)), availability(&paper, &ours)),
        beside: beside(&lost(&paper)),
        plots: vec![drawn("protocol", plot(&[("paper", &paper), ("ours", &ours)]))],
        tables: vec![table(&paper, &ours)],
        findings: vec![
            Finding::new("--protocol paper", finding(&paper)),
            Finding::new("ours", finding(&ours)),
        ],
        lost: gone(&lost(&ours)),
        figures,
        runs: vec![
            Run { name: "paper".into(), samples: paper.samples },
            Run { name: "ours".into(), samples: ours.samples },
        ],
    })
}

/// The rows that were acknowledged, and that a client does not read any more.
fn lost(played: &Played) -> Vec<u64> {
    played.acknowledged.difference(&played.found).copied().collect()
}

/// What is to be said where ours lost some.
fn gone(lost: &[u64]) -> Option<String> {
    let rows = || list(&lost.iter().copied().collect());
    (!lost.is_empty()).then(|| format!("our protocol acknowledged row {} and lost it", rows()))
}

fn losses(paper: &[u64], ours: &[u64]) -> String {
    let paper = match paper {
        [] => "Under this schedule the paper’s protocol lost no write.".to_owned(),
        lost => format!(
            "The paper’s protocol acknowledged row {} and lost it. Line 5 does it (remove entries \
             where CAT > VAT): a read runs it too, with the VAT of its time, which line 31 of the \
             write under way has not raised yet; the new row’s CAT lies above it, and the read \
             deletes it from the replica. The write is acknowledged all the same.",
            list(&lost.iter().copied().collect())
        ),
    };
    let ours = match ours {
        [] => "Ours lost none: a read changes nothing.".to_owned(),
        lost => format!("Ours lost row {}.", list(&lost.iter().copied().collect())),
    };
    format!("{paper} {ours}")
}

fn beside(lost: &[u64]) -> String {
    let claim = Claim::new(
        lost.is_empty(),
        "its Algorithm 1 lost nothing under this schedule",
        format!(
            "it calls its Algorithm 1 consistent, which lost row {}",
            list(&lost.iter().copied().collect())
        ),
    );
    verdict(&[claim], "as a read that comes while a write is under way deletes the new row")
}

fn availability(paper: &Played, ours: &Played) -> String {
    let wrote = |played: &Played| {
        if played.acknowledged.contains(&3) { "was acknowledged" } else { "was refused" }
    };
    format!(
        "With one of two replicas dead, the next write {} by the paper’s protocol (the loop of \
         lines 3 to 30 needs every server’s answer) and {} by ours.",
        wrote(paper),
        wrote(ours)
    )
}

fn table(paper: &Played, ours: &Played) -> Table {
    let row = |(i, ((step, paper), ours)): (usize, ((&&str, &String), &String))| {
        vec![format!("{}", i + 1), (*step).to_owned(), paper.clone(), ours.clone()]
    };
    let steps = STEPS.iter().zip(&paper.answers).zip(&ours.answers);
    Table {
        caption: "The schedule, and what each protocol answered".into(),
        header: ["", "step", "--protocol paper", "ours"].map(str::to_owned).into(),
        rows: steps.enumerate().map(row).collect(),
        open: true,
    }
}

fn plot(both: &[(&str, &Played)]) -> Plot {
    let bars = both.iter().enumerate().flat_map(|(i, (name, played))| {
        let kept = played.acknowledged.intersection(&played.found).count();
        [("acknowledged", played.acknowledged.len()), ("still read", kept)].map(|(what, rows)| {
            Bar {
                label: format!("{name}: {what}"),
                colour: Colour(i),
                length: Length::Of {
                    value: rows as f64,
                    pale: 0.0,
                    mark: None,
                    text: rows.to_string(),
                },
            }
        })
    });
    let bars: Vec<Bar> = bars.collect();
    Bars {
        title: "Rows acknowledged, and those a client still reads".into(),
        description: "Three rows were to be written; for each protocol two bars.".into(),
        axis: Axis::new("rows", Scale::Linear, 0.0, 3.0),
        reference: None,
        bars,
    }
    .draw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_ours_lost_is_named() {
        let played = |found: &[u64]| Played {
            answers: Vec::new(),
            acknowledged: [1, 2, 3].into(),
            found: found.iter().copied().collect(),
            samples: Vec::new(),
        };
        assert_eq!(gone(&lost(&played(&[1, 2, 3, 4]))), None);
        assert!(gone(&lost(&played(&[1, 3]))).is_some_and(|told| told.contains("row 2")));
    }
}
